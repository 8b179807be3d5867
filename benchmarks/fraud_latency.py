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
from pathlib import Path
from subprocess import PIPE
from typing import Any

import numpy as np
from fraud_load import Row, make_requests, send
from harness.arguments import PEERS_PYTHON
from harness.process import RunFailed
from harness.results import Results, progress

from pipelines.core import endpoints
from pipelines.core.catalogue import load_catalogue
from pipelines.core.kafka import make_producer
from pipelines.core.wire import Wire
from pipelines.stack.cli import reconcile
from pipelines.stack.native import NativeStack
from pipelines.upi_fraud.decider import TOPIC
from pipelines.upi_fraud.follow import SUBJECTS, TOPICS
from pipelines.upi_fraud.sources import Source

ROOT = Path(__file__).resolve().parents[1]
DECISIONS = "upi.decisions.v1"
FIRST, FIRST_RATE = 135_000, 1_500
"""Payments sent before anything is measured, and how many a second: 90 s for compilers."""
WARM_SECONDS = 10
"""Left out at the begin of each rate."""
START_SECONDS = 180


def measure_latency(
    results: Results, source: Source, rates: list[int], seconds: int, scratch: Path
) -> None:
    """Add p50, p95, p99, p99.9 and the largest latency at each rate, ms."""
    if not PEERS_PYTHON:
        results.skip("latency", "the reader of decisions needs the peers' Python: make bench-fraud")
        return
    with _stack(scratch) as servers:
        _publish(source.merchants, servers)
        with _job(scratch, servers):
            _run(results, source, rates, seconds, scratch, servers)


def _publish(merchants: list[dict[str, Any]], servers: str) -> None:
    """Tell the job the merchants beforehand, as whoever runs it does."""
    wire, topic = Wire(SUBJECTS[0]), TOPICS[0]
    with closing(make_producer(servers)) as producer:
        for one in merchants:
            value, key = wire.encode(one), one["merchant_id"].encode()
            producer.send(topic, key=key, value=value).get(timeout=30)


def _run(
    results: Results, source: Source, rates: list[int], seconds: int, scratch: Path, servers: str
) -> None:
    names = ("message_key", "message_value", "kafka_time_ms", "kafka_partition")
    rows = list(zip(*(source.payments[name].to_pylist() for name in names), strict=True))
    gc.freeze()  # nothing may stop the generator
    _measure(servers, rows[:FIRST], FIRST_RATE, START_SECONDS, scratch)
    used = FIRST
    for rate in rates:
        number = rate * (seconds + WARM_SECONDS)
        chosen = rows[used : used + number]
        used += len(chosen)
        if len(chosen) < number:
            results.skip(f"latency at {rate}/s", "too few payments: raise --payments")
            continue
        spent, share = _measure(servers, chosen, rate, 30, scratch)
        _add(results, rate, spent[rate * WARM_SECONDS :], share)
        progress(f"latency at {rate}/s: done")


def _add(results: Results, rate: int, spent: np.ndarray, share: float) -> None:
    """Figures of one rate; a decision that never came counts as infinitely late."""
    for name, part in (("p50", 50), ("p95", 95), ("p99", 99), ("p99.9", 99.9), ("max", 100)):
        value = float(np.percentile(spent, part, method="higher"))
        results.add(f"latency {name} at {rate}/s", value, "ms")
    results.add(f"decisions that never came at {rate}/s", float(np.isinf(spent).sum()), "payments")
    results.add(f"generator's share of a core at {rate}/s", share, "cores")


def _measure(
    servers: str, rows: list[Row], rate: int, wait: float, scratch: Path
) -> tuple[np.ndarray, float]:
    """Milliseconds from each payment's scheduled send to the read of its decision.

    Also tells how much of a core the generator took.
    """
    requests = make_requests(TOPIC, rows, rate)
    places = {_number(value): place for place, (_, value, _, _) in enumerate(rows)}
    with _clock(servers, len(rows), wait, scratch / "seen.npy") as clock:
        begin, busy = time.monotonic() + 0.5, time.process_time()
        send(servers, requests, begin)
        busy = (time.process_time() - busy) / (time.monotonic() - begin)
        clock.communicate("all is sent\n")
    spent = np.full(len(rows), np.inf)
    for order, moment in np.load(scratch / "seen.npy").T.tolist():
        place = places.get(int(order))
        if place is not None:
            spent[place] = min(spent[place], (moment - begin - place / rate) * 1000)
    return spent, busy


@contextmanager
def _clock(servers: str, wanted: int, wait: float, out: Path) -> Iterator[subprocess.Popen[str]]:
    """The reader of decisions, waiting for the first."""
    script = str(ROOT / "benchmarks" / "peers" / "kafka_clock.py")
    command = [PEERS_PYTHON, script, DECISIONS, str(wanted), str(wait), str(out)]
    env = {**os.environ, endpoints.KAFKA: servers}
    with subprocess.Popen(command, text=True, stdin=PIPE, stdout=PIPE, env=env) as clock:
        try:
            if clock.stdout.readline() != "ready\n":
                raise RunFailed(f"{script} did not start: is the benchmarks' Python complete?")
            yield clock
        finally:
            clock.kill()


def _number(value: bytes) -> int:
    """Number of a payment: its event_id `upi-T<seed>-<number>` stands early in the record."""
    mark = value.index(b"upi-T")
    return int(value[mark + 4 : mark + 24].split(b"-")[1][:8])


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
