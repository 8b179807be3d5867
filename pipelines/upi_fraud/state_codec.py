"""Bytes of a payer's state: little-endian, the first byte is the version of the layout.

Layout 1 has a head of 74 bytes (version, flags, counts, moments, times, list lengths, 24 hours),
20 more where a last place is known, then the lists. Ten payments, two devices, eight payees and
three places take 496 bytes.
"""

import struct
from collections.abc import Callable, Mapping, Sequence

from pipelines.upi_fraud.errors import StateError
from pipelines.upi_fraud.state import (
    EMPTY,
    Bucket,
    Device,
    OldId,
    Payee,
    PayerState,
    Payment,
    Place,
    UsualPlace,
)

LAYOUT = 1
_HAS_PLACE, _TRUNCATED = 1, 2
_LOW32 = 0xFFFFFFFF

# Times and digests of 48 bits are stored as 32 low and 16 high bits.
_HEAD = struct.Struct("<BBIIddIHIH6H24B")
_LAST_PLACE = struct.Struct("<iiIHIxx")
_PLACE = struct.Struct("<IH")
_DEVICE = struct.Struct("<QII")
_PAYEE = struct.Struct("<QIH")
_PAYMENT = struct.Struct("<IHIQIH")
_BUCKET = struct.Struct("<IHQ")
_OLD_ID = struct.Struct("<QI")
_LISTS = (_PLACE, _DEVICE, _PAYEE, _PAYMENT, _BUCKET, _OLD_ID)


def encode_state(state: PayerState) -> bytes:
    """Bytes of a state.

    Raises:
        StateError: a number does not fit its field; a fault of the program.
    """
    (seen, learned, mean, m2, newest, first, truncated, hours, last, places, devices, payees,
     recent, buckets, old_ids) = state  # fmt: skip
    flags = (last is not None) * _HAS_PLACE | truncated * _TRUNCATED
    try:
        parts = [
            _HEAD.pack(
                LAYOUT, flags, seen, learned, mean, m2, newest & _LOW32, newest >> 32,
                first & _LOW32, first >> 32, len(places), len(devices), len(payees), len(recent),
                len(buckets), len(old_ids), *hours,
            )
        ]  # fmt: skip
        if last is not None:
            lat, lon, time, label = last
            parts.append(_LAST_PLACE.pack(lat, lon, time & _LOW32, time >> 32, label))
        parts += [_PLACE.pack(*one) for one in places]
        parts += [_DEVICE.pack(*one) for one in devices]
        parts += [_PAYEE.pack(*one) for one in payees]
        pack = _PAYMENT.pack
        parts += [
            pack(time & _LOW32, time >> 32, paise, id_hash, digest & _LOW32, digest >> 32)
            for time, id_hash, paise, digest in recent
        ]
        parts += [_BUCKET.pack(*one) for one in buckets]
        parts += [_OLD_ID.pack(id_hash, second) for second, id_hash in old_ids]
    except struct.error as error:
        raise StateError(f"a payer's state does not fit layout {LAYOUT}: {error}") from error
    return b"".join(parts)


def decode_state(data: bytes | None) -> PayerState:
    """State of its bytes; None is a payer nobody has seen.

    Raises:
        StateError: another layout, or a length that does not fit it.
    """
    if data is None:
        return EMPTY
    reader = READERS.get(data[0]) if data else None
    if reader is None:
        layout, known = data[0] if data else "none", ", ".join(map(str, READERS))
        raise StateError(f"a payer's state has layout {layout}, this build reads {known}")
    return reader(data)


def _read_layout_1(data: bytes) -> PayerState:
    if len(data) < _HEAD.size:
        raise StateError(f"a payer's state has {len(data)} bytes, the head alone has {_HEAD.size}")
    head = _HEAD.unpack_from(data)
    _, flags, seen, learned, mean, m2, newest, newest_high, first, first_high = head[:10]
    last, at = None, _HEAD.size
    if flags & _HAS_PLACE:
        lat, lon, time, high, label = _LAST_PLACE.unpack_from(data, at)
        last, at = Place(lat, lon, time | high << 32, label), at + _LAST_PLACE.size
    places, devices, payees, recent, buckets, old_ids = _split(data, at, head[10:16])
    return PayerState(
        seen, learned, mean, m2, newest | newest_high << 32, first | first_high << 32,
        bool(flags & _TRUNCATED), head[16:], last,
        tuple(map(UsualPlace._make, _PLACE.iter_unpack(places))),
        tuple(map(Device._make, _DEVICE.iter_unpack(devices))),
        tuple(map(Payee._make, _PAYEE.iter_unpack(payees))),
        tuple(
            Payment(time | time_high << 32, id_hash, paise, digest | digest_high << 32)
            for time, time_high, paise, id_hash, digest, digest_high in _PAYMENT.iter_unpack(recent)
        ),
        tuple(map(Bucket._make, _BUCKET.iter_unpack(buckets))),
        tuple(OldId(second, id_hash) for id_hash, second in _OLD_ID.iter_unpack(old_ids)),
    )  # fmt: skip


def _split(data: bytes, at: int, lengths: Sequence[int]) -> list[memoryview]:
    """Cut the lists out; they must end where the bytes do."""
    view, cut = memoryview(data), []
    for form, length in zip(_LISTS, lengths, strict=True):
        cut.append(view[at : at + form.size * length])
        at += form.size * length
    if at != len(data):
        raise StateError(f"a payer's state has {len(data)} bytes, its lists need {at}")
    return cut


READERS: Mapping[int, Callable[[bytes], PayerState]] = {1: _read_layout_1}
"""How each layout is read. A new one keeps the readers of those before it, so that a savepoint of
an older build can be restored; a state is written in the newest layout when it next changes."""
