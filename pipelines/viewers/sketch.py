"""Distinct viewers: exact by a bitmap of digests, or estimated from a sample of the digests.

A digest has 32 bits, since Flink's bitmaps hold whole numbers of that size. The sketch keeps the
digests that a number divides: bitmaps stay bitmaps, so sketches of parts join to that of the whole
without any error of their own, and a viewer is in the sample always or never.
"""

import math

import numpy as np
from numpy.typing import NDArray

_FNV_START, _FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3
_MIX_1, _MIX_2 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_64 = (1 << 64) - 1
DIGESTS = 1 << 32


def digest(token: bytes) -> int:
    """Signed 32 bits of a token as the decoder on the JVM has them: FNV-1a, SplitMix64's mixer.

    Args:
        token: token of a viewer, UTF-8.
    """
    mixed = _FNV_START
    for byte in token:
        mixed = ((mixed ^ byte) * _FNV_PRIME) & _64
    mixed = ((mixed ^ mixed >> 30) * _MIX_1) & _64
    mixed = ((mixed ^ mixed >> 27) * _MIX_2) & _64
    low = (mixed ^ mixed >> 31) & 0xFFFFFFFF
    return low - DIGESTS if low >= DIGESTS // 2 else low


def estimate(digests: NDArray[np.int64], sample: int) -> int:
    """Distinct viewers of digests with copies, from those that `sample` divides."""
    kept = digests[digests % sample == 0]
    return len(np.unique(kept)) * sample


def standard_error(viewers: float, sample: int) -> float:
    """Relative standard error of an estimate; 0 for a sample of 1."""
    return math.sqrt((sample - 1) / viewers)


def shared_digests(viewers: float) -> float:
    """How many viewers are missed because two share a digest, on average."""
    return viewers - DIGESTS * -math.expm1(-viewers / DIGESTS)
