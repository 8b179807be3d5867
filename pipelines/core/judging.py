"""Doubtful messages in Spark: the Python codec's verdict on them, and their dead letters."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.core.dead_letters import ENVELOPE, Judge, letter_key, make_letter
from pipelines.core.errors import ContractError
from pipelines.core.messages import DOUBTFUL
from pipelines.core.wire import Wire, error_code

VERDICT = "topic string, key binary, value binary, code string, partition int, offset bigint"


def judge(tagged: DataFrame, subject: str, by: Judge, partitions: int) -> DataFrame:
    """Ask the Python codec about the doubtful messages.

    Args:
        tagged: messages as `tag_messages` gives them.
        subject: contract of the topic.
        by: who gives them up, for the envelope.
        partitions: tasks that work on it.

    Returns:
        Per doubtful message: the dead-letter topic, key and value to send, `code`, and where the
        message stood; `code` is null where the message is good after all.
    """
    doubtful = tagged.where(F.col(DOUBTFUL)).select(
        "topic", "partition", "offset", F.unix_millis("timestamp").alias("time"), "key", "value",
        F.col("headers").cast("array<struct<key:string,value:binary>>").alias("headers"),
    )  # fmt: skip

    def look(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        wire, envelope = Wire(subject), Wire(ENVELOPE)
        for batch in batches:
            rows = [_verdict(row, wire, envelope, by) for row in batch.to_pylist()]
            yield pa.RecordBatch.from_pylist(rows, schema=_VERDICT_SCHEMA)

    return doubtful.coalesce(partitions).mapInArrow(look, VERDICT)


_VERDICT_SCHEMA = pa.schema(
    [
        ("topic", pa.string()), ("key", pa.binary()), ("value", pa.binary()),
        ("code", pa.string()), ("partition", pa.int32()), ("offset", pa.int64()),
    ]
)  # fmt: skip


def _verdict(row: dict[str, Any], wire: Wire, envelope: Wire, by: Judge) -> dict[str, Any]:
    where = {"partition": row["partition"], "offset": row["offset"]}
    try:
        wire.decode(row["value"], row["time"])
    except ContractError as error:
        letter = make_letter(row, error_code(error), str(error), by)
        key = letter_key(row["topic"], row["partition"], row["offset"])
        return {
            "topic": f"{row['topic']}.dlq", "key": key, "value": envelope.encode(letter),
            "code": letter["error_code"], **where,
        }  # fmt: skip
    return {"topic": None, "key": None, "value": None, "code": None, **where}


def send_letters(verdicts: DataFrame, servers: str) -> Counter[str]:
    """Send what was given up to its dead-letter topic; returns the letters by code.

    Persist the verdicts: they are looked at twice.
    """
    bad = verdicts.where("code IS NOT NULL")
    bad.select("topic", "key", "value").write.format("kafka").options(
        **{"kafka.bootstrap.servers": servers, "kafka.acks": "all"}
    ).save()
    return count_letters(verdicts)


def count_letters(verdicts: DataFrame) -> Counter[str]:
    """Messages that were given up, by code."""
    bad = verdicts.where("code IS NOT NULL")
    return Counter({row["code"]: row["count"] for row in bad.groupBy("code").count().collect()})


def rescue(tagged: DataFrame, verdicts: DataFrame) -> DataFrame:
    """Doubtful messages that were good after all, as `tagged` has them."""
    keys = verdicts.where("code IS NULL").select("partition", "offset")
    return tagged.join(F.broadcast(keys), ["partition", "offset"], how="left_semi")
