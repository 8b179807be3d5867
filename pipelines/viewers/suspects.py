"""Accounts that too many devices share, and viewers that beat like a clock: rows for review (SQL).

Both come from what other lanes hold already, one row a session and minute, so that they cost no
further pass over the events.
"""
# ruff: noqa: S608

from pipelines.viewers.config import FairPlaySettings, WindowSettings
from pipelines.viewers.rules import CELL_SIZE, FIRST_MS, MOMENT_SIZE
from pipelines.viewers.views import View

COLUMNS = "subject_id STRING, reason STRING, measured DOUBLE, found_at TIMESTAMP_LTZ(3)"
"""Columns of the view `suspects`: token, why, devices or ms of jitter, event time."""

SHARED, REGULAR, SLEEPLESS = "SHARED_ACCOUNT", "REGULAR", "SLEEPLESS"
FIRST_SQL = "TIMESTAMP '2020-01-01 00:00:00'"
"""The moment that `rules.FIRST_MS` counts from."""


def suspects_views(given: FairPlaySettings, windows: WindowSettings, minutes: str) -> list[View]:
    """View `suspects`.

    Args:
        given: limits.
        windows: settings of the windows.
        minutes: prefix of the `watching_views` it is made of.
    """
    end = f"CAST(TIMESTAMPDIFF(SECOND, {FIRST_SQL}, window_end) AS BIGINT) * 1000"
    devices = f"""
SELECT window_end, account_id, BITMAP_BUILD_CARDINALITY_AGG(device_key) AS devices
FROM {minutes}_sessions
WHERE account_id IS NOT NULL AND MOD(newest / {CELL_SIZE}, 2) = 1
  AND newest / {MOMENT_SIZE} > {end} - {windows.timeout_seconds * 1000}
GROUP BY window_start, window_end, account_id"""
    beats = f"""
SELECT user_id, last_key / 16 AS last_moment,
  SQRT(GREATEST(CAST(gap_squares AS DOUBLE) / gaps - POWER(CAST(gap_sum AS DOUBLE) / gaps, 2), 0))
    AS jitter_ms
FROM session_sums WHERE gaps >= {given.least_gaps}"""
    rows = f"""
SELECT account_id AS subject_id, '{SHARED}' AS reason, CAST(devices AS DOUBLE) AS measured,
  CAST(window_end AS TIMESTAMP_LTZ(3)) AS found_at
FROM account_devices WHERE devices > {given.devices}
UNION ALL
SELECT user_id, '{REGULAR}', jitter_ms, TO_TIMESTAMP_LTZ(last_moment + {FIRST_MS}, 3)
FROM session_beats WHERE jitter_ms <= {given.jitter_ms}"""
    return [("account_devices", devices), ("session_beats", beats), ("suspects", rows)]
