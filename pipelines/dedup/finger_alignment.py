"""Most one-to-one matches of two sets of minutiae over all their alignments, exactly and fast.

Every pair of minutiae of one type has a rotation, the difference of its angles. Angles are whole
degrees, so with the pairs sorted by rotation, those an alignment can match stand in one window of
+-30 degrees, and its edges are those displaced like the alignment itself. Counting pairs of the
window in coarse cells around it bounds the edges from above, and a matching never has more matches
than edges: alignments are matched by falling bound, until that no longer exceeds the best matching
found. Strangers rarely need one at all.

Minutiae come as int32 arrays [4, n]: x, y, angle in whole degrees 0..359, type 0 or 1.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from pipelines.dedup.finger_matching import maximum_matching
from pipelines.dedup.finger_rotations import BLOCK, SECTOR, TURN, sort_by_rotation

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]

REACH = 3  # cells that a match can be away from its alignment, each way
SLACK_PX = 0.05  # rounding of 32-bit displacements stays below .01 px on 2,048 x 2,048 px
ORIGIN_PX = 16384  # makes displacements positive, so that cutting rounds down


def turn_table() -> F64:
    """Cosine and sine of whole degrees [2, 360], exactly odd and even, exact at quarter turns."""
    cosine = np.cos(np.deg2rad(np.arange(91)))
    cosine[[60, 90]] = 0.5, 0.0
    half = np.concatenate((cosine, -cosine[89::-1]))
    around = np.concatenate((half, half[179:0:-1]))
    return np.stack((around, np.roll(around, 90)))


@njit(cache=True, nogil=True)
def most_matches(a: I32, b: I32, floor: int, pixels: float, degrees: int, turns: F64) -> int:
    """Largest matching over all alignments; 0 where it is below `floor`, which need not be found.

    Args:
        a: minutiae [4, n1].
        b: minutiae [4, n2].
        floor: smallest matching of interest, at least 1.
        pixels: largest distance of a match.
        degrees: largest difference of angles of a match, below 180.
        turns: `turn_table()`.
    """
    ceiling = _ceiling(a, b)
    if ceiling < floor:
        return 0
    first, left, right = sort_by_rotation(a, b, degrees)
    bounds = bound_matches(a, b, first, left, right, pixels, degrees, turns)
    best = floor - 1
    while best < ceiling:
        anchor = np.argmax(bounds)
        if bounds[anchor] <= best:
            break
        bounds[anchor] = 0
        at = first[degrees + SECTOR // 2] + anchor
        found = _match(a, b, first, left, right, at, best, pixels, degrees, turns)
        best = max(best, found)
    return int(best) if best >= floor else 0


@njit(cache=True, nogil=True)
def _ceiling(a: I32, b: I32) -> int:
    """Most matches that the types allow."""
    ones_a, ones_b = a[3].sum(), b[3].sum()
    return int(min(ones_a, ones_b) + min(a.shape[1] - ones_a, b.shape[1] - ones_b))


@njit(cache=True, nogil=True)
def bound_matches(
    a: I32, b: I32, first: I64, left: I32, right: I32, pixels: float, degrees: int, turns: F64
) -> I32:
    """An upper bound on the matches of each alignment: pairs displaced about like its own.

    Displacements are cut into cells, kept modulo 256, and pairs within three cells both ways are
    counted. One cut serves a sector of rotations; the cells are wide enough for what a turn by
    half a sector moves. Cells that wrap, and pairs behind the window in its last block, only
    raise the bound.
    """
    reach = degrees + SECTOR // 2
    begin, end = first[reach], first[TURN + reach]
    ax, ay = (a[0] - a[0, 0]).astype(np.float32)[left], (a[1] - a[1, 0]).astype(np.float32)[left]
    bx, by = (b[0] - b[0, 0]).astype(np.float32)[right], (b[1] - b[1, 0]).astype(np.float32)[right]
    columns, rows = np.empty(len(left), dtype=np.uint8), np.empty(len(left), dtype=np.uint8)
    bounds = np.zeros(end - begin, dtype=np.int32)
    moved = _diameter(a) * 2 * np.sin(np.deg2rad(SECTOR // 2) / 2)
    scale = np.float32(REACH / (pixels + moved + SLACK_PX))
    for turn in range(SECTOR // 2, TURN, SECTOR):
        low, high = first[turn + degrees], first[turn + degrees + SECTOR]
        if low < high:
            start = first[turn]
            stop = first[turn + 2 * reach + 1]
            blocks = (stop - start + BLOCK - 1) // BLOCK
            c, s = np.float32(turns[0, turn]), np.float32(turns[1, turn])
            _cut(ax, ay, bx, c, -s, scale, start, blocks, columns)
            _cut(ay, ax, by, c, s, scale, start, blocks, rows)
            for q in range(low, high):
                bounds[q - begin] = _count_near(columns, rows, blocks, q - start)
    return bounds


@njit(cache=True, nogil=True)
def _diameter(minutiae: I32) -> float:
    """A distance, in pixels, that no two minutiae exceed: the diagonal of their box."""
    return float(np.hypot(np.ptp(minutiae[0]), np.ptp(minutiae[1])))


@njit(cache=True, nogil=True)
def _cut(
    along: F32, across: F32, other: F32, c: np.float32, s: np.float32, scale: np.float32,
    start: int, blocks: int, cells: U8,
) -> None:  # fmt: skip
    """Cells, along one axis, of what is left of b after taking away the turned a."""
    origin = np.float32(ORIGIN_PX)
    for p in range(np.uint64(blocks * BLOCK)):
        at = np.uint64(start) + p
        left_over = other[at] - (c * along[at] + s * across[at])
        cells[p] = np.uint8(np.int32((left_over + origin) * scale))


@njit(cache=True, nogil=True)
def _count_near(columns: U8, rows: U8, blocks: int, at: int) -> int:
    """How many pairs lie within REACH cells of one; 8 bits wide inside a block, for speed."""
    x, y, span = np.uint8(columns[at] - REACH), np.uint8(rows[at] - REACH), np.uint8(2 * REACH)
    near = 0
    for block in range(np.uint64(blocks)):
        found = np.uint8(0)
        for p in range(np.uint64(BLOCK)):
            i = block * np.uint64(BLOCK) + p
            is_near = (np.uint8(columns[i] - x) <= span) & (np.uint8(rows[i] - y) <= span)
            found = np.uint8(found + np.uint8(is_near))
        near += found
    return near


@njit(cache=True, nogil=True)
def _match(
    a: I32, b: I32, first: I64, left: I32, right: I32,
    at: int, best: int, pixels: float, degrees: int, turns: F64,
) -> int:  # fmt: skip
    """Maximum matching of one alignment; 0 where its edges are too few to exceed `best`.

    Distances come from whole numbers, so (a, b) and (b, a) give the same edges.
    """
    i, j = left[at], right[at]
    turn = (b[2, j] - a[2, i]) % TURN
    c, s = turns[0, turn], turns[1, turn]
    begin = turn + SECTOR // 2
    start, stop = first[begin], first[begin + 2 * degrees + 1]
    edges = np.empty((2, stop - start), dtype=np.int32)
    count = 0
    for p in range(start, stop):
        k, m = left[p], right[p]
        ux, uy = a[0, k] - a[0, i], a[1, k] - a[1, i]
        vx, vy = b[0, m] - b[0, j], b[1, m] - b[1, j]
        apart = ux * ux + uy * uy + vx * vx + vy * vy
        apart -= 2.0 * (c * (ux * vx + uy * vy) + s * (ux * vy - uy * vx))
        if apart <= pixels * pixels + 1e-6:
            edges[0, count], edges[1, count] = k, m
            count += 1
    if count <= best:
        return 0
    return maximum_matching(edges[:, :count], a.shape[1], b.shape[1])
