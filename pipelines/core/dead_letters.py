"""The envelope of a dead letter. Plain Python: any engine, or none, may give a message up."""

from dataclasses import dataclass
from typing import Any

ENVELOPE = "ops.DlqEnvelope"
ATTEMPT_HEADER = "sangam-attempt"


@dataclass(frozen=True)
class Judge:
    """Who gives messages up.

    Attributes:
        job: name of the job.
        version: commit of its code.
    """

    job: str
    version: str


def letter_key(topic: str, partition: int, offset: int) -> bytes:
    """Key of a dead letter: equal for a message that is given up twice."""
    return f"{topic}/{partition}/{offset}".encode()


def make_letter(row: dict[str, Any], code: str, message: str, by: Judge) -> dict[str, Any]:
    """Envelope of a message; deterministic, so that a repeated batch makes equal bytes."""
    value = row["value"]
    headers = {one["key"]: one["value"] or b"" for one in row["headers"] or ()}
    has_frame = value is not None and len(value) >= 5 and value[:1] == b"\0"
    return {
        "event_id": letter_key(row["topic"], row["partition"], row["offset"]).decode(),
        "event_time": row["time"],
        "ingest_time": None,
        "source": by.job,
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
        "job": by.job,
        "stage": "decode",
        "job_version": by.version,
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
