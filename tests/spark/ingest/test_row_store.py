"""Rows to a table under rules: stored, set aside or the end of the run, and again without change."""

from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pytest
from pyspark.sql import SparkSession

from pipelines.core.delta_tables import Place, read_arrow, version_of
from pipelines.core.messages import tag_messages
from pipelines.core.privacy import Tokeniser
from pipelines.ingest.checks import STOP, BronzeRule, Policy
from pipelines.ingest.places import Places
from pipelines.ingest.row_store import RowStore, Stored
from tests.spark.ingest.messages import messages, sent

SUBJECT, TOPIC = "upi.Transaction", "upi.transactions.v1"
VALUES = sent(100)


def rule(when: str, policy: Policy) -> BronzeRule:
    return BronzeRule(field="event_id", when=when, policy=policy)


def make_store(spark: SparkSession, folder: Path, **rules: BronzeRule) -> RowStore:
    places = Places(
        TOPIC, SUBJECT, f"{TOPIC}.dlq", f"{folder}/table", f"{folder}/notes", f"{folder}/aside"
    )
    return RowStore(spark, places, rules, Tokeniser(b"test-key-0123456789", 3), "run-1")


def store(into: RowStore, number: int, values: Any = VALUES) -> Stored:
    frame = messages(into.session, values, TOPIC)
    return into.store(tag_messages(frame, SUBJECT), "good", number)


def offsets(path: str) -> list[int]:
    place = Place(path)
    version = version_of(place)
    rows = ds.dataset(path).to_table() if version is None else read_arrow(place, version)
    return sorted(rows["kafka_offset"].to_pylist())


def test_a_bad_row_is_set_aside_with_its_reason_and_the_others_are_stored(
    spark: SparkSession, tmp_path: Path
) -> None:
    into = make_store(
        spark, tmp_path, SEVENTH=rule("event_id like '%-7'", "quarantine"),
        ENDS_IN_7=rule("event_id like '%7'", "quarantine"), ODD=rule("priority = 5", "warn"),
    )  # fmt: skip
    found = store(into, 1)
    assert found.aside == {"SEVENTH": 1, "ENDS_IN_7": 9}, "the first rule names the reason"
    assert found.warned == {"ODD": 100}
    assert (found.read, found.rows, found.is_new) == (100, 90, True)
    assert offsets(into.places.aside) == list(range(7, 100, 10))
    assert offsets(into.places.table) == [n for n in range(100) if n % 10 != 7]
    (row,) = (
        ds.dataset(into.places.aside).to_table(filter=ds.field("kafka_offset") == 7).to_pylist()
    )
    assert (row["reject_reason"], row["run_id"]) == ("SEVENTH", "run-1")
    assert row["sender_vpa"].startswith("t3_"), "an identifier stands in the quarantine"


def test_a_repeated_batch_changes_neither_table_nor_quarantine(
    spark: SparkSession, tmp_path: Path
) -> None:
    into = make_store(spark, tmp_path, ENDS_IN_7=rule("event_id like '%7'", "quarantine"))
    first, again = store(into, 1), store(into, 1)
    assert not again.is_new
    assert (again.rows, again.aside) == (first.rows, first.aside)
    assert len(offsets(into.places.table)) == 90
    assert len(offsets(into.places.aside)) == 10
    assert store(into, 2).is_new


def test_a_rule_of_policy_fail_stores_nothing_of_the_batch(
    spark: SparkSession, tmp_path: Path
) -> None:
    into = make_store(spark, tmp_path, NO_42=rule("event_id like '%-42'", "fail"))
    assert store(into, 1, VALUES[:42]).rows == 42
    with pytest.raises(Exception, match=f"{STOP}NO_42"):
        store(into, 2)
    assert len(offsets(into.places.table)) == 42


def test_rules_leave_undecodable_messages_to_the_dead_letters(
    spark: SparkSession, tmp_path: Path
) -> None:
    into = make_store(
        spark, tmp_path, NEVER=rule("coalesce(event_id, '') = ''", "fail"),
        ALWAYS=rule("true", "warn"),
    )  # fmt: skip
    found = store(into, 1, [*VALUES[:5], (b"\1", 0), (None, 0)])
    assert (found.read, found.doubtful, found.rows) == (7, 2, 5)
    assert found.warned == {"ALWAYS": 5}
