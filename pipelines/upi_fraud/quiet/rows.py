"""Packed states of payers (layout 1 of `state_codec.py`) taken apart into arrays, and back.

A state in another layout, with buckets or older ids, or with longer lists than the arrays have room
for, is not taken apart: its payer pays so often that the compiled walk leaves the payment alone.
"""

from typing import Any, NamedTuple

import numpy as np

from pipelines.core.flat_records import Bytes, Ints
from pipelines.upi_fraud.quiet.compiled import helper
from pipelines.upi_fraud.state import HOURS, Capacity

Floats = np.ndarray[Any, np.dtype[np.float64]]

(SEEN, LEARNED, MEAN, M2, NEWEST, FIRST, PLACES, DEVICES, PAYEES, RECENT, BUCKETS, OLD_IDS,
 FLAGS, LAST_LAT, LAST_LON, LAST_TIME, LAST_HASH, WIDTH) = range(18)  # fmt: skip
"""Columns of `numbers`; `MEAN` and `M2` hold the bits of doubles, `PLACES` to `OLD_IDS` lengths."""
TIME, PAISE, ID, DIGEST = range(4)
"""Columns of `recent`, in the order in which they are packed."""
HASH, USES, FIRST_S, LAST_S, PAYEE_LAST_S, PAYEE_USES = 0, 1, 1, 2, 1, 2
"""Columns of `places` (hash, uses), `devices` (hash, first, last), `payees` (hash, last, uses)."""
HAS_PLACE = 1
LAYOUT = 1
"""What is taken apart and written here. A build with another layout reads this one too."""

_HEAD = np.array([4, 4, 8, 8, 6, 6, 2, 2, 2, 2, 2, 2])
_LAST, _LAST_PADDING = np.array([4, 4, 6, 4]), 2
_PLACE, _DEVICE, _PAYEE, _ATTEMPT = (
    np.array(sizes) for sizes in ([4, 2], [8, 4, 4], [8, 4, 2], [6, 4, 8, 6])
)
"""Bytes of each value, little-endian."""
_HEAD_BYTES = 2 + int(_HEAD.sum()) + HOURS


class Rows(NamedTuple):
    """States of n payers.

    Attributes:
        numbers: counts, times, lengths, last place, [n, WIDTH].
        moments: the same memory as doubles, for `MEAN` and `M2`.
        hours: approved payments by hour, [n, 24].
        places, devices, payees, recent: learned entries and newest attempts, [n, room, columns].
    """

    numbers: Ints
    moments: Floats
    hours: Ints
    places: Ints
    devices: Ints
    payees: Ints
    recent: Ints


def make_rows(number: int, room: Capacity) -> Rows:
    """Empty states; `recent` has room for one attempt more than is kept."""
    numbers = np.zeros((number, WIDTH), np.int64)
    lists = (
        np.empty((number, length, len(sizes)), np.int64)
        for length, sizes in (
            (room.places, _PLACE), (room.devices, _DEVICE), (room.payees, _PAYEE),
            (room.recent + 1, _ATTEMPT),
        )
    )  # fmt: skip
    return Rows(numbers, numbers.view(np.float64), np.zeros((number, HOURS), np.int64), *lists)


def largest(room: Capacity) -> int:
    """Bytes of the largest state that can be packed."""
    lists = ((room.places, _PLACE), (room.devices, _DEVICE), (room.payees, _PAYEE),
             (room.recent, _ATTEMPT))  # fmt: skip
    last = int(_LAST.sum()) + _LAST_PADDING
    return _HEAD_BYTES + last + sum(length * int(sizes.sum()) for length, sizes in lists)


@helper
def unpack(data: Bytes, begin: int, end: int, rows: Rows, at: int) -> bool:
    """Take a state apart into row `at`; False for one that is left alone. No bytes: a new payer."""
    if begin == end:
        return True
    numbers = rows.numbers[at]
    if data[begin] != LAYOUT:
        return False
    numbers[FLAGS] = data[begin + 1]
    place = begin + 2
    for column in range(len(_HEAD)):
        numbers[column] = _load(data, place, _HEAD[column])
        place += _HEAD[column]
    if (
        numbers[BUCKETS] or numbers[OLD_IDS]
        or numbers[PLACES] > rows.places.shape[1] or numbers[DEVICES] > rows.devices.shape[1]
        or numbers[PAYEES] > rows.payees.shape[1] or numbers[RECENT] >= rows.recent.shape[1]
    ):  # fmt: skip
        return False
    for hour in range(HOURS):
        rows.hours[at, hour] = data[place + hour]
    place += HOURS
    if numbers[FLAGS] & HAS_PLACE:
        for column in range(len(_LAST)):
            numbers[LAST_LAT + column] = _load(data, place, _LAST[column])
            place += _LAST[column]
        numbers[LAST_LAT] = np.int32(numbers[LAST_LAT])
        numbers[LAST_LON] = np.int32(numbers[LAST_LON])
        place += _LAST_PADDING
    place = _unpack_list(data, place, rows.places[at], numbers[PLACES], _PLACE)
    place = _unpack_list(data, place, rows.devices[at], numbers[DEVICES], _DEVICE)
    place = _unpack_list(data, place, rows.payees[at], numbers[PAYEES], _PAYEE)
    return _unpack_list(data, place, rows.recent[at], numbers[RECENT], _ATTEMPT) == end


@helper
def pack(rows: Rows, at: int, data: Bytes, place: int) -> int:
    """Write the state of row `at` from `place` on; returns the place behind it."""
    numbers = rows.numbers[at]
    data[place], data[place + 1] = LAYOUT, numbers[FLAGS]
    place += 2
    for column in range(len(_HEAD)):
        place = _store(data, place, numbers[column], _HEAD[column])
    for hour in range(HOURS):
        data[place + hour] = rows.hours[at, hour]
    place += HOURS
    if numbers[FLAGS] & HAS_PLACE:
        for column in range(len(_LAST)):
            place = _store(data, place, numbers[LAST_LAT + column], _LAST[column])
        place = _store(data, place, 0, _LAST_PADDING)
    place = _pack_list(rows.places[at], numbers[PLACES], _PLACE, data, place)
    place = _pack_list(rows.devices[at], numbers[DEVICES], _DEVICE, data, place)
    place = _pack_list(rows.payees[at], numbers[PAYEES], _PAYEE, data, place)
    return int(_pack_list(rows.recent[at], numbers[RECENT], _ATTEMPT, data, place))


@helper
def _unpack_list(data: Bytes, place: int, entries: Ints, length: int, sizes: Ints) -> int:
    for entry in range(length):
        for column in range(len(sizes)):
            entries[entry, column] = _load(data, place, sizes[column])
            place += sizes[column]
    return place


@helper
def _pack_list(entries: Ints, length: int, sizes: Ints, data: Bytes, place: int) -> int:
    for entry in range(length):
        for column in range(len(sizes)):
            place = _store(data, place, entries[entry, column], sizes[column])
    return place


@helper
def _load(data: Bytes, place: int, size: int) -> int:
    value = np.int64(0)
    for byte in range(size):
        value |= np.int64(data[place + byte]) << (8 * byte)
    return int(value)


@helper
def _store(data: Bytes, place: int, value: int, size: int) -> int:
    for byte in range(size):
        data[place + byte] = (value >> (8 * byte)) & 0xFF
    return place + size
