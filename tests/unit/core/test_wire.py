"""Messages: every way one can be bad has its own code, and versions read as the newest."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core import avro_codec
from pipelines.core.contract_store import get_contract, load_contracts
from pipelines.core.errors import ContractError
from pipelines.core.schema_lock import golden_bodies
from pipelines.core.wire import DECODE_ERRORS, Wire, contracts_by_id, error_code, id_of
from pipelines.produce.samples import sample_records

WIRE = Wire("upi.Transaction")
RECORD = next(sample_records("upi.Transaction", 1))
GOOD = WIRE.encode(RECORD)


def code_of(value: bytes | None, moment: int | None = None) -> str:
    with pytest.raises(ContractError) as caught:
        WIRE.decode(value, moment)
    return error_code(caught.value)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "E_SHORT"),
        (b"", "E_SHORT"),
        (GOOD[:4], "E_SHORT"),
        (b"\1" + GOOD[1:], "E_MAGIC"),
        (b"\0\x7f\xff\xff\xff" + GOOD[5:], "E_SCHEMA_ID"),
        (Wire("viewer.Content").encode(next(sample_records("viewer.Content", 1))), "E_SUBJECT"),
        (GOOD[:-3], "E_BODY"),
        (GOOD + b"\0", "E_TRAILING"),
    ],
)
def test_each_bad_message_has_its_code(value: bytes | None, code: str) -> None:
    assert code_of(value) == code


def test_a_foreign_timestamp_is_refused() -> None:
    assert WIRE.decode(GOOD, RECORD["event_time"]) == RECORD
    assert code_of(GOOD, RECORD["event_time"] + 1) == "E_TIME"


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.booleans())
def test_any_bytes_end_in_a_record_or_a_code(content: bytes, is_framed: bool) -> None:
    value = avro_codec.frame(WIRE.schema_id, content) if is_framed else content
    try:
        outcome = WIRE.encode(WIRE.decode(value))[:5].hex()
    except ContractError as error:
        outcome = error_code(error)
    assert outcome in (*DECODE_ERRORS, value[:5].hex())


@pytest.mark.parametrize("subject", sorted(load_contracts()))
def test_golden_bytes_survive_framing(subject: str) -> None:
    wire = Wire(subject)
    for body in golden_bodies(get_contract(subject)):
        value = avro_codec.frame(wire.schema_id, body)
        assert wire.encode(wire.decode(value)) == value


def test_an_old_version_is_read_as_the_newest() -> None:
    old = Wire("viewer.Event", version=1)
    for body in golden_bodies(get_contract("viewer.Event", 1)):
        record = Wire("viewer.Event").decode(avro_codec.frame(old.schema_id, body))
        assert record["buffer_seconds"] is None, "buffer_pct is another quantity"
        assert record["network"] == "UNKNOWN"
        assert record["total_played_ms"] == 0


def test_ids_come_from_the_lock() -> None:
    assert id_of("identity.DedupStats") == 1
    assert contracts_by_id()[id_of("viewer.Event", 1)].version == 1
    assert sorted(Wire("viewer.Event").schema_ids) == [
        id_of("viewer.Event", 1),
        id_of("viewer.Event", 2),
    ]
    with pytest.raises(ContractError, match="no contract"):
        id_of("upi.Nothing")


def test_an_error_of_another_kind_has_no_code() -> None:
    with pytest.raises(ValueError, match="no decode error"):
        error_code(ContractError("upi.Transaction: missing"))
