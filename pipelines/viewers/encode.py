"""Framed Avro bytes of viewer events, many at a time: the generator's way to the wire.

The bytes are those of `core.wire` for the newest version of `viewer.Event`; a test compares both.
A kernel writes them because the generator makes millions, and a Python codec would take minutes.
"""

from collections.abc import Mapping, Sequence

import numba as nb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.core import avro_codec
from pipelines.core.wire import id_of
from pipelines.viewers.dimensions import CITIES, LANGUAGES, REGIONS

SUBJECT = "viewer.Event"
LONGEST = 512
"""Bytes that a message takes at most; a test holds the longest texts against it."""

Columns = Mapping[str, NDArray[np.generic]]
CDNS = ("", "alpha", "beta", "gamma")
ID_DIGITS = 16


def encode_events(events: Columns, source: str, content_ids: Sequence[str]) -> pa.Table:
    """Messages of events, in their order.

    Args:
        events: columns as `generate.Match.events` has them, one entry an event.
        source: `source` of the records.
        content_ids: text of each content code.

    Returns:
        Columns message_key, message_value (bytes) and kafka_time (ms, UTC), as on the topic.
    """
    number = len(events["event_time"])
    values, ends = np.empty(number * LONGEST, np.uint8), np.zeros(number + 1, np.int64)
    keys = np.empty(number * (ID_DIGITS + 1), np.uint8)
    head = np.frombuffer(avro_codec.frame(id_of(SUBJECT), b""), np.uint8)
    texts = [_texts(one) for one in (REGIONS, CITIES, LANGUAGES, CDNS, content_ids, (source,))]
    longs = np.column_stack([events[name].astype(np.int64) for name in _LONGS])
    floats = np.column_stack([events["buffer_pct"], events["buffer_seconds"]])
    used = _encode(longs, floats, head, tuple(texts), values, ends, keys)
    return pa.table(
        {
            "message_key": _binary(keys, np.arange(number + 1) * (ID_DIGITS + 1)),
            "message_value": _binary(values[:used], ends),
            "kafka_time": pa.array(events["event_time"], pa.timestamp("ms", "UTC")),
        }
    )


_LONGS = (
    "event_key", "event_time", "region", "viewer_key", "session_key", "content", "event_type",
    "quality", "city", "device", "language", "account_key", "device_key", "network",
    "bitrate_kbps", "cdn", "played_ms", "rebuffered_ms", "delivered_kilobits", "total_played_ms",
    "total_rebuffered_ms", "total_delivered_kilobits", "is_fatal",
)  # fmt: skip


def _texts(values: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Texts as one run of bytes and the places where each ends."""
    encoded = [value.encode() for value in values]
    ends = np.cumsum([0, *map(len, encoded)]).astype(np.int64)
    return np.frombuffer(b"".join(encoded), np.uint8), ends


def _binary(data: NDArray[np.uint8], ends: NDArray[np.int64]) -> pa.Array:
    buffers = [None, pa.py_buffer(ends.astype(np.int64)), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.large_binary(), len(ends) - 1, buffers).cast(pa.binary())


@nb.njit(cache=True)
def _encode(longs, floats, head, texts, out, ends, keys):  # type: ignore[no-untyped-def]
    """Fields in the order of the contract; see the schema for what stands where."""
    regions, cities, languages, cdns, contents, source = texts
    at = 0
    for row in range(longs.shape[0]):
        one = longs[row]
        at = _bytes(out, at, head)
        at = _id(out, at, 101, one[0])  # e: event_id
        at = _long(out, at, one[1])
        at = _long(out, at, 0)  # ingest_time
        at = _text(out, at, source, 0)
        at = _long(out, at, 2)  # schema_version
        at = _text(out, at, regions, one[2])
        at = _long(out, at, 5)  # priority
        at = _id(out, at, 117, one[3])  # u: user_id
        place = at + 1
        at = _id(out, at, 115, one[4])  # s: session_id
        keys[row * 17 : row * 17 + 17] = out[place:at]
        at = _text(out, at, contents, one[5])
        at = _long(out, at, one[6])
        at = _long(out, at, one[7])
        at = _double(out, _long(out, at, 1), floats[row, 0])
        at = _text(out, at, cities, one[8])
        at = _long(out, at, one[9])
        at = _maybe(out, at, languages, one[10])
        at = _id(out, _long(out, at, 1), 97, one[11])  # a: account_id
        at = _id(out, _long(out, at, 1), 100, one[12])  # d: device_id
        at = _long(out, at, one[13])
        at = _long(out, _long(out, at, 1), one[14])
        at = _double(out, _long(out, at, 1), floats[row, 1])
        at = _maybe(out, at, cdns, one[15])
        for place in range(16, 22):
            at = _long(out, at, one[place])
        out[at] = one[22]
        at += 1
        ends[row + 1] = at
    return at


@nb.njit(cache=True)
def _long(out, at, value):  # type: ignore[no-untyped-def]
    left = np.uint64((value << 1) ^ (value >> 63))
    while left > np.uint64(127):
        out[at] = np.uint8(left & np.uint64(127)) | np.uint8(128)
        left >>= np.uint64(7)
        at += 1
    out[at] = np.uint8(left)
    return at + 1


@nb.njit(cache=True)
def _bytes(out, at, data):  # type: ignore[no-untyped-def]
    for place in range(len(data)):
        out[at + place] = data[place]
    return at + len(data)


@nb.njit(cache=True)
def _text(out, at, texts, place):  # type: ignore[no-untyped-def]
    data, ends = texts
    first, last = ends[place], ends[place + 1]
    at = _long(out, at, last - first)
    for byte in range(first, last):
        out[at] = data[byte]
        at += 1
    return at


@nb.njit(cache=True)
def _maybe(out, at, texts, place):  # type: ignore[no-untyped-def]
    """An optional text; code 0 is null."""
    return _text(out, _long(out, at, 1), texts, place) if place else _long(out, at, 0)


@nb.njit(cache=True)
def _id(out, at, letter, value):  # type: ignore[no-untyped-def]
    """A letter and 16 hexadecimal digits."""
    at = _long(out, at, 17)
    out[at] = letter
    for digit in range(16):
        nibble = (value >> (60 - 4 * digit)) & 15
        out[at + 1 + digit] = nibble + 48 if nibble < 10 else nibble + 87
    return at + 17


@nb.njit(cache=True)
def _double(out, at, value):  # type: ignore[no-untyped-def]
    one = np.empty(1, np.float64)
    one[0] = value
    return _bytes(out, at, one.view(np.uint8))
