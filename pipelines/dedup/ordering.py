"""Sorting by 64-bit hashes: their high bits are sorted with the row number in the low ones."""

import numba as nb
import numpy as np
import numpy.typing as npt

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]


def order_by(hashes: U64) -> I64:
    """Stable order of rows by their hashes, several times faster than sorting row numbers.

    The bits that the row number takes the place of are looked at where the others are equal: with
    hashes, that is next to nowhere but in rows of one hash. Other numbers would take long.
    """
    rows = len(hashes)
    low = np.uint64((1 << max(rows - 1, 1).bit_length()) - 1)
    packed = (hashes & ~low) | np.arange(rows, dtype=np.uint64)
    packed.sort()
    order = (packed & low).astype(np.int64)
    _settle(hashes, packed & ~low, order)
    return order


@nb.njit(cache=True, nogil=True)
def _settle(hashes: U64, high: U64, order: I64) -> None:
    """Order the rows whose high bits are equal by the whole hash."""
    for i in range(1, len(order)):
        row, j = order[i], i
        while j > 0 and high[j - 1] == high[i] and hashes[order[j - 1]] > hashes[row]:
            order[j] = order[j - 1]
            j -= 1
        order[j] = row
