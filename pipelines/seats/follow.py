"""Micro-batches one after another, as messages come: `--intake --follow SECONDS`."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from pyspark.sql import SparkSession

from pipelines.core.lake import Lake
from pipelines.core.runlog import RunLog
from pipelines.core.summary import RunSummary
from pipelines.seats.config import SeatsConfig
from pipelines.seats.pipeline import run
from pipelines.seats.request import Request
from pipelines.seats.topics import unread

POLL_SECONDS = 0.5
SUMS = ("confirmed", "rac", "waitlisted", "applied", "refused", "already_applied")


def follow(
    session: SparkSession, config: SeatsConfig, request: Request, open_log: Callable[[], RunLog]
) -> RunSummary:
    """Sell what comes, until nothing has come for a while.

    Each micro-batch is published by itself, so the process may be killed at any moment.

    Args:
        session: a session with the Kafka source.
        config: settings.
        request: an intake from topics, with the seconds without news after which it ends.
        open_log: opens the log of a micro-batch.

    Returns:
        The last summary, with the counts of all micro-batches.
    """
    lake, counts, sums = Lake(session, request.lake), Counter[str](), Counter[str]()
    began = last_news = time.monotonic()
    summary: RunSummary | None = None
    batches, largest = 0, 0
    while summary is None or time.monotonic() - last_news < (request.follow or 0):
        waiting = unread(lake)
        if summary is not None and not waiting:
            time.sleep(POLL_SECONDS)
            continue
        summary = run(session, config, replace(request, report=None), open_log())
        counts.update(summary.counts)
        sums.update({name: int(summary.metrics[name] or 0) for name in SUMS})
        batches, largest, last_news = batches + 1, max(largest, waiting), time.monotonic()
    summary.counts = {**summary.counts, **counts}
    summary.total_seconds = time.monotonic() - began
    summary.metrics.update({**sums, "batches": batches, "largest_backlog": largest})
    if request.report and not request.dry_run:
        summary.write_run_json(request.report)
    return summary
