"""Bytes of a payer's state: little-endian, the first byte is the version of the layout.

Layout 1 has a head of 74 bytes (version, flags, counts, moments, times, list lengths, 24 hours),
20 more where a last place is known, then the lists as `rows.py` packs them. Ten payments, two
devices, eight payees and three places take 496 bytes.
"""

import struct
from collections.abc import Callable, Mapping

from pipelines.upi_fraud.errors import StateError
from pipelines.upi_fraud.rows import ATTEMPTS, BUCKETS, DEVICES, OLD_IDS, PAYEES, USUAL_PLACES
from pipelines.upi_fraud.state import EMPTY, HOURS, PayerState, make_place, make_state

LAYOUT = 1
_HAS_PLACE, _TRUNCATED = 1, 2
_LOW32 = 0xFFFFFFFF

# Times of 48 bits are stored as 32 low and 16 high bits.
_HEAD = struct.Struct(f"<BBIIddIHIH6H{HOURS}s")
_LAST_PLACE = struct.Struct("<iiIHIxx")
_LISTS = (USUAL_PLACES, DEVICES, PAYEES, ATTEMPTS, BUCKETS, OLD_IDS)
_SIZES = tuple(one.size for one in _LISTS)


def encode_state(state: PayerState) -> bytes:
    """Bytes of a state.

    Raises:
        StateError: a number does not fit its field; a fault of the program.
    """
    (seen, learned, mean, m2, newest, first, truncated, hours, last, places, devices, payees,
     recent, buckets, old_ids) = state  # fmt: skip
    flags = (last is not None) * _HAS_PLACE | truncated * _TRUNCATED
    a, b, c, d, e, f = _SIZES
    try:
        head = _HEAD.pack(
            LAYOUT, flags, seen, learned, mean, m2, newest & _LOW32, newest >> 32,
            first & _LOW32, first >> 32, len(places) // a, len(devices) // b, len(payees) // c,
            len(recent) // d, len(buckets) // e, len(old_ids) // f, hours,
        )  # fmt: skip
        if last is not None:
            lat, lon, time, label = last
            head += _LAST_PLACE.pack(lat, lon, time & _LOW32, time >> 32, label)
    except struct.error as error:
        raise StateError(f"a payer's state does not fit layout {LAYOUT}: {error}") from error
    return b"".join((head, places, devices, payees, recent, buckets, old_ids))


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
        last, at = make_place((lat, lon, time | high << 32, label)), at + _LAST_PLACE.size
    lists = []
    for size, number in zip(_SIZES, head[10:16], strict=True):
        lists.append(data[at : at + size * number])
        at += size * number
    if at != len(data):
        raise StateError(f"a payer's state has {len(data)} bytes, its lists need {at}")
    return make_state(
        (
            seen, learned, mean, m2, newest | newest_high << 32, first | first_high << 32,
            bool(flags & _TRUNCATED), head[16], last, *lists,
        )
    )  # fmt: skip


READERS: Mapping[int, Callable[[bytes], PayerState]] = {1: _read_layout_1}
"""How each layout is read. A new one keeps the readers of those before it, so that a savepoint of
an older build can be restored; a state is written in the newest layout when it next changes."""
