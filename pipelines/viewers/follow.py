"""What goes on beside Flink with `--stack`: metrics read back, alerts sent, the freshness measured.

A loop reads the metrics as any consumer would, and sends alerts at once; an alert's id makes a
repeated one harmless. Plain Python: it sees a few rows a second.
"""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.core import endpoints
from pipelines.core.clock import utc_today
from pipelines.core.kafka import Spans, make_producer, open_topic, read_all, topic_spans
from pipelines.core.runlog import RunLog
from pipelines.core.summary import RunSummary, begin_summary
from pipelines.core.wire import Wire
from pipelines.viewers import topics
from pipelines.viewers.alerts import Notice, Watch
from pipelines.viewers.config import ViewersConfig
from pipelines.viewers.engine import end
from pipelines.viewers.live import LiveLane
from pipelines.viewers.reading import PROVISIONAL, MetricsReader
from pipelines.viewers.request import Request
from pipelines.viewers.stack import JOB, start_lanes


def follow(config: ViewersConfig, request: Request, log: RunLog) -> RunSummary:
    """Run the lanes on Kafka and the loop beside them, for so long or until stopped.

    Args:
        config: settings.
        request: how long; its lake takes metrics and sessions as Parquet.
        log: progress.

    Raises:
        SangamError: Kafka cannot be reached, or the job cannot be started.
    """
    servers = endpoints.kafka_servers()
    spans = topic_spans(servers, topics.EVENTS)  # tells that Kafka is away; Flink would go on
    as_of = request.as_of or utc_today()
    summary = begin_summary(JOB, config, as_of, topics.EVENTS, {"topic": topics.EVENTS})
    log.name(summary)
    if request.dry_run:
        return close_dry_run(summary, spans, log)
    checkpoints = Path(tempfile.mkdtemp(prefix="sangam-"))
    live = LiveLane(config)
    loop = AlertLoop(servers, config, live)
    with log.step("start"):
        job = start_lanes(config, checkpoints, False, request.lake.resolve().as_uri())
        live.start()
    try:
        with log.step("follow") as step:
            step.rows = loop.run(request.seconds)
    finally:
        live.stop()
        end(job, config)
        shutil.rmtree(checkpoints, ignore_errors=True)
        # Offsets of transactional topics count their markers too, so these are read.
        dead, late = (sum(1 for _ in read_all(servers, one)) for one in (topics.DEAD, topics.LATE))
        read = sum(end - start for start, end in topic_spans(servers, topics.EVENTS).values())
        summary.counts = {
            "read": read, "in": read, "out": read - dead - late, "dlq": dead, "late": late,
        }  # fmt: skip
        summary.metrics = loop.metrics() | {"mode_changes": live.changes}
        log.close(summary)
    if request.report:
        summary.write_run_json(request.report)
    return summary


def close_dry_run(summary: RunSummary, spans: Spans, log: RunLog) -> RunSummary:
    """What a run would read: the messages of the topic now."""
    summary.status = "dry_run"
    summary.counts = {"read": sum(end - start for start, end in spans.values())}
    log.close(summary)
    return summary


