"""Which of many 64-bit hashes stand in a set of few, also asked from inside kernels."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numba as nb
import numpy as np
import numpy.typing as npt

from pipelines.dedup.hashing import U64

Bool = npt.NDArray[np.bool_]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]

MARKS_PER_MEMBER = 16
_STRIDE = 1024  # first step from a guess; among ten million hashes it is off by some thousands
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class HashSet:
    """A set of hashes.

    Attributes:
        values: the distinct hashes.
    """

    values: U64

    @cached_property
    def arrays(self) -> tuple[U8, U64]:
        """What `contains` looks into.

        Returns:
            Marks, one bit for the low bits of each member: small enough to stay in a cache, they
            say no to nearly all strangers. Slots, a table with open addresses, 0 where it is empty;
            the last one is 1 where 0 is a member.
        """
        bits = max(13, (len(self.values) * MARKS_PER_MEMBER - 1).bit_length())
        marks = np.zeros(1 << (bits - 3), dtype=np.uint8)
        slots = np.zeros((1 << max(4, (2 * len(self.values)).bit_length())) + 1, dtype=np.uint64)
        _fill(np.ascontiguousarray(self.values), marks, slots)
        return marks, slots

    def has(self, hashes: U64) -> Bool:
        """Whether each hash is in the set, [hashes]."""
        found = np.empty(len(hashes), dtype=np.bool_)
        _has(np.ascontiguousarray(hashes), *self.arrays, found)
        return found


def touches(pairs: Sequence[I64], some: I64) -> Bool:
    """Pairs, given as their two ends, with an end among some nodes.

    Node ids serve as hashes of 64 bits when their highest bit, which is always 0, is shifted out.
    """
    members = HashSet(some.view(np.uint64) << np.uint64(1))
    first, second = (members.has(end.view(np.uint64) << np.uint64(1)) for end in pairs)
    either: Bool = first | second
    return either


@nb.njit(cache=True, nogil=True)
def contains(key: np.uint64, marks: U8, slots: U64) -> bool:
    """Whether a hash is in the set of these `HashSet.arrays`."""
    mark = _mark_of(key, marks)
    if not marks[mark >> np.uint64(3)] >> np.uint8(mark & np.uint64(7)) & 1:
        return False
    if key == 0:
        return bool(slots[-1] == 1)
    at = _slot_of(key, slots)
    while slots[at] != 0:
        if slots[at] == key:
            return True
        at = (at + np.uint64(1)) & np.uint64(len(slots) - 2)
    return False


@nb.njit(cache=True, nogil=True)
def stands_in(key: np.uint64, values: U64) -> bool:
    """Whether a hash is in a sorted array. Hashes lie evenly, so its place is near its share."""
    size = np.int64(len(values))
    if size == 0:
        return False
    at = min(np.int64(np.float64(key) / 2.0**64 * size), size - 1)
    low, high, step = at, at, np.int64(_STRIDE)
    while low > 0 and values[low] >= key:
        high, low, step = low, max(low - step, np.int64(0)), 2 * step
    step = np.int64(_STRIDE)
    while high < size and values[high] < key:
        low, high, step = high, min(high + step, size), 2 * step
    while low < high:
        middle = (low + high) // 2
        if values[middle] < key:
            low = middle + 1
        else:
            high = middle
    return bool(low < size and values[low] == key)


@nb.njit(cache=True, nogil=True)
def _mark_of(key: np.uint64, marks: U8) -> np.uint64:
    """The low bits of a key, which number a bit of `marks`."""
    return key & np.uint64(len(marks) * 8 - 1)


@nb.njit(cache=True, nogil=True)
def _slot_of(key: np.uint64, slots: U64) -> np.uint64:
    """Where a key is looked for first (Fibonacci hashing, Knuth 1973)."""
    return ((key * _GOLDEN) >> np.uint64(32)) & np.uint64(len(slots) - 2)


@nb.njit(cache=True, nogil=True)
def _fill(values: U64, marks: U8, slots: U64) -> None:
    for value in values:
        mark = _mark_of(value, marks)
        marks[mark >> np.uint64(3)] |= np.uint8(1) << np.uint8(mark & np.uint64(7))
        if value == 0:
            slots[-1] = 1
            continue
        at = _slot_of(value, slots)
        while slots[at] != 0 and slots[at] != value:
            at = (at + np.uint64(1)) & np.uint64(len(slots) - 2)
        slots[at] = value


@nb.njit(cache=True, nogil=True)
def _has(hashes: U64, marks: U8, slots: U64, found: Bool) -> None:
    for i in range(len(hashes)):
        found[i] = contains(hashes[i], marks, slots)
