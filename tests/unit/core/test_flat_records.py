"""The compiled reader of flat messages gives what the general one gives, or leaves the message."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.errors import ContractError
from pipelines.core.flat_records import FlatReader
from pipelines.core.wire import Wire
from tests.unit.upi_fraud.samples import record

SUBJECT = "upi.Transaction"
WIRE, READER = Wire(SUBJECT), FlatReader(SUBJECT)
WORDS = st.text(st.characters(max_codepoint=300), max_size=6)
NUMBERS = st.integers(-(2**62), 2**62 - 1)
records = st.builds(
    record, event_id=WORDS, event_time=NUMBERS, ingest_time=st.none() | NUMBERS, source=WORDS,
    schema_version=st.integers(-(2**31), 2**31 - 1), sender_vpa=WORDS, amount_paise=NUMBERS,
    sender_balance_paise=st.none() | NUMBERS, device_id=st.none() | WORDS, lat=st.none() | st.floats(),
    lon=st.none() | st.floats(), merchant_id=st.none() | WORDS, purpose=st.sampled_from(["UNKNOWN", "OTHER"]),
)  # fmt: skip


def read(flat, row):
    """A message as the general reader gives it; enums by their number."""
    found = {}
    for name, at in READER.place.items():
        first, second = int(flat.first[at, row]), int(flat.second[at, row])
        wanted = record()[name]
        if second < 0:
            found[name] = None
        elif name in ("lat", "lon"):
            found[name] = struct.unpack("<d", struct.pack("<q", first))[0]
        elif name not in ENUMS and (isinstance(wanted, str) or name.startswith("merchant")):
            found[name] = flat.data[first:second].decode()
        else:
            found[name] = first
    return found


ENUMS = {
    "transaction_type": ["UNKNOWN", "P2P", "P2M", "BILL_PAYMENT"],
    "payment_method": ["UNKNOWN", "UPI", "WALLET", "CARD"],
    "purpose": ["UNKNOWN", "FOOD", "PERSONAL", "RENT", "BUSINESS", "OTHER"],
}


def by_number(message):
    return message | {name: symbols.index(message[name]) for name, symbols in ENUMS.items()}


def texts(message):
    return [one for one in message.values() if isinstance(one, str)]


@settings(max_examples=150, deadline=None)
@given(st.lists(records, max_size=4))
def test_messages_are_read_as_the_general_reader_reads_them(messages):
    flat = READER.read([WIRE.encode(one) for one in messages])
    assert flat.is_plain.tolist() == [all(map(str.isascii, texts(one))) for one in messages]
    for row, one in enumerate(messages):
        if flat.is_plain[row]:
            assert repr(read(flat, row)) == repr(by_number(WIRE.decode(WIRE.encode(one))))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_message_is_never_plain_unless_it_can_be_read(data):
    value = bytearray(WIRE.encode(record(lat=19.0, lon=72.8, merchant_id="M1")))
    for _ in range(data.draw(st.integers(1, 2))):
        value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(
        value[: data.draw(st.integers(0, len(value)))] if data.draw(st.booleans()) else value
    )
    flat = READER.read([WIRE.encode(record()), cut, WIRE.encode(record())])
    assert flat.is_plain[[0, 2]].all()
    try:
        message = WIRE.decode(cut)
    except ContractError:
        assert not flat.is_plain[1]
    else:
        if flat.is_plain[1]:
            assert repr(read(flat, 1)) == repr(by_number(message))


def test_nothing_is_as_bad_as_empty_and_no_message_is_read_as_none():
    assert READER.read([None, b"", b"\x00"]).is_plain.tolist() == [False] * 3
    assert READER.read([]).is_plain.tolist() == []


def test_numbers_longer_than_63_bits_are_left_to_the_general_reader():
    value = WIRE.encode(record(event_id="", event_time=0, ingest_time=None))
    head, rest = value[:6], value[7:]
    assert READER.read([head + b"\x80" * 8 + b"\x00" + rest]).is_plain.all()
    assert not READER.read([head + b"\x80" * 9 + b"\x00" + rest]).is_plain.any()


def test_a_contract_with_lists_is_refused():
    with pytest.raises(ContractError, match="factors"):
        FlatReader("upi.Decision")
