"""Kafka to bronze on real servers: each message once, in the table or among the dead letters."""

import json
import shutil
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from pipelines.core.errors import GateError
from pipelines.core.wire import DECODE_ERRORS, Wire
from pipelines.ingest.dlq import Filter, read_letters, replay
from pipelines.produce.samples import FIRST_MS, sample_records
from tests.stack.tools import KEY, Message, assert_each_once, bronze, ingest, publish, send


@pytest.fixture(autouse=True)
def token_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEY.items():
        monkeypatch.setenv(name, value)


def poison(good: bytes) -> list[Message]:
    """One message of every kind that cannot be decoded, and one without any bytes."""
    (foreign,) = sample_records("viewer.Content", 1)
    values = (None, b"", b"\1" + good[1:], b"\0\0\0\7\7" + good[5:], good[:-3], good + b"\0",
              Wire("viewer.Content").encode(foreign))  # fmt: skip
    return [*((value, FIRST_MS) for value in values), (good, FIRST_MS + 1)]


def test_poison_of_every_kind_never_stops_the_job(
    spark: SparkSession, servers: str, tmp_path: Path
) -> None:
    topic, lake, report = "upi.transactions.v1", str(tmp_path / "lake"), tmp_path / "report"
    values = send(servers, topic, "upi.Transaction", 10_000, 1)
    bad = poison(values[0])
    publish(servers, topic, bad)
    summary = ingest(spark, topic, lake, report=report, max_offsets=4_000)
    assert summary.counts == {"in": 10_008, "out": 10_000, "rejected": 0, "dlq": 8}
    table = bronze(spark, f"{lake}/bronze/upi/transactions_v1")
    assert_each_once(table, servers, topic)
    letters = list(read_letters(servers, topic, Filter()))
    assert {one["error_code"] for one in letters} == set(DECODE_ERRORS)
    assert {one["payload"] for one in letters} == {value for value, _ in bad}
    header = table.select("kafka_headers").first()
    assert header is not None
    assert header[0][0]["key"] == "made-by"
    assert json.loads((report / "run.json").read_text())["counts"]["in"] == 10_008
    assert "transactions" in (report / "report.html").read_text()
    assert ingest(spark, topic, lake).counts == {"in": 0, "out": 0, "rejected": 0, "dlq": 0}
    files = [file.read_bytes() for file in (tmp_path / "lake").rglob("*.parquet")]
    assert not any(b"user1" in content for content in files), "a raw address is in bronze"


def test_replay_sends_a_letter_once(servers: str, spark: SparkSession, tmp_path: Path) -> None:
    topic, lake = "viewer.interactions.v1", str(tmp_path)
    values = send(servers, topic, "viewer.Interaction", 20, 2)
    publish(servers, topic, [(values[0] + b"!", FIRST_MS)])
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
    publish(servers, topic, [(values[0][:-1], FIRST_MS)])
    ingest(spark, topic, lake)
    commits = tmp_path / "checkpoints" / "ingest" / topic / "commits"
    for note in commits.glob("*0*"):
        note.unlink()
    summary = ingest(spark, topic, lake)
    assert summary.metrics["repeated_batches"] == 1
    assert summary.counts == {"in": 501, "out": 500, "rejected": 0, "dlq": 1}
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


def test_a_rule_of_policy_fail_ends_the_run_until_it_is_mended(
    spark: SparkSession, servers: str, tmp_path: Path
) -> None:
    topic, lake, report = "upi.rejections.v1", str(tmp_path / "lake"), tmp_path / "report"
    rules = tmp_path / "rules.yaml"
    send(servers, topic, "upi.Rejection", 200, 13)
    rules.write_text(
        "every: {NO_42: {field: event_id, when: event_id like '%-42', policy: fail},"
        " ODD: {field: priority, when: priority = 5, policy: warn}}"
    )
    with pytest.raises(GateError, match="a row breaks NO_42"):
        ingest(spark, topic, lake, report=report, rules_file=rules)
    assert json.loads((report / "run.json").read_text())["status"] == "failed"
    rules.write_text(
        "every: {TAIL: {field: event_id, when: event_id like '%-19_', policy: quarantine}}"
    )
    with pytest.raises(GateError, match="10 of 200 rows are set aside"):
        ingest(spark, topic, lake, rules_file=rules, quarantine_limit=0.04)
    summary = ingest(spark, topic, lake, rules_file=rules, report=report)
    assert summary.counts == {"in": 200, "out": 190, "rejected": 10, "dlq": 0}
    assert bronze(spark, f"{lake}/bronze/upi/rejections_v1").count() == 190
    aside = spark.read.parquet(f"{lake}/quarantine/ingest/upi/rejections_v1")
    assert aside.count() == 10
    assert "TAIL" in (report / "data_docs.html").read_text()
    assert "data_docs.html" in (report / "report.html").read_text()
