"""CRC-32C (Castagnoli), as Kafka's record batches carry it, by a loop compiled on first use.

kafka-python computes it byte by byte in Python, which takes longer than all else it does.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

_POLYNOMIAL = 0x82F63B78
"""Reflected polynomial of RFC 3720, appendix B.4."""

Words = npt.NDArray[np.uint32]


def crc32c(data: Any) -> int:
    """Checksum of bytes, or of anything that holds bytes in one piece."""
    loop, table = _compiled()
    return int(loop(np.frombuffer(data, np.uint8), table))


@cache
def _compiled() -> tuple[Callable[..., int], Words]:
    """The loop, and what one byte does to the checksum, for each byte."""
    import numba as nb

    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(_POLYNOMIAL), table >> 1)
    return nb.njit(cache=True, nogil=True)(_loop), table


def _loop(data: npt.NDArray[np.uint8], table: Words) -> int:
    checksum = np.uint32(0xFFFFFFFF)
    for byte in data:
        checksum = table[(checksum ^ byte) & 0xFF] ^ (checksum >> np.uint32(8))
    return int(checksum ^ np.uint32(0xFFFFFFFF))
