"""The query most people would write first: distinct sessions, users and sums by each dimension.

It answers less than the job: a paused or stopped session still counts until the window ends, and a
copy of an event adds to the sums.
"""
# ruff: noqa: S608

from pipelines.viewers.dimensions import DIMENSIONS
from pipelines.viewers.views import code_of


def plain_sql(opened) -> list[str]:
    """Make the sinks of one query a dimension and window length; returns the inserts."""
    opened.execute_sql(
        "CREATE TEMPORARY TABLE plain_out (content_id STRING, v INT, sessions BIGINT, users BIGINT,"
        " played BIGINT, stalled BIGINT, kilobits BIGINT) WITH ('connector' = 'blackhole')"
    )
    inserts = []
    for seconds in (10, 60):
        for one in (None, *DIMENSIONS):
            value = code_of(one) if one else "CAST(0 AS INT)"
            inserts.append(
                f"INSERT INTO plain_out SELECT content_id, {value}, COUNT(DISTINCT session_id),"
                " COUNT(DISTINCT user_id), SUM(played_ms), SUM(rebuffered_ms),"
                " SUM(delivered_kilobits)"
                f" FROM TUMBLE(TABLE events, DESCRIPTOR(event_at), INTERVAL '{seconds}' SECOND)"
                f" GROUP BY window_start, window_end, content_id, {value}"
            )
    return inserts
