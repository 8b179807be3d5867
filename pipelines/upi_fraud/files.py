"""Runs without a broker: topics are Parquet files, decisions end as Avro container files."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.core.contract_store import get_contract
from pipelines.core.wire import Wire
from pipelines.upi_fraud.follow import SUBJECTS

if TYPE_CHECKING:
    from pipelines.upi_fraud.flink import Tables

OUTCOME_COLUMNS = ("kind", "message_key", "message_value", "time_ms", "lateness_ms")
FILE_OPTIONS = {"execution.buffer-timeout.interval": "100 ms"}
"""Flink keys of a run from files: nobody waits for a single decision."""
_BLOCK_RECORDS = 4_000
_MESSAGES = """
CREATE TEMPORARY TABLE messages (
  kafka_partition INT NOT NULL, kafka_offset BIGINT NOT NULL, message_key BYTES,
  message_value BYTES, time_ms BIGINT NOT NULL, attempt STRING NOT NULL
) WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'parquet')
"""
_REFERENCE = """
CREATE TEMPORARY TABLE reference_messages (
  tag INT NOT NULL, message_key BYTES NOT NULL, message_value BYTES NOT NULL
) WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'parquet')
"""
_OUTCOMES = """
CREATE TEMPORARY TABLE outcome_files (
  kind INT, message_key BYTES, message_value BYTES, time_ms BIGINT, lateness_ms BIGINT
) WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'parquet',
  'parquet.enable.dictionary' = 'false', 'parquet.compression' = 'UNCOMPRESSED')
"""
"""Read once and removed; a dictionary of keys and values that all differ takes time alone."""


def write_messages(payments: pa.Table, path: Path) -> None:
    """Write payments for the embedded run.

    Args:
        payments: columns of `generate.MESSAGE_COLUMNS`, in order of arrival.
        path: file.
    """
    columns = {
        "kafka_partition": payments["kafka_partition"],
        "kafka_offset": payments["kafka_offset"],
        "message_key": payments["message_key"],
        "message_value": payments["message_value"],
        "time_ms": payments["kafka_time_ms"],
        "attempt": pa.array([""] * payments.num_rows),
    }
    pq.write_table(pa.table(columns), path, row_group_size=50_000)


def write_reference(records: Iterable[tuple[int, str, dict[str, Any]]], path: Path) -> int:
    """Write reference records (tag, key, record) as messages; returns how many."""
    wires = [Wire(subject) for subject in SUBJECTS]
    rows = [(tag, key.encode(), wires[tag].encode(record)) for tag, key, record in records]
    columns: Sequence[Any] = list(zip(*rows, strict=True)) or ([], [], [])
    types = (pa.int32(), pa.binary(), pa.binary())
    names = ("tag", "message_key", "message_value")
    arrays = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
    pq.write_table(pa.Table.from_arrays(arrays, names=names), path)
    return len(rows)


def open_files(tables: "Tables", folder: Path) -> None:
    """Declare the tables of an embedded run."""
    tables.execute_sql(_MESSAGES.format(path=(folder / "messages.parquet").as_uri()))
    tables.execute_sql(_REFERENCE.format(path=(folder / "reference.parquet").as_uri()))
    tables.execute_sql(_OUTCOMES.format(path=(folder / "outcomes").as_uri()))


def read_outcomes(folder: Path) -> pa.Table:
    """All outcomes of a finished run, in a fixed order: kind, then key."""
    files = [one for one in (folder / "outcomes").rglob("*") if one.is_file()]
    parts = [pq.read_table(one, partitioning=None) for one in files if one.stat().st_size]
    table = pa.concat_tables(parts) if parts else pa.table({n: [] for n in OUTCOME_COLUMNS})
    return table.sort_by([("kind", "ascending"), ("message_key", "ascending")])


def write_container(path: Path, subject: str, framed: Iterable[bytes]) -> int:
    """Write framed messages as an Avro container file without decoding them; returns how many.

    The sync marker is a hash of the contract, so equal messages make equal files.
    """
    schema = json.dumps(get_contract(subject).schema, separators=(",", ":")).encode()
    sync = hashlib.sha256(schema).digest()[:16]
    head = b"Obj\x01" + _long(2) + _bytes(b"avro.codec") + _bytes(b"null")
    head += _bytes(b"avro.schema") + _bytes(schema) + _long(0) + sync
    path.parent.mkdir(parents=True, exist_ok=True)
    total = 0
    with path.open("wb") as file:
        file.write(head)
        for block in _blocks(framed):
            body = b"".join(block)
            file.write(_long(len(block)) + _long(len(body)) + body + sync)
            total += len(block)
    return total


def _blocks(framed: Iterable[bytes]) -> Iterator[list[bytes]]:
    block: list[bytes] = []
    for value in framed:
        block.append(value[5:])
        if len(block) == _BLOCK_RECORDS:
            yield block
            block = []
    if block:
        yield block


def _long(number: int) -> bytes:
    """Avro's variable-length long."""
    rest, out = number << 1 ^ number >> 63, bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def _bytes(data: bytes) -> bytes:
    return _long(len(data)) + data
