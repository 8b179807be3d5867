"""Decoding in Spark against the Python codec, and bronze rows against the contract."""

from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from pipelines.core import avro_codec
from pipelines.core.contract_store import get_contract
from pipelines.core.dead_letters import Judge
from pipelines.core.errors import ContractError
from pipelines.core.judging import judge
from pipelines.core.messages import CODE, DOUBTFUL, RECORD, tag_messages
from pipelines.core.privacy import Tokeniser
from pipelines.core.schema_lock import golden_bodies
from pipelines.core.wire import Wire, error_code, id_of
from pipelines.ingest.bronze import bronze_rows, bronze_schema, open_records
from pipelines.produce.samples import FIRST_MS, sample_records
from tests.spark.ingest.messages import WIRE, messages, sent

TOKENISER = Tokeniser(b"test-key-0123456789", 3)
BY = Judge("ingest", "commit")


def damaged() -> list[tuple[bytes | None, int]]:
    (good, ms), (other, _) = sent(2)
    assert good
    assert other
    content = next(sample_records("viewer.Content", 1))
    return [
        (good, ms), (None, ms), (b"", ms), (good[:4], ms), (b"\1" + good[1:], ms),
        (b"\0\0\0\7\xff" + good[5:], ms), (Wire("viewer.Content").encode(content), ms),
        (good[:-2], ms), (good + b"\0\0", ms), (good, ms + 1), (good[:5], ms),
        (good[:5] + b"\xff" * 40, ms), (other, ms),
    ]  # fmt: skip


def test_verdicts_equal_those_of_the_python_codec(spark: SparkSession) -> None:
    values = damaged()
    tagged = tag_messages(messages(spark, values, "upi.transactions.v1"), "upi.Transaction")
    doubtful = {row["offset"]: row for row in tagged.where(DOUBTFUL).collect()}
    verdicts = {
        row["offset"]: row["code"] for row in judge(tagged, "upi.Transaction", BY, 1).collect()
    }
    expected = {place: code_of(value, ms) for place, (value, ms) in enumerate(values)}
    assert verdicts == {place: code for place, code in expected.items() if code}
    for place, row in doubtful.items():
        assert row[CODE] in (None, expected[place])


def code_of(value: bytes | None, ms: int) -> str | None:
    try:
        WIRE.decode(value, ms)
    except ContractError as error:
        return error_code(error)
    return None


def test_a_dead_letter_has_the_message_byte_for_byte(spark: SparkSession) -> None:
    values = damaged()
    tagged = tag_messages(messages(spark, values, "upi.transactions.v1"), "upi.Transaction")
    rows = judge(tagged, "upi.Transaction", BY, 1).collect()
    assert len(rows) == len(values) - 1
    for row in rows:
        letter = Wire("ops.DlqEnvelope").decode(bytes(row["value"]))
        assert letter["payload"] == values[row["offset"]][0]
        assert letter["original_key"] == b"k"
        assert letter["original_headers"] == {"h": b"1"}
        assert bytes(row["key"]).decode() == f"upi.transactions.v1/0/{row['offset']}"
        assert row["topic"] == "upi.transactions.v1.dlq"
        assert letter["job_version"] == "commit"


def test_old_versions_are_read_as_the_newest(spark: SparkSession) -> None:
    values = []
    for version in (1, 2):
        contract = get_contract("viewer.Event", version)
        for body in golden_bodies(contract):
            value = avro_codec.frame(id_of("viewer.Event", version), body)
            values.append((value, Wire("viewer.Event").decode(value)["event_time"]))
    tagged = tag_messages(messages(spark, values, "viewer.events.v1"), "viewer.Event")
    assert tagged.where(DOUBTFUL).count() == 0
    for row in tagged.orderBy("offset").select("offset", f"{RECORD}.*").collect():
        wanted = Wire("viewer.Event").decode(values[row["offset"]][0])
        for name in ("event_id", "event_type", "buffer_pct", "network", "total_played_ms"):
            assert row[name] == wanted[name], name


def test_bronze_has_tokens_where_there_were_identifiers(spark: SparkSession) -> None:
    values = sent(200)
    tagged = tag_messages(messages(spark, values, "upi.transactions.v1"), "upi.Transaction")
    rows = bronze_rows(open_records(tagged, "upi.Transaction"), "upi.Transaction", TOKENISER)
    assert [f.name for f in rows.schema] == [f.name for f in bronze_schema("upi.Transaction")]
    for row in rows.orderBy("kafka_offset").collect():
        record = WIRE.decode(values[row["kafka_offset"]][0])
        vpa = record["sender_vpa"]
        assert row["sender_vpa"] == TOKENISER.token(vpa) + vpa[vpa.index("@") :]
        device = record["device_id"]
        assert row["device_id"] == (None if device is None else TOKENISER.token(device))
        assert row["sender_balance_paise"] is None, "the contract says drop"
        assert row["amount_paise"] == record["amount_paise"]


def test_an_address_in_capitals_has_the_token_of_the_small_one(spark: SparkSession) -> None:
    record = next(sample_records("upi.Transaction", 1))
    values = [
        (WIRE.encode({**record, "sender_vpa": vpa}), record["event_time"])
        for vpa in ("Asha@YBL", "asha@ybl", "no-handle")
    ]
    tagged = tag_messages(messages(spark, values, "upi.transactions.v1"), "upi.Transaction")
    rows = (
        bronze_rows(open_records(tagged, "upi.Transaction"), "upi.Transaction", TOKENISER)
        .orderBy("kafka_offset")
        .collect()
    )
    assert rows[0]["sender_vpa"] == rows[1]["sender_vpa"] == TOKENISER.token("asha@ybl") + "@ybl"
    assert rows[2]["sender_vpa"] == TOKENISER.token("no-handle")


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
def test_the_day_is_india_s_in_any_zone(spark: SparkSession, zone: str) -> None:
    before = FIRST_MS + (18 * 60 + 30) * 60_000 - 1
    record: Any = next(sample_records("upi.Transaction", 1))
    values = [
        (WIRE.encode({**record, "event_time": ms}), ms) for ms in (before, before + 1, FIRST_MS)
    ]
    session_zone = spark.conf.get("spark.sql.session.timeZone")
    spark.conf.set("spark.sql.session.timeZone", zone)
    try:
        tagged = tag_messages(messages(spark, values, "upi.transactions.v1"), "upi.Transaction")
        rows = bronze_rows(
            open_records(tagged, "upi.Transaction"), "upi.Transaction", TOKENISER
        ).orderBy("kafka_offset")
        days = [row[0] for row in rows.select(F.col("event_date").cast("string")).collect()]
    finally:
        spark.conf.set("spark.sql.session.timeZone", session_zone)
    assert days == ["2026-01-01", "2026-01-02", "2026-01-01"]
