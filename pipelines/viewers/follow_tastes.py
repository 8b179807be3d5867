"""`--stack --job taste`: the lane of tastes on Kafka, for so long or until stopped."""

import shutil
import tempfile
import time
from pathlib import Path

from pipelines.core import endpoints
from pipelines.core.clock import utc_today
from pipelines.core.kafka import read_all, topic_spans
from pipelines.core.runlog import RunLog
from pipelines.core.summary import RunSummary, begin_summary
from pipelines.viewers import topics
from pipelines.viewers.config import ViewersConfig
from pipelines.viewers.engine import end
from pipelines.viewers.follow import close_dry_run
from pipelines.viewers.request import Request
from pipelines.viewers.taste_flink import JOB, start_tastes


def follow_tastes(config: ViewersConfig, request: Request, log: RunLog) -> RunSummary:
    """Keep the preferences up to date.

    Args:
        config: settings.
        request: how long.
        log: progress.

    Raises:
        SangamError: Kafka cannot be reached, or the job cannot be started.
    """
    servers = endpoints.kafka_servers()
    spans = topic_spans(servers, topics.INTERACTIONS)  # tells that Kafka is away
    as_of, source = request.as_of or utc_today(), topics.INTERACTIONS
    summary = begin_summary(JOB, config, as_of, source, {"topic": source})
    log.name(summary)
    if request.dry_run:
        return close_dry_run(summary, spans, log)
    checkpoints = Path(tempfile.mkdtemp(prefix="sangam-"))
    with log.step("start"):
        job = start_tastes(config, checkpoints)
    try:
        with log.step("follow"):
            until = time.monotonic() + (request.seconds or float("inf"))
            while time.monotonic() < until:
                time.sleep(0.5)
    finally:
        end(job, config)
        shutil.rmtree(checkpoints, ignore_errors=True)
        dead = sum(1 for _ in read_all(servers, topics.DEAD_INTERACTIONS))
        read = sum(stop - start for start, stop in topic_spans(servers, source).values())
        summary.counts = {"read": read, "in": read, "out": read - dead, "dlq": dead}
        users = {one.key for one in read_all(servers, topics.PREFERENCES)}
        summary.metrics = {"taste_profiles": len(users)}
        log.close(summary)
    if request.report:
        summary.write_run_json(request.report)
    return summary
