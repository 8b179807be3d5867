"""Messages: records of a contract inside the Confluent frame, written and read without a registry.

The schema ids come from `schemas/lock.json`. Every way a message can be bad has a code of its own
(platform rule 1.4), so that it ends as a dead letter and never stops a job.
"""

import io
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import fastavro

from pipelines.core import avro_codec
from pipelines.core.contract_store import SCHEMAS, Contract, get_contract, load_contracts
from pipelines.core.errors import ContractError
from pipelines.core.schema_lock import read_lock

Json = Any

DECODE_ERRORS = (
    "E_SHORT",
    "E_MAGIC",
    "E_SCHEMA_ID",
    "E_SUBJECT",
    "E_BODY",
    "E_TRAILING",
    "E_TIME",
)


@cache
def contracts_by_id(root: Path = SCHEMAS) -> Mapping[int, Contract]:
    """Published contracts by wire id."""
    found = load_contracts(root)
    return {
        int(entry["wire_id"]): found[entry["subject"]][entry["version"]]
        for entry in read_lock(root)
        if entry["version"] in found.get(entry["subject"], {})
    }


@cache
def id_of(subject: str, version: int | None = None, root: Path = SCHEMAS) -> int:
    """Wire id of a contract; no version means the newest.

    Raises:
        ContractError: it is not in the lock.
    """
    wanted = get_contract(subject, version, root)
    for number, contract in contracts_by_id(root).items():
        if contract.key == wanted.key:
            return number
    raise ContractError(f"{wanted.key} has no wire id; run `python -m pipelines schemas lock`")


@cache
def _schemas_of(subject: str, root: Path) -> Mapping[int, Json]:
    """Schemas of all versions of a record by wire id, parsed once for all its codecs."""
    return {
        number: avro_codec.parse(_plain_times(contract.schema))
        for number, contract in contracts_by_id(root).items()
        if contract.subject == subject
    }


class Wire:
    """Codec of one topic. Timestamps are epoch milliseconds (int), days are `date`.

    Args:
        subject: contract of the records.
        version: version that is written; the newest when None. Reading always gives the newest.
        root: schema folder.
    """

    def __init__(self, subject: str, version: int | None = None, root: Path = SCHEMAS) -> None:
        self.subject = subject
        self.schema_id = id_of(subject, version, root)
        self._head = avro_codec.frame(self.schema_id, b"")
        self._known = contracts_by_id(root)
        self._schemas = _schemas_of(subject, root)
        self._newest = id_of(subject, root=root)

    @property
    def schema_ids(self) -> Sequence[int]:
        """Ids of all versions of the record."""
        return sorted(self._schemas)

    def encode(self, record: Json) -> bytes:
        """Framed bytes of a record; `avro_codec.check_record` first if it comes from outside.

        Raises:
            Exception: of fastavro, when the record does not fit.
        """
        out = io.BytesIO(self._head)
        out.seek(len(self._head))
        fastavro.schemaless_writer(out, self._schemas[self.schema_id], record)
        return out.getvalue()

    def decode(self, value: bytes | None, timestamp_ms: int | None = None) -> Json:
        """Record of a message, as the newest contract sees it.

        Args:
            value: bytes of the message; None is as bad as empty.
            timestamp_ms: record timestamp, compared with `event_time` where given.

        Raises:
            ContractError: the message begins with one of `DECODE_ERRORS`.
        """
        schema_id, body = avro_codec.unframe(value or b"")
        writer = self._schemas.get(schema_id)
        if writer is None:
            raise ContractError(self._foreign(schema_id))
        reader = None if schema_id == self._newest else self._schemas[self._newest]
        record = avro_codec.decode(writer, body, reader)
        if timestamp_ms is not None and record["event_time"] != timestamp_ms:
            raise ContractError("E_TIME: the record timestamp differs from event_time")
        return record

    def _foreign(self, schema_id: int) -> str:
        other = self._known.get(schema_id)
        if other is None:
            return f"E_SCHEMA_ID: {schema_id} is in no lock.json"
        return f"E_SUBJECT: {other.key} does not belong where {self.subject} does"


def _plain_times(avro: Json) -> Json:
    """The schema with timestamps as plain longs: the same bytes, without a datetime per record."""
    if isinstance(avro, list):
        return [_plain_times(branch) for branch in avro]
    if not isinstance(avro, dict):
        return avro
    if avro.get("logicalType") == "timestamp-millis":
        return "long"
    parts = ("type", "items", "values")
    changed = {part: _plain_times(avro[part]) for part in parts if part in avro}
    if "fields" in avro:
        changed["fields"] = [_plain_times(field) for field in avro["fields"]]
    return {**avro, **changed}


def error_code(error: ContractError) -> str:
    """`E_...` of a decode error.

    Raises:
        ValueError: the error is not one of decoding.
    """
    code = str(error).partition(":")[0]
    if code not in DECODE_ERRORS:
        raise ValueError(f"no decode error: {error}")
    return code
