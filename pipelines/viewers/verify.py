"""Holds the tables of a run against a second counting in Spark."""

from itertools import islice

from pipelines.core.errors import GateError
from pipelines.core.spark import build_session
from pipelines.viewers import recompute
from pipelines.viewers.config import ViewersConfig
from pipelines.viewers.outcome import too_late
from pipelines.viewers.result import Run

SHOWN = 5


def verify(result: Run, config: ViewersConfig) -> int:
    """Compare slices, minutes and sessions row for row; returns 0.

    Raises:
        GateError: rows differ; shows the first of them.
    """
    given = config.windows
    dropped = too_late(result.late, int(given.lateness_seconds * 1000))
    values = dropped["message_value"].to_pylist() if dropped.num_rows else []
    session = build_session("viewer_verification")
    try:
        events = recompute.read_events(session, result.source.folder, values).persist()
        gold = recompute.gold_rows(events, given)
        sessions = recompute.whole_sessions(events, given)
    finally:
        session.stop()
    length = result.metrics["window_end_ms"] - result.metrics["window_start_ms"]
    counted = result.metrics[length <= given.minute_seconds * 1000]
    found = [
        *recompute.differences(counted, gold, recompute.KEY, recompute.MEASURES),
        *recompute.differences(
            result.sessions, sessions, ("session_id",), recompute.SESSION_MEASURES
        ),
    ]
    if found:
        told = "; ".join(str(dict(one)) for one in islice(found, SHOWN))
        raise GateError(
            f"Spark counts {len(found):,} values otherwise than Flink, so trust neither: {told}"
        )
    return 0
