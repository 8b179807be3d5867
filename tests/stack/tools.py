"""What the tests of this layer share: messages sent, jobs run, tables read back."""

import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from pipelines.core.config import PROJECT_ROOT
from pipelines.core.kafka import make_producer, read_all
from pipelines.core.runlog import RunLog
from pipelines.core.wire import Wire
from pipelines.ingest.config import IngestConfig
from pipelines.ingest.dlq import Filter, read_letters
from pipelines.ingest.pipeline import run
from pipelines.ingest.request import Request
from pipelines.produce.samples import sample_records
from pipelines.stack.native import NativeStack

KEY = {"SANGAM_TOKEN_KEY": "stack-tests-0123456789", "SANGAM_TOKEN_KEY_ID": "1"}
HEADERS = [("made-by", b"test")]
Message = tuple[bytes | None, int]
"""Value and timestamp, epoch ms."""


def publish(servers: str, topic: str, messages: Iterable[Message]) -> None:
    """Send messages, each with a key of its own."""
    publish_keyed(servers, topic, [(b"%d" % n, *one) for n, one in enumerate(messages)])


def publish_keyed(
    servers: str, topic: str, messages: Iterable[tuple[bytes, bytes | None, int]]
) -> None:
    """Send messages as key, value and timestamp, and look at every answer."""
    producer = make_producer(servers)
    futures = [
        producer.send(topic, key=key, value=value, timestamp_ms=at, headers=HEADERS)
        for key, value, at in messages
    ]
    for future in futures:
        future.get(30)
    producer.close()


def send(servers: str, topic: str, subject: str, number: int, seed: int) -> list[bytes]:
    """Send samples of a contract; returns their values."""
    wire = Wire(subject)
    records = list(sample_records(subject, number, seed))
    values = [wire.encode(record) for record in records]
    moments = [record["event_time"] for record in records]
    publish(servers, topic, zip(values, moments, strict=True))
    return values


def ingest(spark: SparkSession, topic: str, lake: str, **changes: Any) -> Any:
    """One run in this process."""
    log = RunLog("ingest", "", Request(topic).as_of)
    report = changes.pop("report", None)
    return run(spark, IngestConfig(**changes), Request(topic, lake, once=True, report=report), log)


def job(stack: NativeStack, name: str, *arguments: str, **env: str) -> subprocess.Popen[str]:
    """A job in a process, and a session, of its own."""
    command = [sys.executable, str(PROJECT_ROOT / "jobs" / f"{name}.py"), *arguments]
    return subprocess.Popen(
        command, env={**os.environ, **stack.environment, **KEY, **env}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip


def wait_for(path: Path, process: subprocess.Popen[str], seconds: float = 120) -> None:
    """Wait until a job has made a file."""
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, process.stdout and process.stdout.read()
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.05)


def bronze(spark: SparkSession, path: str) -> DataFrame:
    """A table as it is now."""
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


def use_store(spark: SparkSession) -> None:
    """Let the session reach MinIO as the user of the ingest job."""
    from pipelines.core.spark import s3a_options

    hadoop = spark.sparkContext._jsc.hadoopConfiguration()  # type: ignore[union-attr]
    for name, value in s3a_options("ingest").items():
        hadoop.set(name.removeprefix("spark.hadoop."), value)
