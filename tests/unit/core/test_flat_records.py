"""The compiled reader of flat messages gives what the general one gives, or leaves the message."""

import math
import struct
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.errors import ContractError
from pipelines.core.flat_records import FlatReader
from pipelines.core.wire import Wire
from tests.unit.upi_fraud.samples import record

SUBJECT = "upi.Transaction"
WIRE, READER = Wire(SUBJECT), FlatReader(SUBJECT)
WHOLE = WIRE.encode(record(lat=19.0, lon=72.8, merchant_id="M1"))
LETTERS = "abcXYZ 019_@.-/\x00\x7f"


def word(rng, share):
    """Up to six letters, some beyond ASCII."""
    return "".join(
        chr(rng.randint(128, 300)) if rng.random() < share else rng.choice(LETTERS)
        for _ in range(rng.randint(0, 6))
    )


def number(rng, bits=62):
    """A number of any length up to `bits` and a sign, often where its bytes become one more."""
    size = rng.randint(0, bits)
    made = rng.choice([-1, 1]) * rng.choice([rng.getrandbits(size), 2**size, 2**size - 1])
    return min(made, 2**bits - 1)


def degrees(rng):
    odd = (None, math.nan, math.inf, -math.inf, -0.0, 5e-324)
    return rng.choice([*odd, rng.uniform(-180, 180), rng.uniform(-180, 180)])


def message(rng):
    """Two in three are of ASCII alone, which is read at once."""
    share = rng.choice([0, 0, 0.1])
    return record(
        event_id=word(rng, share), event_time=number(rng), ingest_time=rng.choice([None, number(rng)]),
        source=word(rng, share), schema_version=number(rng, 31),
        sender_vpa=word(rng, share), amount_paise=number(rng),
        sender_balance_paise=rng.choice([None, number(rng)]), device_id=rng.choice([None, word(rng, share)]),
        lat=degrees(rng), lon=degrees(rng), merchant_id=rng.choice([None, word(rng, share)]),
        purpose=rng.choice(["UNKNOWN", "OTHER"]),
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


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_messages_are_read_as_the_general_reader_reads_them(seed):
    rng = Random(seed)
    messages = [message(rng) for _ in range(rng.randint(0, 60))]
    flat = READER.read([WIRE.encode(one) for one in messages])
    assert flat.is_plain.tolist() == [all(map(str.isascii, texts(one))) for one in messages]
    for row, one in enumerate(messages):
        if flat.is_plain[row]:
            assert repr(read(flat, row)) == repr(by_number(WIRE.decode(WIRE.encode(one))))


def damaged(rng):
    """A message with a byte or two changed, half of them cut as well."""
    value = bytearray(WHOLE)
    for _ in range(rng.randint(1, 2)):
        value[rng.randrange(len(value))] = rng.choice([0, 1, 2, 127, 128, 255, rng.randrange(256)])
    return bytes(value[: rng.choice([len(value), rng.randint(0, len(value))])])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_a_damaged_message_is_never_plain_unless_it_can_be_read(seed):
    rng = Random(seed)
    values = [damaged(rng) for _ in range(50)]
    flat = READER.read([one for value in values for one in (value, WHOLE)])
    assert flat.is_plain[1::2].all()
    for row, value in enumerate(values):
        try:
            told = WIRE.decode(value)
        except ContractError:
            assert not flat.is_plain[2 * row]
        else:
            if flat.is_plain[2 * row]:
                assert repr(read(flat, 2 * row)) == repr(by_number(told))


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