@dataclass
class AlertLoop:
    """Reads metrics and sends alerts.

    Attributes:
        servers: bootstrap servers.
        config: settings.
        live: the lane that may be slowed down; None where nothing is governed.
    """

    servers: str
    config: ViewersConfig
    live: LiveLane | None = None

    def __post_init__(self) -> None:
        self._watch = Watch(self.config.alerts)
        self._regions: dict[int, dict[str, int]] = {}
        self._contents: dict[int, dict[str, int]] = {}
        self.sent = 0
        self.peak = 0
        self._start = time.monotonic()
        self._ages: list[tuple[float, int]] = []
        self._began_ms = self.newest_ms = int(time.time() * 1000)
        self._sent_so_far = 0

    def run(self, seconds: float | None) -> int:
        """Follow the topic for so long, for ever when None; returns the alerts that were sent."""
        out = Wire("viewer.Alert")
        until = float("inf") if seconds is None else time.monotonic() + seconds
        with (
            closing(MetricsReader(self.servers)) as reader,
            closing(make_producer(self.servers)) as producer,
            open_topic(self.servers, topics.EVENTS) as (events, _),
        ):
            while time.monotonic() < until:
                for row in reader.poll(timeout_ms=500):
                    self._take(row)
                for notice in self._ready():
                    producer.send(
                        topics.ALERTS, key=notice.alert_id.encode(),
                        value=out.encode(alert_record(notice)), timestamp_ms=notice.at_ms,
                    ).get(30)  # fmt: skip
                    self.sent += 1
                if self.live is not None:
                    self.live.govern(self.lag_seconds(events, time.time()), time.monotonic())
        return self.sent

    def lag_seconds(self, events: Any, now: float) -> float:
        """By how much the newest provisional row is overdue; 0 while no event comes.

        Args:
            events: a consumer with the partitions of the events.
            now: epoch seconds.
        """
        sent = sum(events.end_offsets(events.assignment()).values())
        is_fed, self._sent_so_far = sent > self._sent_so_far, sent
        refresh = self.live.mode.refresh_seconds if self.live is not None else 0
        overdue = now - self.newest_ms / 1000 - refresh
        return max(0.0, overdue) if is_fed else 0.0

    def _take(self, row: dict[str, Any]) -> None:
        length = row["window_end_at"] - row["window_start_at"]
        if length != self.config.windows.slice_seconds * 1000:
            return
        at, number = int(row["window_end_at"]), int(row["concurrent"])
        if row["phase"] == PROVISIONAL:
            self.newest_ms = max(self.newest_ms, at)
            if at >= self._began_ms:  # a row of an earlier run tells nothing of this one
                age_ms = int(time.time() * 1000) - at
                self._ages.append((time.monotonic() - self._start, age_ms))
            return
        if row["dimension"] == "total":
            self._contents.setdefault(at, {})[row["content_id"]] = number
        elif row["dimension"] == "region":
            regions = self._regions.setdefault(at, {})
            regions[row["dimension_value"]] = regions.get(row["dimension_value"], 0) + number

    def _ready(self) -> Iterator[Notice]:
        """Readings of all moments but the newest, whose rows may still be on their way."""
        for at in sorted(self._contents)[:-1]:
            regions = self._regions.pop(at, {})
            self.peak = max(self.peak, sum(self._contents[at].values()))
            yield from self._watch.read_audience(regions, self._contents.pop(at), at)

    def metrics(
        self, after_seconds: float = 0.0, until_seconds: float = float("inf")
    ) -> dict[str, float | int | None]:
        """Figures of the loop.

        Args:
            after_seconds: ages of rows that came before, while the job was starting, are left out.
            until_seconds: and of those that came from then on.

        An event waits for the end of its slice before its row is made, so the age of an event when
        it is seen is that of the row and up to one refresh more; events are spread evenly over it.
        """
        refresh = self.config.live.refresh_seconds * 1000
        seen = [age for came, age in self._ages if after_seconds <= came < until_seconds]
        ages = np.add.outer(np.array(seen), np.linspace(0, refresh, 21)).ravel()
        return {
            "alerts": self.sent,
            "peak_concurrent_viewers": self.peak,
            "provisional_rows": len(seen),
            "freshness_p50_ms": float(np.quantile(ages, 0.5)) if len(ages) else None,
            "freshness_p99_ms": float(np.quantile(ages, 0.99)) if len(ages) else None,
        }


def alert_record(notice: Notice) -> dict[str, Any]:
    """A notice as `viewer.Alert`."""
    return {
        "event_id": f"{notice.alert_id}-{notice.state}",
        "event_time": notice.at_ms,
        "ingest_time": None,
        "source": JOB,
        "schema_version": 1,
        "region": notice.viewer_region or "UNKNOWN",
        "priority": 1 if notice.severity == "HIGH" else 5,
        "alert_id": notice.alert_id,
        "alert_type": notice.alert_type,
        "severity": notice.severity,
        "state": notice.state,
        "action": notice.action,
        "viewer_region": notice.viewer_region,
        "content_id": notice.content_id,
        "value": float(notice.value),
        "threshold": float(notice.threshold),
    }
