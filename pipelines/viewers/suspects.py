"""Accounts that too many devices share, and viewers that beat like a clock: rows for review (SQL).

Both come from what other lanes hold already, one row a session and minute, so that they cost no
further pass over the events.
"""
# ruff: noqa: S608

from pipelines.viewers.config import FairPlaySettings, WindowSettings
from pipelines.viewers.rules import FIRST_MS
from pipelines.viewers.views import View
from pipelines.viewers.windows import AFTER, ended

COLUMNS = "subject_id STRING, reason STRING, measured DOUBLE, found_at TIMESTAMP_LTZ(3)"
"""Columns of the view `suspects`: token, why, devices or ms of jitter, event time."""

SHARED, REGULAR, SLEEPLESS = "SHARED_ACCOUNT", "REGULAR", "SLEEPLESS"


def suspects_views(given: FairPlaySettings, windows: WindowSettings) -> list[View]:
    """View `suspects`; needs those of `windows.counted_views`.

    Args:
        given: limits.
        windows: settings of the windows.
    """
    devices = f"""
SELECT window_end - {AFTER} AS ended_at, account_id,
  BITMAP_BUILD_CARDINALITY_AGG(device_key) AS devices
FROM {ended("counted_devices", windows.minute_seconds)}
GROUP BY window_start, window_end, account_id"""
    beats = f"""
SELECT user_id, last_key / 16 AS last_moment,
  SQRT(GREATEST(CAST(gap_squares AS DOUBLE) / gaps - POWER(CAST(gap_sum AS DOUBLE) / gaps, 2), 0))
    AS jitter_ms
FROM counted_sessions WHERE gaps >= {given.least_gaps}"""
    rows = f"""
SELECT account_id AS subject_id, '{SHARED}' AS reason, CAST(devices AS DOUBLE) AS measured,
  CAST(ended_at AS TIMESTAMP_LTZ(3)) AS found_at
FROM account_devices WHERE devices > {given.devices}
UNION ALL
SELECT user_id, '{REGULAR}', jitter_ms, TO_TIMESTAMP_LTZ(last_moment + {FIRST_MS}, 3)
FROM session_beats WHERE jitter_ms <= {given.jitter_ms}"""
    return [("account_devices", devices), ("session_beats", beats), ("suspects", rows)]
