"""Open-loop latency of the fraud job on a real Kafka, all on this machine.

Send times are fixed beforehand, and a payment's clock starts at its scheduled time, so that a
stalled generator hides nothing. It ends when a consumer reads the decision.
"""

import gc
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from harness.results import Results, progress
from kafka import TopicPartition

from pipelines.core import endpoints
from pipelines.core.catalogue import load_catalogue
from pipelines.core.kafka import make_consumer, make_producer
from pipelines.stack.cli import reconcile
from pipelines.stack.native import NativeStack
from pipelines.upi_fraud.decider import TOPIC
from pipelines.upi_fraud.sources import Source

ROOT = Path(__file__).resolve().parents[1]
DECISIONS = "upi.decisions.v1"
Row = tuple[bytes, bytes, int, int]
"""Key, value, record time, and the partition that Kafka's own hash of the key gives."""
FIRST, FIRST_RATE = 90_000, 1_500
"""Payments sent before anything is measured, and how many a second: a minute."""
WARM_SECONDS = 10
"""Left out at the begin of each rate."""
START_SECONDS = 180
TICK_SECONDS = 0.002


def measure_latency(
    results: Results, source: Source, rates: list[int], seconds: int, scratch: Path
) -> None:
    """Add p50, p95, p99, p99.9 and the largest latency at each rate, ms."""
    with _stack(scratch) as servers, _job(scratch, servers):
        names = ("message_key", "message_value", "kafka_time_ms", "kafka_partition")
        rows = list(zip(*(source.payments[name].to_pylist() for name in names), strict=True))
        gc.freeze()  # nothing may stop the generator
        _measure(servers, rows[:FIRST], FIRST_RATE, START_SECONDS)
        used = FIRST
        for rate in rates:
            number = rate * (seconds + WARM_SECONDS)
            chosen = rows[used : used + number]
            used += len(chosen)
            if len(chosen) < number:
                results.skip(f"latency at {rate}/s", "too few payments: raise --payments")
                continue
            spent, share = _measure(servers, chosen, rate, 30)
            _add(results, rate, spent[rate * WARM_SECONDS :], share)
            progress(f"latency at {rate}/s: done")


def _add(results: Results, rate: int, spent: np.ndarray, share: float) -> None:
    """Figures of one rate; a decision that never came counts as infinitely late."""
    for name, part in (("p50", 50), ("p95", 95), ("p99", 99), ("p99.9", 99.9), ("max", 100)):
        value = float(np.percentile(spent, part, method="higher"))
        results.add(f"latency {name} at {rate}/s", value, "ms")
    results.add(f"decisions that never came at {rate}/s", float(np.isinf(spent).sum()), "payments")
    results.add(f"generator's share of a core at {rate}/s", share, "cores")


def _measure(servers: str, rows: list[Row], rate: int, wait: float) -> tuple[np.ndarray, float]:
    """Milliseconds from each payment's scheduled send to the read of its decision.

    Also tells how much of a core the generator took.
    """
    context = get_context("spawn")
    pipe, far_end = context.Pipe()
    reader = context.Process(target=_read, args=(servers, far_end, len(rows), wait), daemon=True)
    reader.start()
    pipe.recv()
    with closing(make_producer(servers, linger_ms=0, compression_type=None, acks=1,
                               enable_idempotence=False)) as producer:  # fmt: skip
        places = {_number(value): place for place, (_, value, _, _) in enumerate(rows)}
        begin, busy = time.monotonic() + 0.5, time.process_time()
        _send(producer, rows, rate, begin)
        busy = (time.process_time() - busy) / (time.monotonic() - begin)
    pipe.send("all is sent")
    spent = np.full(len(rows), np.inf)
    for order, moment in pipe.recv():
        place = places.get(order)
        if place is not None:
            spent[place] = min(spent[place], (moment - begin - place / rate) * 1000)
    reader.join()
    return spent, busy


def _number(value: bytes) -> int:
    """Number of a payment: its event_id `upi-T<seed>-<number>` stands early in the record."""
    mark = value.index(b"upi-T")
    return int(value[mark + 4 : mark + 24].split(b"-")[1][:8])


def _send(producer: object, rows: list[Row], rate: int, begin: float) -> None:
    """Send what is due, every 2 ms: the wait is part of the latency, as the stamp is the plan."""
    for place, (key, value, time_ms, partition) in enumerate(rows):
        early = begin + place / rate - time.monotonic()
        if early > 0:
            time.sleep(max(early, TICK_SECONDS))
        producer.send(TOPIC, key=key, value=value, timestamp_ms=time_ms, partition=partition)
    producer.flush()


def _read(servers: str, pipe: Connection, wanted: int, wait: float) -> None:
    """Note when each decision is read, in a process of its own; the key is the transaction id."""
    settings = {"isolation_level": "read_uncommitted", "fetch_min_bytes": 1, "fetch_max_wait_ms": 5,
                "auto_offset_reset": "latest"}  # fmt: skip
    seen: list[tuple[int, float]] = []
    deadline = None
    with closing(make_consumer(servers, **settings)) as consumer:
        parts = [TopicPartition(DECISIONS, one) for one in consumer.partitions_for_topic(DECISIONS)]
        consumer.assign(parts)
        consumer.seek_to_end(*parts)
        for part in parts:
            consumer.position(part)
        pipe.send("ready")
        while deadline is None or time.monotonic() < deadline:
            batches = consumer.poll(timeout_ms=20)
            moment = time.monotonic()
            for records in batches.values():
                seen += [(int(one.key.rpartition(b"-")[2]), moment) for one in records]
            if deadline is None and pipe.poll():
                deadline = moment + wait
            if deadline is not None and len(seen) >= 0.99 * wanted:
                deadline = min(deadline, moment + 2)
    pipe.send(seen)


@contextmanager
def _stack(scratch: Path) -> Iterator[str]:
    """A Kafka of its own with the topics of the catalogue."""
    stack = NativeStack(scratch / "stack")
    before = dict(os.environ)
    try:
        stack.start(sorted(load_catalogue().users))
        os.environ.update(stack.environment)
        reconcile(load_catalogue(), "local", is_apply=True)
        yield stack.environment[endpoints.KAFKA]
    finally:
        stack.stop()
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _job(scratch: Path, servers: str) -> Iterator[None]:
    """The job as a process of its own, until the block ends."""
    command = [sys.executable, str(ROOT / "jobs" / "upi_fraud.py"), "--stack", "--report",
               str(scratch / "report"), "--set", "batch.buckets=1"]  # fmt: skip
    env = {**os.environ, "SANGAM_TOKEN_KEY": "benchmark-key-0123456789", "SANGAM_TOKEN_KEY_ID": "1"}
    with (scratch / "job.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=env)
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
