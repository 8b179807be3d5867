"""Bytes of records, frames and fingerprints."""

from typing import Any

import pytest

from pipelines.core import avro_codec
from pipelines.core.contracts import load_contracts
from pipelines.core.errors import ContractError
from pipelines.core.schema_lock import golden_bodies, golden_records, read_lock, wire_id

PROBE = {
    "type": "record",
    "name": "Probe",
    "namespace": "sangam.ops",
    "fields": [
        {"name": "event_id", "type": "string"},
        {"name": "event_time", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "amount_paise", "type": "long"},
        {
            "name": "kind",
            "type": {"type": "enum", "name": "Kind", "symbols": ["UNKNOWN", "A", "B"]},
        },
        {"name": "note", "type": ["null", "string"]},
    ],
}
CONTRACTS = [one for versions in load_contracts().values() for one in versions.values()]


def probe(**changes: Any) -> dict[str, Any]:
    base = {"event_id": "e1", "event_time": 0, "amount_paise": 150, "kind": "B", "note": None}
    return {**base, **changes}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (probe(), "000000002a04653100ac020400"),
        (
            probe(event_time=1767225600000, amount_paise=-1, kind="A", note="₹"),
            "000000002a04653180a0d5edee6601020206e282b9",
        ),
    ],
)
def test_reference_frames(record: dict[str, Any], expected: str) -> None:
    value = avro_codec.frame(42, avro_codec.encode(PROBE, record))
    assert value.hex() == expected
    schema_id, body = avro_codec.unframe(value)
    assert schema_id == 42
    assert avro_codec.encode(PROBE, avro_codec.decode(PROBE, body)) == body


@pytest.mark.parametrize(
    ("value", "code"), [(b"", "E_SHORT"), (b"\0\0\0\0", "E_SHORT"), (b"\1\0\0\0\x2a\2", "E_MAGIC")]
)
def test_bad_frames(value: bytes, code: str) -> None:
    with pytest.raises(ContractError, match=code):
        avro_codec.unframe(value)


def test_bad_bodies() -> None:
    body = avro_codec.encode(PROBE, probe())
    with pytest.raises(ContractError, match="E_TRAILING: 2 bytes"):
        avro_codec.decode(PROBE, body + b"ab")
    for broken in (body[:-3], b"\x04\xff\xff" + body[3:], b""):
        with pytest.raises(ContractError, match="E_BODY"):
            avro_codec.decode(PROBE, broken)


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (probe(kind="Z"), "kind"),
        (probe(amount_paise=1.5), "amount_paise"),
        (probe(event_id=None), "event_id"),
        (probe(extra="secret-value"), r"unknown \['extra'\]"),
        ({"event_id": "e1"}, r"missing \['amount_paise'"),
    ],
)
def test_a_record_that_does_not_fit_is_named_by_field(record: dict[str, Any], words: str) -> None:
    with pytest.raises(ContractError, match=words) as caught:
        avro_codec.check_record(PROBE, record)
    assert "secret-value" not in str(caught.value)


def test_an_unknown_symbol_reads_as_unknown() -> None:
    older = avro_codec.parse({**PROBE, "fields": [dict(one) for one in PROBE["fields"]]})
    kind = {"type": "enum", "name": "Kind", "symbols": ["UNKNOWN", "A"], "default": "UNKNOWN"}
    reader = {**PROBE, "fields": [*PROBE["fields"][:3], {"name": "kind", "type": kind}]}
    record = avro_codec.decode(older, avro_codec.encode(PROBE, probe(kind="B")), reader)
    assert record["kind"] == "UNKNOWN"


def test_fingerprints_see_what_the_canonical_form_drops() -> None:
    plain = {**PROBE, "fields": [*PROBE["fields"][:1], {"name": "event_time", "type": "long"}]}
    logical = {**PROBE, "fields": PROBE["fields"][:2]}
    (sha, crc), (other_sha, other_crc) = map(avro_codec.fingerprints, (plain, logical))
    assert crc == other_crc
    assert sha != other_sha


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda one: one.key)
def test_golden_bytes(contract: Any) -> None:
    records, bodies = golden_records(contract), golden_bodies(contract)
    assert len(records) == len(bodies) >= 2
    for record, body in zip(records, bodies, strict=True):
        assert avro_codec.encode(contract.schema, record) == body
        assert avro_codec.decode(contract.schema, body) == record


def test_golden_records_use_every_nullable_field_both_ways() -> None:
    for contract in CONTRACTS:
        records = golden_records(contract)
        for field in contract.tree["fields"]:
            values = [record[field["name"]] for record in records]
            if isinstance(field["type"], list):
                assert None in values, f"{contract.key}.{field['name']}"
            assert any(value is not None for value in values)


def test_wire_ids() -> None:
    entries = read_lock()
    ids = [wire_id(contract, entries) for contract in CONTRACTS]
    assert len(set(ids)) == len(CONTRACTS)
    assert min(ids) == 1
    with pytest.raises(ContractError, match="schemas lock"):
        wire_id(CONTRACTS[0], [])
