"""Pairs of minutiae of one type in the order of the rotation that takes one into the other.

Minutiae come as int32 arrays [4, n]: x, y, angle in whole degrees 0..359, type 0 or 1.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

TURN = 360
SECTOR = 3  # degrees that share one cut into cells; odd, and a divisor of 360
BLOCK = 64  # pairs read together


@njit(cache=True, nogil=True)
def sort_by_rotation(a: I32, b: I32, degrees: int) -> tuple[I64, I32, I32]:
    """Pairs of one type by rotation, from -reach to 360 + reach for reach = degrees + SECTOR // 2.

    The list goes round: pairs near 0 degrees stand at both ends, and one more block follows, so
    that a window can be read in whole blocks.

    Returns:
        first pair of each rotation (entry k belongs to rotation k - reach; one entry more for the
        end), and the two minutiae of each pair.
    """
    order_a, zeros_a = _by_type(a)
    order_b, zeros_b = _by_type(b)
    fill = np.zeros(TURN + 1, dtype=np.int64)
    total = zeros_a * zeros_b + (a.shape[1] - zeros_a) * (b.shape[1] - zeros_b)
    turn = np.empty(total, dtype=np.int32)
    pair = 0
    for i in range(a.shape[1]):
        one = i >= zeros_a
        for j in range(zeros_b if one else 0, b.shape[1] if one else zeros_b):
            angle = b[2, order_b[j]] - a[2, order_a[i]]
            turn[pair] = angle + TURN if angle < 0 else angle
            fill[turn[pair] + 1] += 1
            pair += 1
    edges = np.cumsum(fill)
    fill[:] = edges
    left, right = np.empty(total, dtype=np.int32), np.empty(total, dtype=np.int32)
    pair = 0
    for i in range(a.shape[1]):
        one = i >= zeros_a
        for j in range(zeros_b if one else 0, b.shape[1] if one else zeros_b):
            place = fill[turn[pair]]
            left[place], right[place] = order_a[i], order_b[j]
            fill[turn[pair]] += 1
            pair += 1
    return _go_round(edges, left, right, degrees)


@njit(cache=True, nogil=True)
def _by_type(minutiae: I32) -> tuple[I32, int]:
    """Order of the minutiae with type 0 first, and how many have type 0."""
    count = minutiae.shape[1]
    order = np.empty(count, dtype=np.int32)
    low, high = 0, count - 1
    for i in range(count):
        if minutiae[3, i] == 0:
            order[low] = i
            low += 1
        else:
            order[high] = i
            high -= 1
    return order, low


@njit(cache=True, nogil=True)
def _go_round(edges: I64, left: I32, right: I32, degrees: int) -> tuple[I64, I32, I32]:
    """Repeat the pairs at both ends, so that every window of rotations is one slice."""
    total = edges[TURN]
    reach = degrees + SECTOR // 2
    before = total - edges[TURN - reach]
    first = np.empty(TURN + 2 * reach + 1, dtype=np.int64)
    for k in range(TURN + 2 * reach + 1):
        turn = k - reach
        lap = -total if turn < 0 else (total if turn >= TURN else 0)
        turn += TURN if turn < 0 else (-TURN if turn >= TURN else 0)
        first[k] = before + lap + edges[turn]
    size = first[-1] + BLOCK
    around_left, around_right = np.empty(size, dtype=np.int32), np.empty(size, dtype=np.int32)
    at = edges[TURN - reach]
    for p in range(size):
        at = 0 if at == total else at
        around_left[p], around_right[p] = left[at], right[at]
        at += 1
    return first, around_left, around_right
