"""Kafka section of the viewer benchmark: rows while players send, then a whole match counted."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from harness.cpu import cpu_seconds
from harness.results import Results, progress
from viewers_data import ROOT

from pipelines.core.catalogue import load_catalogue
from pipelines.core.kafka import delete_records, read_all, topic_spans
from pipelines.stack.cli import reconcile
from pipelines.stack.native import NativeStack
from pipelines.viewers import topics
from pipelines.viewers.config import ViewersConfig
from pipelines.viewers.engine import cancel
from pipelines.viewers.follow import AlertLoop
from pipelines.viewers.live import LiveLane
from pipelines.viewers.stack import load_topic, start_lanes

LIVE_SECONDS, WARM_SECONDS = 60, 60
"""Rows of the first minute are left out: the JVM still compiles, and a match lasts for hours."""

CHECKPOINT_SECONDS = 10
"""A bounded run ends with a checkpoint, which it waits for."""

FIGURES = ("freshness_p50_ms", "freshness_p99_ms")


def run_kafka(
    results: Results, sections: Sequence[str], folder: Path, rate: int, scratch: Path
) -> None:
    """Follow live events, load the topic and count all of it, or one of the two.

    Args:
        results: takes the figures.
        sections: `freshness`, `kafka` or both.
        folder: messages of a match in their order of arrival, one file.
        rate: live events a second.
        scratch: takes the servers' data.
    """
    os.environ.setdefault("JVM_ARGS", "-XX:+UseParallelGC -Xmx4g")
    stack = NativeStack(scratch / "stack")
    stack.start(sorted(load_catalogue().users))
    try:
        os.environ.update(stack.environment)
        reconcile(load_catalogue(), "local", is_apply=True)
        broker = json.loads((stack.folder / "state.json").read_text())["kafka_pid"]
        servers = stack.environment["SANGAM_KAFKA"]
        if "freshness" in sections:
            measure_freshness(results, servers, folder, rate, scratch)
            for topic in topics.ALL:
                delete_records(servers, topic)
        if "kafka" in sections:
            measure_rate(results, servers, folder, broker, scratch)
    finally:
        stack.stop()


def measure_rate(results: Results, servers: str, folder: Path, broker: int, scratch: Path) -> None:
    """Count all messages of the topic: rate, and what a message costs the job and the broker."""
    config = ViewersConfig()
    flink = config.flink.model_copy(update={"checkpoint_seconds": CHECKPOINT_SECONDS})
    one = config.model_copy(update={"flink": flink.model_copy(update={"parallelism": 1})})
    load_topic(folder, one, scratch / "load")
    number = sum(end - start for start, end in topic_spans(servers, topics.EVENTS).values())
    progress(f"kafka: {number:,} messages loaded")
    before, start = (cpu_seconds(), cpu_seconds(broker)), time.monotonic()
    start_lanes(config.model_copy(update={"flink": flink}), scratch / "count", True).wait()
    spent = time.monotonic() - start
    whole, served = cpu_seconds() - before[0], cpu_seconds(broker) - before[1]
    results.add("kafka events", number, "events")
    results.add("kafka events per second", number / spent, "1/s")
    results.add("kafka seconds", spent, "s")
    results.add("kafka time on cores per event, job", (whole - served) / number * 1e6, "us")
    results.add("kafka time on cores per event, broker", served / number * 1e6, "us")
    for name, topic in (("dead letters", topics.DEAD), ("too late", topics.LATE)):
        results.add(f"kafka {name}", sum(1 for _ in read_all(servers, topic)), "events")


def measure_freshness(
    results: Results, servers: str, folder: Path, rate: int, scratch: Path
) -> None:
    """Age of events when their provisional row is read, with players that send in real time."""
    config = ViewersConfig()
    job, lane = start_lanes(config, scratch / "live", is_bounded=False), LiveLane(config)
    lane.start()
    program, seconds = ROOT / "benchmarks" / "viewers_players.py", WARM_SECONDS + LIVE_SECONDS
    command = [sys.executable, str(program), servers, str(folder), str(rate), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as players:
        loop = AlertLoop(servers, config, lane)
        loop.run(seconds)
        told = json.loads(players.communicate(timeout=60)[0].splitlines()[-1])
    lane.stop()
    cancel(job)
    shutil.rmtree(scratch / "live", ignore_errors=True)
    for after in range(0, seconds, 20):
        part = [loop.metrics(after, after + 20)[name] or 0 for name in FIGURES]
        progress(f"freshness after {after} s: p50 {part[0]:,.0f} ms, p99 {part[1]:,.0f} ms")
    found = loop.metrics(WARM_SECONDS)
    for name in FIGURES:
        results.add(name.removesuffix("_ms").replace("_", " "), found[name], "ms")
    results.add("freshness, provisional rows", found["provisional_rows"], "rows")
    results.add("freshness, events sent per second", told["sent"] / seconds, "1/s")
    results.add("freshness, changes of mode", lane.changes, "changes")
