"""Dead letters: the Python codec's verdict on doubtful messages, and the envelope they get."""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.core.errors import ContractError
from pipelines.core.wire import Wire, error_code
from pipelines.ingest.decode import DOUBTFUL

ENVELOPE = "ops.DlqEnvelope"
ATTEMPT_HEADER = "sangam-attempt"
VERDICT = "topic string, key binary, value binary, code string, partition int, offset bigint"


def judge(tagged: DataFrame, subject: str, job_version: str, partitions: int) -> DataFrame:
    """Ask the Python codec about the doubtful messages.

    Args:
        tagged: messages as `tag_messages` gives them.
        subject: contract of the topic.
        job_version: commit of the code, for the envelope.
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
            rows = [_verdict(row, wire, envelope, job_version) for row in batch.to_pylist()]
            yield pa.RecordBatch.from_pylist(rows, schema=_VERDICT_SCHEMA)

    return doubtful.coalesce(partitions).mapInArrow(look, VERDICT)


_VERDICT_SCHEMA = pa.schema(
    [
        ("topic", pa.string()), ("key", pa.binary()), ("value", pa.binary()),
        ("code", pa.string()), ("partition", pa.int32()), ("offset", pa.int64()),
    ]
)  # fmt: skip


def _verdict(row: dict[str, Any], wire: Wire, envelope: Wire, version: str) -> dict[str, Any]:
    where = {"partition": row["partition"], "offset": row["offset"]}
    try:
        wire.decode(row["value"], row["time"])
    except ContractError as error:
        letter = make_letter(row, error_code(error), str(error), version)
        key = letter_key(row["topic"], row["partition"], row["offset"])
        return {
            "topic": f"{row['topic']}.dlq", "key": key, "value": envelope.encode(letter),
            "code": letter["error_code"], **where,
        }  # fmt: skip
    return {"topic": None, "key": None, "value": None, "code": None, **where}


def letter_key(topic: str, partition: int, offset: int) -> bytes:
    """Key of a dead letter: equal for a message that is given up twice."""
    return f"{topic}/{partition}/{offset}".encode()


def make_letter(row: dict[str, Any], code: str, message: str, version: str) -> dict[str, Any]:
    """Envelope of a message; deterministic, so that a repeated batch makes equal bytes."""
    value = row["value"]
    headers = {one["key"]: one["value"] or b"" for one in row["headers"] or ()}
    has_frame = value is not None and len(value) >= 5 and value[:1] == b"\0"
    return {
        "event_id": letter_key(row["topic"], row["partition"], row["offset"]).decode(),
        "event_time": row["time"],
        "ingest_time": None,
        "source": "ingest",
        "schema_version": 1,
        "region": "UNKNOWN",
        "priority": 5,
        "original_topic": row["topic"],
        "original_partition": row["partition"],
        "original_offset": row["offset"],
        "original_time_at": row["time"],
        "original_key": row["key"],
        "original_headers": headers,
        "payload": value,
        "schema_id": signed(value) if has_frame else None,
        "error_class": "POISON",
        "error_code": code,
        "error_message": message.partition(": ")[2],
        "job": "ingest",
        "stage": "decode",
        "job_version": version,
        "attempts": read_attempts(headers),
        "state": "NEW",
    }


def signed(value: bytes) -> int:
    """Schema id of a frame as the signed int that the envelope holds."""
    return int.from_bytes(value[1:5], "big", signed=True)


def read_attempts(headers: dict[str, bytes]) -> int:
    """How often a message was replayed before; 0 where the header is absent or no number."""
    text = headers.get(ATTEMPT_HEADER, b"0")
    return int(text) if text.isdigit() else 0
