"""What a run lives through: killed, servers away; and what it says when it cannot begin."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from pipelines.core.kafka import admin
from pipelines.ingest.dlq import Filter, read_letters
from pipelines.produce.samples import FIRST_MS
from pipelines.stack.cli import main
from pipelines.stack.native import NativeStack
from tests.stack.tools import (
    KEY,
    assert_each_once,
    bronze,
    ingest,
    job,
    publish,
    send,
    use_store,
    wait_for,
)

OUTAGE_SECONDS, ALONE_SECONDS = 60, 10
"""How long each server is away, and how long of that the other one is there."""


@pytest.fixture(autouse=True)
def token_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEY.items():
        monkeypatch.setenv(name, value)


def test_kill_between_two_batches(
    stack: NativeStack, spark: SparkSession, servers: str, tmp_path: Path
) -> None:
    topic = "viewer.quality-commands.v1"
    send(servers, topic, "viewer.QualityCommand", 500, 11)
    process = job(stack, "ingest", "--topic", topic, "--lake", str(tmp_path), "--set",
                  "trigger_seconds=600")  # fmt: skip
    wait_for(tmp_path / "checkpoints" / "ingest" / topic / "commits" / "0", process)
    os.killpg(process.pid, signal.SIGKILL)  # batch 0 is done and noted, batch 1 far away
    process.wait(30)
    send(servers, topic, "viewer.QualityCommand", 300, 12)
    summary = ingest(spark, topic, str(tmp_path))
    assert summary.counts == {"in": 300, "out": 300, "rejected": 0, "dlq": 0}
    assert summary.metrics["repeated_batches"] == 0
    assert_each_once(bronze(spark, f"{tmp_path}/bronze/viewer/quality_commands_v1"), servers, topic)


def test_kill_in_the_middle_of_a_batch(
    stack: NativeStack, spark: SparkSession, servers: str, tmp_path: Path
) -> None:
    topic = "upi.decisions.v1"
    send(servers, topic, "upi.Decision", 4_000, 8)
    process = job(stack, "ingest", "--topic", topic, "--lake", str(tmp_path), "--once", "--report",
                  str(tmp_path / "r"), "--set", "max_offsets=500")  # fmt: skip
    notes = tmp_path / "checkpoints" / "ingest" / topic / "offsets"
    wait_for(notes / "2", process)  # written before batch 2 begins: the kill lands inside it
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)
    summary = ingest(spark, topic, str(tmp_path))
    assert summary.counts["in"] > 0
    table = bronze(spark, f"{tmp_path}/bronze/upi/decisions_v1")
    assert table.count() == 4_000
    assert_each_once(table, servers, topic)


@pytest.mark.timeout(900)
def test_kafka_and_minio_go_away_for_a_minute_during_a_run(
    stack: NativeStack, spark: SparkSession, servers: str, tmp_path: Path
) -> None:
    topic = "viewer.events.v1"
    values = send(servers, topic, "viewer.Event", 1_000, 9)
    publish(servers, topic, [(values[0][:-1], FIRST_MS)])
    process = job(stack, "ingest", "--topic", topic, "--lake", "s3a://sangam", "--report",
                  str(tmp_path), "--set", "trigger_seconds=1", "--set", "retry_seconds=200", "--set",
                  "connect_seconds=5", "--set", "max_offsets=100")  # fmt: skip
    try:
        use_store(spark)
        wait_for_rows(spark, process, 1)  # batches are under way
        stack.kill("kafka")
        time.sleep(ALONE_SECONDS)  # the outage itself, not a wait for something
        stack.kill("minio")
        time.sleep(OUTAGE_SECONDS - ALONE_SECONDS)
        stack.start_kafka()
        time.sleep(ALONE_SECONDS)
        stack.start_minio()
        send(servers, topic, "viewer.Event", 500, 10)
        wait_for_rows(spark, process, 1_500)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        told = process.communicate(timeout=60)[0]
    assert_each_once(bronze(spark, VIEWER_TABLE), servers, topic)
    assert len(list(read_letters(servers, topic, Filter()))) == 1
    assert told.count("going on in") >= 1, "no outage was noticed"
    logs = [told, *(file.read_text(errors="replace") for file in stack.folder.glob("*.log"))]
    assert not any(secret in log for secret in secrets(stack) for log in logs)


def secrets(stack: NativeStack) -> list[str]:
    named = {n: v for n, v in {**stack.environment, **KEY}.items() if "KEY_ID" not in n}
    return [v for n, v in named.items() if "SECRET" in n or "PASSWORD" in n or "TOKEN_KEY" in n]


VIEWER_TABLE = "s3a://sangam-bronze/viewer/events_v1"


def wait_for_rows(spark: SparkSession, process: subprocess.Popen[str], number: int) -> None:
    deadline, seen = time.monotonic() + 300, -1
    while seen < number:
        assert process.poll() is None, process.stdout and process.stdout.read()
        assert time.monotonic() < deadline, f"{seen} of {number} rows"
        with suppress(AnalysisException):  # not there yet
            seen = bronze(spark, VIEWER_TABLE).agg(F.count("*")).collect()[0][0]
        time.sleep(1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"SANGAM_KAFKA": "127.0.0.1:1"}, "Kafka does not answer at 127.0.0.1:1"),
        ({"SANGAM_S3_SECRET_INGEST": "wrong-key-entirely"}, "refuses user 'ingest'"),
        ({"SANGAM_S3_ENDPOINT": "http://127.0.0.1:1"}, "does not answer at http://127.0.0.1:1"),
    ],
)
def test_a_dependency_that_fails_is_one_sentence_and_exit_5(
    stack: NativeStack, changes: dict[str, str], words: str, tmp_path: Path
) -> None:
    began = time.monotonic()
    process = job(stack, "ingest", "--topic", "upi.labels.v1", "--once", "--lake", "s3a://sangam",
                  "--report", str(tmp_path), **changes)  # fmt: skip
    told = process.communicate(timeout=60)[0]
    assert (process.returncode, len(told.strip().splitlines())) == (5, 1), told
    assert words in told
    assert time.monotonic() - began < 30
    assert "wrong-key-entirely" not in told


def test_a_missing_topic_says_how_to_make_it(
    stack: NativeStack, servers: str, tmp_path: Path
) -> None:
    with admin(servers) as client:
        client.delete_topics(["ops.alerts.v1.dlq"])
    try:
        process = job(
            stack, "ingest", "--topic", "ops.alerts.v1", "--once", "--lake", str(tmp_path)
        )
        told = process.communicate(timeout=60)[0]
        assert process.returncode == 5
        assert "no topic ops.alerts.v1.dlq" in told
        assert "stack apply" in told
    finally:
        main(["apply"])
