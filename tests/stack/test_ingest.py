"""Kafka to bronze on real servers: each message once, whatever happens in between."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.core.config import PROJECT_ROOT
from pipelines.core.kafka import make_producer, read_all
from pipelines.core.runlog import RunLog
from pipelines.core.wire import Wire
from pipelines.ingest.config import IngestConfig
from pipelines.ingest.dlq import Filter, read_letters, replay
from pipelines.ingest.pipeline import Request, run
from pipelines.produce.samples import FIRST_MS, sample_records
from pipelines.stack.native import NativeStack

KEY = {"SANGAM_TOKEN_KEY": "stack-tests-0123456789", "SANGAM_TOKEN_KEY_ID": "1"}


@pytest.fixture(autouse=True)
def token_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEY.items():
        monkeypatch.setenv(name, value)


def send(servers: str, topic: str, subject: str, number: int, seed: int) -> list[bytes]:
    wire, producer = Wire(subject), make_producer(servers)
    values = []
    for record in sample_records(subject, number, seed):
        value = wire.encode(record)
        values.append(value)
        producer.send(topic, key=record["event_id"].encode(), value=value,
                      timestamp_ms=record["event_time"], headers=[("made-by", b"test")])  # fmt: skip
    producer.flush()
    producer.close()
    return values


def ingest(spark: SparkSession, topic: str, lake: str, **changes: Any) -> Any:
    log = RunLog("ingest", "", Request(topic).as_of)
    report = changes.pop("report", None)
    return run(spark, IngestConfig(**changes), Request(topic, lake, report=report), log)


def bronze(spark: SparkSession, path: str) -> DataFrame:
    return spark.read.format("delta").load(path)


def assert_each_once(table: DataFrame, servers: str, topic: str) -> None:
    """Bronze and dead letters together hold every offset of the topic, bronze each once."""
    sent = {(record.partition, record.offset) for record in read_all(servers, topic)}
    rows = [tuple(row) for row in table.select("kafka_partition", "kafka_offset").collect()]
    dead = {
        (one["original_partition"], one["original_offset"])
        for one in read_letters(servers, topic, Filter())
    }
    assert len(rows) == len(set(rows)), "a message is stored twice"
    assert set(rows) | dead == sent, "a message is lost"
    assert not set(rows) & dead


def test_poison_never_stops_the_job_and_every_message_is_accounted_for(
    spark: SparkSession, servers: str, tmp_path: Path
) -> None:
    topic, lake = "upi.transactions.v1", str(tmp_path / "lake")
    values = send(servers, topic, "upi.Transaction", 10_000, 1)
    good = values[0]
    producer = make_producer(servers)
    for bad in (None, b"", b"\1" + good[1:], b"\0\0\0\7\7" + good[5:], good[:-3], good + b"\0"):
        producer.send(topic, key=b"k", value=bad, timestamp_ms=FIRST_MS, headers=[("a", b"b")])
    producer.flush()
    summary = ingest(spark, topic, lake, report=tmp_path / "report", max_offsets=4_000)
    assert summary.counts == {"in": 10_006, "out": 10_000, "dlq": 6}
    table = bronze(spark, f"{lake}/bronze/upi/transactions_v1")
    assert table.count() == 10_000
    assert_each_once(table, servers, topic)
    codes = sorted(one["error_code"] for one in read_letters(servers, topic, Filter()))
    assert codes == ["E_BODY", "E_MAGIC", "E_SCHEMA_ID", "E_SHORT", "E_SHORT", "E_TRAILING"]
    header = table.select("kafka_headers").first()
    assert header is not None
    assert header[0][0]["key"] == "made-by"
    told = json.loads((tmp_path / "report" / "run.json").read_text())
    assert told["counts"]["in"] == 10_006
    assert "transactions" in (tmp_path / "report" / "report.html").read_text()
    assert ingest(spark, topic, lake).counts == {"in": 0, "out": 0, "dlq": 0}
    files = [file.read_bytes() for file in (tmp_path / "lake").rglob("*.parquet")]
    assert not any(b"user1" in content for content in files), "a raw address is in bronze"


def test_replay_sends_a_letter_once(servers: str, spark: SparkSession, tmp_path: Path) -> None:
    topic, lake = "viewer.interactions.v1", str(tmp_path)
    values = send(servers, topic, "viewer.Interaction", 20, 2)
    producer = make_producer(servers)
    producer.send(topic, key=b"k", value=values[0] + b"!", timestamp_ms=FIRST_MS)
    producer.flush()
    ingest(spark, topic, lake)
    letters = list(read_letters(servers, topic, Filter(code="E_TRAILING")))
    assert replay(servers, topic, letters, 3, is_dry_run=True).sent == 1
    assert replay(servers, topic, letters, 3, is_dry_run=False).sent == 1
    assert replay(servers, topic, letters, 3, is_dry_run=False).skipped == 1
    for attempt in (1, 2, 3):
        assert ingest(spark, topic, lake).counts["dlq"] == 1
        letters = list(read_letters(servers, topic, Filter()))
        newest = max(letters, key=lambda one: one["attempts"])
        assert newest["attempts"] == attempt
        assert newest["payload"] == values[0] + b"!"
        done = replay(servers, topic, letters, 3, is_dry_run=False)
        assert (done.sent, done.parked) == ((1, 0) if attempt < 3 else (0, 1))


def test_a_batch_that_was_stored_but_not_noted_is_not_stored_again(
    spark: SparkSession, servers: str, tmp_path: Path
) -> None:
    """A crash between the table's commit and Spark's own note of it."""
    topic, lake = "upi.labels.v1", str(tmp_path)
    values = send(servers, topic, "upi.Label", 500, 3)
    producer = make_producer(servers)
    producer.send(topic, key=b"k", value=values[0][:-1], timestamp_ms=FIRST_MS)
    producer.flush()
    ingest(spark, topic, lake)
    commits = tmp_path / "checkpoints" / "ingest" / topic / "commits"
    for note in commits.glob("*0*"):
        note.unlink()
    summary = ingest(spark, topic, lake)
    assert summary.metrics["repeated_batches"] == 1
    assert summary.counts == {"in": 501, "out": 500, "dlq": 1}
    assert_each_once(bronze(spark, f"{lake}/bronze/upi/labels_v1"), servers, topic)


def test_a_lost_checkpoint_doubles_nothing(
    spark: SparkSession, servers: str, tmp_path: Path
) -> None:
    topic, lake = "viewer.alerts.v1", str(tmp_path)
    table = f"{lake}/bronze/viewer/alerts_v1"
    send(servers, topic, "viewer.Alert", 300, 4)
    ingest(spark, topic, lake)
    shutil.rmtree(tmp_path / "checkpoints")
    send(servers, topic, "viewer.Alert", 100, 5)
    assert ingest(spark, topic, lake).counts["in"] == 100
    assert_each_once(bronze(spark, table), servers, topic)


def test_many_small_batches_are_compacted(
    spark: SparkSession, servers: str, tmp_path: Path
) -> None:
    topic, lake = "viewer.sessions.v1", str(tmp_path)
    send(servers, topic, "viewer.Session", 1_000, 6)
    changes = {"max_offsets": 100, "small_files": 4, "compact_every": 5}
    summary = ingest(spark, topic, lake, **changes)
    assert summary.metrics["batches"] >= 10
    assert summary.metrics["files"] <= 4
    assert_each_once(bronze(spark, f"{lake}/bronze/viewer/sessions_v1"), servers, topic)


def job(stack: NativeStack, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(PROJECT_ROOT / "jobs" / "ingest.py"), *arguments]
    return subprocess.Popen(
        command, env={**os.environ, **stack.environment, **KEY}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip


def wait_for(path: Path, process: subprocess.Popen[str], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, process.stdout and process.stdout.read()
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.05)


def test_kill_in_the_middle_of_a_batch(
    stack: NativeStack, spark: SparkSession, servers: str, tmp_path: Path
) -> None:
    topic = "upi.decisions.v1"
    send(servers, topic, "upi.Decision", 4_000, 8)
    process = job(stack, "--topic", topic, "--lake", str(tmp_path), "--once", "--report",
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


@pytest.mark.timeout(400)
def test_kafka_and_minio_go_away_during_a_run(
    stack: NativeStack, spark: SparkSession, servers: str, tmp_path: Path
) -> None:
    topic = "viewer.events.v1"
    send(servers, topic, "viewer.Event", 1_000, 9)
    process = job(stack, "--topic", topic, "--lake", "s3a://sangam", "--report",
                  str(tmp_path), "--set", "trigger_seconds=1", "--set", "retry_seconds=200")  # fmt: skip
    try:
        use_store(spark, stack)
        wait_for_rows(spark, process, 1_000)
        for service, start in (("kafka", stack.start_kafka), ("minio", stack.start_minio)):
            stack.kill(service)
            time.sleep(10)  # the outage itself, not a wait for something
            start()
        send(servers, topic, "viewer.Event", 500, 10)
        wait_for_rows(spark, process, 1_500)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=60)
    assert_each_once(bronze(spark, VIEWER_TABLE), servers, topic)


VIEWER_TABLE = "s3a://sangam-bronze/viewer/events_v1"


def use_store(spark: SparkSession, stack: NativeStack) -> None:
    from pipelines.core.spark import s3a_options

    hadoop = spark.sparkContext._jsc.hadoopConfiguration()  # type: ignore[union-attr]
    for name, value in s3a_options("ingest").items():
        hadoop.set(name.removeprefix("spark.hadoop."), value)


def wait_for_rows(spark: SparkSession, process: subprocess.Popen[str], number: int) -> None:
    deadline, seen = time.monotonic() + 180, -1
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
    done = subprocess.run(
        [sys.executable, str(PROJECT_ROOT / "jobs" / "ingest.py"), "--topic", "upi.labels.v1",
         "--once", "--lake", "s3a://sangam", "--report", str(tmp_path)],
        env={**os.environ, **stack.environment, **KEY, **changes}, text=True, capture_output=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (5, 1), done.stderr
    assert words in done.stderr
    assert time.monotonic() - began < 30
    assert "wrong-key-entirely" not in done.stderr


def test_a_missing_topic_says_how_to_make_it(
    stack: NativeStack, servers: str, tmp_path: Path
) -> None:
    from pipelines.core.kafka import admin

    with admin(servers) as client:
        client.delete_topics(["ops.alerts.v1.dlq"])
    try:
        process = job(stack, "--topic", "ops.alerts.v1", "--once", "--lake", str(tmp_path))
        told = process.communicate(timeout=60)[0]
        assert process.returncode == 5
        assert "no topic ops.alerts.v1.dlq" in told
        assert "stack apply" in told
    finally:
        from pipelines.stack.cli import main

        main(["apply"])
