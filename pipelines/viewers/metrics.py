"""Rows of `viewer.Metrics` out of the lanes, and the tables around them (SQL).

A slice row (10 s) has the audience and its own quality; a minute row has all; a peak row has the
largest audience of its slices. Both lanes are brought together by one more window over few rows.
"""
# ruff: noqa: S608

from pipelines.viewers.config import WindowSettings
from pipelines.viewers.views import View
from pipelines.viewers.windows import AFTER, KEY, SUMS, seconds

COLUMNS = """content_id STRING, dimension STRING, dimension_value STRING,
  window_start_at TIMESTAMP_LTZ(3), window_end_at TIMESTAMP_LTZ(3), concurrent BIGINT,
  peak_concurrent BIGINT, unique_viewers BIGINT, watch_ms BIGINT, rebuffering_ratio DOUBLE,
  average_bitrate_kbps DOUBLE, startup_ms DOUBLE, failure_pct DOUBLE"""
"""Columns of the view `metrics`, in its order."""


def metrics_views(given: WindowSettings) -> list[View]:
    """View `metrics`, with a row per content, dimension, value and window.

    Windows are slices, minutes and hopping peaks; where two lanes meet, a value that only one of
    them has counts 0 in the other.
    """
    nothing = ", ".join(f"CAST(NULL AS BIGINT) AS {name}" for name in SUMS)
    combined = (
        "combined",
        f"""
SELECT {KEY}, live_at AS row_at, concurrent, {nothing} FROM audience
UNION ALL
SELECT {KEY}, closed_at AS row_at, CAST(NULL AS BIGINT) AS concurrent, {", ".join(SUMS)}
FROM minutes""",
    )
    parts = [
        _window_rows("minute_rows", given.minute_seconds, "combined"),
        _slice_rows(given),
        _peak_rows(given),
    ]
    rows = " UNION ALL ".join(
        f"SELECT * FROM {name}" for name in ("slice_rows", "minute_rows", "peak_rows")
    )
    return [combined, *parts, ("metrics", rows)]


def _window_rows(name: str, length: int, source: str) -> View:
    sums = ", ".join(f"COALESCE(MAX({one}), 0) AS {one}" for one in SUMS)
    return (
        name,
        f"""
SELECT {KEY}, window_end - {seconds(length)} - {AFTER} AS window_start_at,
  window_end - {AFTER} AS window_end_at, concurrent, peak_concurrent, unique_viewers,
  played_ms + rebuffered_ms AS watch_ms, {_ratios()}
FROM (
  SELECT {KEY}, window_end,
    COALESCE(MAX(concurrent) FILTER (WHERE row_at = window_time), 0) AS concurrent,
    COALESCE(MAX(concurrent), 0) AS peak_concurrent, {sums}
  FROM TUMBLE(TABLE {source}, DESCRIPTOR(row_at), {seconds(length)}, {AFTER})
  GROUP BY window_start, window_end, {KEY}
)""",
    )


def _ratios() -> str:
    """The measures that are shares, null where nothing was watched, started or seen."""
    return """CASE WHEN played_ms + rebuffered_ms > 0
    THEN CAST(rebuffered_ms AS DOUBLE) / (played_ms + rebuffered_ms) END AS rebuffering_ratio,
  CASE WHEN played_ms > 0 THEN CAST(delivered_kilobits AS DOUBLE) * 1000 / played_ms END
    AS average_bitrate_kbps,
  CASE WHEN starts > 0 THEN CAST(startup_ms AS DOUBLE) / starts END AS startup_ms,
  CASE WHEN sessions > 0 THEN CAST(failures AS DOUBLE) * 100 / sessions END AS failure_pct"""


def _slice_rows(given: WindowSettings) -> View:
    return (
        "slice_rows",
        f"""
SELECT {KEY}, CAST(live_at AS TIMESTAMP(3)) - {seconds(given.slice_seconds)} AS window_start_at,
  CAST(live_at AS TIMESTAMP(3)) AS window_end_at, concurrent, concurrent AS peak_concurrent,
  CAST(0 AS BIGINT) AS unique_viewers, CAST(0 AS BIGINT) AS watch_ms,
  CAST(NULL AS DOUBLE) AS rebuffering_ratio, CAST(NULL AS DOUBLE) AS average_bitrate_kbps,
  CAST(NULL AS DOUBLE) AS startup_ms, CAST(NULL AS DOUBLE) AS failure_pct
FROM audience""",
    )


def _peak_rows(given: WindowSettings) -> View:
    hop = f"{seconds(given.minute_seconds)}, {seconds(given.peak_seconds)}, {AFTER}"
    return (
        "peak_rows",
        f"""
SELECT {KEY}, window_start - {AFTER} AS window_start_at, window_end - {AFTER} AS window_end_at,
  COALESCE(MAX(concurrent) FILTER (WHERE live_at = window_time), 0) AS concurrent,
  MAX(concurrent) AS peak_concurrent, CAST(0 AS BIGINT) AS unique_viewers,
  CAST(0 AS BIGINT) AS watch_ms, CAST(NULL AS DOUBLE) AS rebuffering_ratio,
  CAST(NULL AS DOUBLE) AS average_bitrate_kbps, CAST(NULL AS DOUBLE) AS startup_ms,
  CAST(NULL AS DOUBLE) AS failure_pct
FROM HOP(TABLE audience, DESCRIPTOR(live_at), {hop})
GROUP BY window_start, window_end, {KEY}""",
    )
