"""Kafka section of the viewer benchmark: a real broker, loaded by Flink, counted, and then live."""

import os
import shutil
import threading
import time
from contextlib import closing
from pathlib import Path

from harness.results import Results, progress

from pipelines.core.catalogue import load_catalogue
from pipelines.core.kafka import make_producer, topic_spans
from pipelines.core.wire import Wire
from pipelines.produce.samples import sample_records
from pipelines.stack.cli import reconcile
from pipelines.stack.native import NativeStack
from pipelines.viewers import topics
from pipelines.viewers.config import ViewersConfig
from pipelines.viewers.engine import cancel
from pipelines.viewers.follow import AlertLoop
from pipelines.viewers.live import LiveLane
from pipelines.viewers.stack import load_topic, start_lanes

LIVE_SECONDS, WARM_SECONDS, LIVE_RATE = 60, 40, 2_000
FIGURES = ("freshness_p50_ms", "freshness_p99_ms")


def run_kafka(results: Results, folder: Path, scratch: Path) -> None:
    """Load the topic, count all of it with sinks and transactions, then follow live events."""
    stack = NativeStack(scratch / "stack")
    stack.start(sorted(load_catalogue().users))
    try:
        os.environ.update(stack.environment)
        reconcile(load_catalogue(), "local", is_apply=True)
        config, servers = ViewersConfig(), stack.environment["SANGAM_KAFKA"]
        measure_freshness(results, config, servers, scratch)
        before = length(servers)
        load_topic(folder, config, scratch / "load")
        progress(f"kafka: {length(servers) - before:,} messages loaded")
        number, start = length(servers), time.monotonic()
        start_lanes(config, scratch / "count", is_bounded=True).wait()
        spent = time.monotonic() - start
        results.add("kafka events per second", number / spent, "1/s")
        results.add("kafka seconds", spent, "s")
    finally:
        stack.stop()


def length(servers: str) -> int:
    """Messages on the topic of events."""
    return sum(end - start for start, end in topic_spans(servers, topics.EVENTS).values())


def measure_freshness(results: Results, config: ViewersConfig, servers: str, scratch: Path) -> None:
    """Age of events when their provisional row is read, with players that send in real time."""
    job, lane = start_lanes(config, scratch / "live", is_bounded=False), LiveLane(config)
    lane.start()
    players = threading.Thread(target=send_live, args=(servers, WARM_SECONDS + LIVE_SECONDS))
    players.start()
    loop = AlertLoop(servers, config, lane)
    loop.run(WARM_SECONDS + LIVE_SECONDS)
    players.join()
    lane.stop()
    cancel(job)
    shutil.rmtree(scratch / "live", ignore_errors=True)
    found = loop.metrics(WARM_SECONDS)
    for name in FIGURES:
        results.add(name.removesuffix("_ms").replace("_", " "), found[name], "ms")
    results.add("freshness, provisional rows", found["provisional_rows"], "rows")


def send_live(servers: str, seconds: float) -> None:
    """Heartbeats of some thousand sessions, each stamped with the moment it is sent."""
    wire, number = Wire("viewer.Event"), LIVE_RATE * 10
    records = list(sample_records("viewer.Event", number, entities=LIVE_RATE * 5))
    start = time.monotonic()
    with closing(make_producer(servers, linger_ms=5)) as producer:
        for place in range(int(seconds * LIVE_RATE)):
            if (early := start + place / LIVE_RATE - time.monotonic()) > 0:
                time.sleep(early)
            now = int(time.time() * 1000)
            record = records[place % number] | {
                "event_id": f"live-{place}", "event_time": now, "event_type": "HEARTBEAT",
            }  # fmt: skip
            producer.send(
                topics.EVENTS, key=record["session_id"].encode(), value=wire.encode(record),
                timestamp_ms=now,
            )  # fmt: skip
        producer.flush(30)
