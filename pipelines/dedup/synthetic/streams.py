"""Random numbers that depend on the seed and on what is drawn, never on who draws it.

Demographics come from one Philox generator per block of people and purpose. Captures are made
much later and in another order, so their numbers are hashes of (person or record, purpose, slot).
"""

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from pipelines.dedup.hashing import splitmix64

U64 = npt.NDArray[np.uint64]
U16 = npt.NDArray[np.uint16]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

_LANES = 4
_LANE_RANGE = 65536


class Purpose(IntEnum):
    """What a stream is for; adding a purpose leaves the other streams as they are."""

    HOUSEHOLDS = 1
    PEOPLE = 2
    LATER = 3
    MISTAKES = 4
    ENVELOPE = 5
    CAPTURES = 6
    RECORD_ID = 16
    EVENT_ID = 17
    PERSON = 18
    ENTITY_ID = 19
    NUMBER = 20
    POSITION = 21
    FINGER = 32
    FINGER_CAPTURE = 40
    IRIS = 56
    IRIS_CAPTURE = 64


def open_stream(seed: int, purpose: Purpose, block: int) -> np.random.Generator:
    """Generator of one block and purpose."""
    key = np.array([seed, (int(purpose) << 48) | block], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))


def mark(seed: int, purpose: Purpose, values: U64) -> U64:
    """One 64-bit word per value, distinct for distinct values (a bijection for each purpose)."""
    salt = splitmix64(np.array([seed, int(purpose)], dtype=np.uint64))
    start = splitmix64(salt[:1] ^ (salt[1:] >> np.uint64(1)))
    return splitmix64(np.asarray(values, dtype=np.uint64) + start)


def words(keys: U64, purpose: int, count: int) -> U64:
    """Random words [keys, count] for each key."""
    slots = np.arange(count, dtype=np.uint64) + np.uint64(purpose << 32)
    return splitmix64(keys[:, None] ^ splitmix64(slots))


def lanes(keys: U64, purpose: int, count: int) -> U16:
    """Random 16-bit numbers [keys, count]; count is a multiple of 4."""
    return words(keys, purpose, count // _LANES).astype("<u8", copy=False).view(np.uint16)


def uniform(keys: U64, purpose: int, count: int) -> F64:
    """Uniform numbers in [0, 1), shape [keys, count]."""
    found = words(keys, purpose, count) >> np.uint64(11)
    return np.asarray(found * 2.0**-53, dtype=np.float64)


def normal(keys: U64, purpose: int, count: int) -> F64:
    """Bell-shaped numbers of mean 0 and sd 1, shape [keys, count].

    The sum of four uniform numbers: bounded by 3.46, and exact in binary, so the bytes do not
    depend on the mathematical library of the machine.
    """
    found = lanes(keys, purpose, _LANES * count).reshape(len(keys), count, _LANES)
    total = found.sum(axis=2, dtype=np.int64) + _LANES / 2
    return np.asarray((total / _LANE_RANGE - _LANES / 2) * np.sqrt(12 / _LANES), dtype=np.float64)


def apportion(shares: list[float], count: int) -> I64:
    """Split a count by shares that sum to 1, exactly to the rounding of each boundary."""
    edges = np.rint(np.cumsum([0.0, *shares]) * count).astype(np.int64)
    return np.diff(edges)
