"""On a Flink cluster: a task manager is killed under load, and a new build takes over a savepoint."""

import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.core.config import PROJECT_ROOT
from pipelines.core.kafka import make_producer, read_all, topic_spans
from pipelines.core.wire import Wire
from pipelines.stack.native import NativeStack
from pipelines.upi_fraud.decider import TOPIC, Kind
from pipelines.upi_fraud.generate import generate
from pipelines.upi_fraud.reconcile import reconcile
from tests.stack.cluster import Cluster, end, poll
from tests.stack.tools import KEY
from tests.stack.upi_fraud.new_build import make_new_build
from tests.stack.upi_fraud.test_upi_fraud import CONFIG, QUICK, SETTINGS, replay, send_all


@pytest.fixture
def cluster(stack: NativeStack, tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path, {**stack.environment, **KEY})
    try:
        made.start(workers=2)
        yield made
    finally:
        made.stop()


@pytest.mark.timeout(900)
def test_nothing_is_lost_or_decided_twice(
    cluster: Cluster, stack: NativeStack, servers: str, tmp_path: Path
) -> None:
    """One job in three lives: killed, restored from a checkpoint, restored into a new build."""
    state = ("--set", f"state_uri=file://{tmp_path}/state", "--set", "flink.checkpoint_seconds=3",
             "--set", "flink.restart_initial_seconds=0.5")  # fmt: skip
    send_all(servers, seed=21)
    client = cluster.submit(PROJECT_ROOT / "jobs" / "upi_fraud.py", "--stack", *state)
    try:
        poll(lambda: any(read_all(servers, "upi.ledger.v1")), "no decision", 200)
        load = threading.Thread(target=send_all, args=(servers, 22))
        load.start()
        (busy,) = cluster.busy()
        cluster.kill(busy)
        load.join()
        wait_until_whole(servers)
        assert cluster.busy() == list(cluster.workers)
        assert_each_decided_once(servers, Wire("upi.Transaction"))
        savepoint = cluster.stop_with_savepoint(tmp_path / "savepoints")
    finally:
        end(client)
    build = make_new_build(tmp_path / "build")
    wire = Wire("upi.Transaction", root=build / "schemas")
    send_new(servers, wire)
    command = [sys.executable, "jobs/upi_fraud.py", "--stack", "--once", *state,
               "--set", f"restore_from={savepoint}"]  # fmt: skip
    env = {**os.environ, **stack.environment, **KEY, "PYTHONPATH": str(build), "JVM_ARGS": QUICK}
    done = subprocess.run(command, cwd=build, env=env, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_each_decided_once(servers, wire)


def send_new(servers: str, wire: Wire) -> None:
    """Payments written by the new build, with its field; half are of payers who are known."""
    old, producer = Wire("upi.Transaction"), make_producer(servers)
    clean = {"corrupt_share": 0.0, "transactions": 1_000}
    made = generate(SETTINGS.model_copy(update=clean), CONFIG.times, 23)
    for row in made.payments.to_pylist():
        record = {**old.decode(row["message_value"]), "payer_app": "lighthouse"}
        producer.send(TOPIC, key=row["message_key"], value=wire.encode(record),
                      timestamp_ms=row["kafka_time_ms"])  # fmt: skip
    producer.close()


def wait_until_whole(servers: str) -> None:
    """Wait until every payment has an outcome in an exact topic."""
    spans = topic_spans(servers, TOPIC)
    poll(lambda: reconcile(servers, spans).is_whole(spans), "payments without outcome", 200)


def assert_each_decided_once(servers: str, wire: Wire) -> None:
    """The counts add up, and the ledger is what a plain loop decides."""
    spans = topic_spans(servers, TOPIC)
    counts = reconcile(servers, spans).counts(sum(last - first for first, last in spans.values()))
    assert counts["in"] == counts["out"] + counts["rejected"] + counts["late"] + counts["dlq"]
    decided = (one.value for one in replay(servers, wire).values() if one.kind <= Kind.ALERT)
    wanted = Counter(decided)
    assert Counter(one.value for one in read_all(servers, "upi.ledger.v1")) == wanted
    assert {one.value for one in read_all(servers, "upi.decisions.v1")} == set(wanted)
