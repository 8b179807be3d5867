"""Owner of fastavro: bytes of a record, the frame of a message, and fingerprints of a schema."""

import hashlib
import io
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastavro
from fastavro.schema import SchemaParseException, UnknownType, fingerprint
from fastavro.schema import to_parsing_canonical_form as canonical_form

from pipelines.core.errors import ContractError

Json = Any

MAGIC = 0
_HEAD = struct.Struct(">bI")


def parse(schema: Json) -> Json:
    """Parse a schema for the functions below.

    Raises:
        ValueError: it is no Avro schema; says which part.
    """
    try:
        return fastavro.parse_schema(schema)
    except UnknownType as error:
        raise ValueError(f"unknown type {error.name!r}") from error
    except SchemaParseException as error:
        raise ValueError(str(error)) from error


def encode(schema: Json, record: Json) -> bytes:
    """Avro binary body of one record.

    Raises:
        ContractError: the record does not fit; names the field.
    """
    check_record(schema, record)
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, record)
    return out.getvalue()


def decode(writer: Json, body: bytes, reader: Json | None = None) -> Json:
    """Read one body, as `reader` sees what `writer` wrote.

    Raises:
        ContractError: `E_BODY` or `E_TRAILING`, as platform rule 1.4 names them.
    """
    stream = io.BytesIO(body)
    try:
        record = fastavro.schemaless_reader(stream, writer, reader)
    except Exception as error:  # fastavro lets struct, index, Unicode and its own errors through
        raise ContractError(f"E_BODY: {type(error).__name__}: {error}") from error
    left = len(body) - stream.tell()
    if left:
        raise ContractError(f"E_TRAILING: {left} bytes are left over after the record")
    return record


def check_record(schema: Json, record: Json) -> None:
    """Hold one Python record to its contract; unknown fields are refused.

    Raises:
        ContractError: names each field that does not fit, never its value.
    """
    wanted = {field["name"] for field in schema["fields"]}
    if wanted != record.keys():
        missing, unknown = sorted(wanted - record.keys()), sorted(record.keys() - wanted)
        raise ContractError(f"{schema['name']}: missing {missing}, unknown {unknown}")
    try:
        fastavro.validate(record, schema)
    except fastavro.validation.ValidationError as error:
        paths = sorted({str(one.field) for one in error.errors})
        raise ContractError(f"wrong type or symbol: {', '.join(paths)}") from None


def frame(schema_id: int, body: bytes) -> bytes:
    """Message value: byte 0, the schema id in 4 bytes, big-endian, the body."""
    return _HEAD.pack(MAGIC, schema_id) + body


def unframe(value: bytes) -> tuple[int, bytes]:
    """Schema id and body of a message value.

    Raises:
        ContractError: `E_SHORT` or `E_MAGIC`.
    """
    if len(value) < _HEAD.size:
        raise ContractError(f"E_SHORT: {len(value)} bytes, the frame alone takes {_HEAD.size}")
    magic, schema_id = _HEAD.unpack_from(value)
    if magic != MAGIC:
        raise ContractError(f"E_MAGIC: first byte is {value[0]:#04x}, must be 0x00")
    return schema_id, value[_HEAD.size :]


def fingerprints(schema: Json) -> tuple[str, str]:
    """SHA-256 of the normalised JSON, and CRC-64-AVRO of the canonical form, as hexadecimal.

    Both are needed: the canonical form drops logical types, defaults and properties.
    """
    text = json.dumps(schema, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    crc = fingerprint(canonical_form(schema), "CRC-64-AVRO")
    return hashlib.sha256(text.encode()).hexdigest(), crc


def read_container(file: Path) -> Iterator[Json]:
    """Records of an Avro container file, read with the schema it carries."""
    with file.open("rb") as content:
        yield from fastavro.reader(content)


def read_json(schema: Json, text: str) -> list[Json]:
    """Records of a text with one Avro JSON object a line."""
    return list(fastavro.json_reader(io.StringIO(text), schema))


def write_json(schema: Json, records: list[Json]) -> str:
    """The inverse of `read_json`."""
    out = io.StringIO()
    fastavro.json_writer(out, schema, records)
    return out.getvalue() + "\n"
