"""SplitMix64, vectorised (Steele, Lea and Flood 2014): the hash of 64-bit words in all jobs."""

import numpy as np
import numpy.typing as npt

U64 = npt.NDArray[np.uint64]

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def splitmix64(values: U64) -> U64:
    """Mix 64-bit words; a bijection, so distinct inputs stay distinct.

    Args:
        values: array of any shape.

    Returns:
        Array of the same shape; 0 gives e220a8397b1dcdaf.
    """
    z = np.asarray(values, dtype=np.uint64) + _GAMMA
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    return z ^ (z >> np.uint64(31))
