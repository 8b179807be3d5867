"""Blocking keys of fingers: triplets of neighbouring minutiae (Germain, Califano, Colville 1997).

A triplet is a minutia with two of its nearest neighbours. Rotation and translation leave its
description alone: for each corner the length of the side across, the direction of the minutia seen
from the centroid, and the type, in steps; sorted, with the sense in which the sorted corners run.
Two captures of a finger share triplets, strangers hardly any, so a pair needs votes: a few shared
keys over all fingers.

Keys are the triplets themselves, or MinHash values of their set (Broder 1997), a fixed number per
finger, of which a pair with Jaccard similarity J shares each with probability J.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from pipelines.dedup.finger_alignment import I32
from pipelines.dedup.fingers import U8, unpack_minutiae
from pipelines.dedup.hashing import fold, splitmix64
from pipelines.dedup.templates import EYES, FINGERS, I64, U64, Templates

Bool = npt.NDArray[np.bool_]
F64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FingerKeySettings:
    """How fingers make keys.

    Attributes:
        keys: MinHash keys per finger; 0 = every triplet is a key.
        neighbours: nearest minutiae that a minutia forms triplets with.
        side_step: width of a step of side lengths, pixels.
        angle_step: width of a step of directions, degrees, a divisor of 360.
    """

    keys: int = 0
    neighbours: int = 5
    side_step: float = 12.0
    angle_step: float = 30.0


def finger_keys(
    templates: Templates,
    seed: int,
    settings: FingerKeySettings | None = None,
    is_index: Bool | None = None,
) -> tuple[I32, U64, Bool]:
    """Keys of a batch.

    Args:
        templates: the records.
        seed: of the hash functions.
        settings: how keys are made.
        is_index: records whose keys are index keys, [records]; the others only ask (probe keys
            never make a pair among themselves). None = all.

    Returns:
        row int32, key uint64 and is_probe, one entry per key, by finger and row; a key stands
        once per record and finger.
    """
    settings = settings or FingerKeySettings()
    rows, keys = [], []
    for position in templates.present_fingers():
        owner, found = _position_keys(templates, position, settings, seed)
        rows.append(owner)
        keys.append(found)
    row = np.concatenate([*rows, np.zeros(0, dtype=np.int32)]).astype(np.int32)
    key = np.concatenate([*keys, np.zeros(0, dtype=np.uint64)])
    is_probe = np.zeros(len(row), dtype=np.bool_) if is_index is None else ~is_index[row]
    return row, key, is_probe


def lacks_good_irises(templates: Templates, informative: int = 40) -> Bool:
    """Records that iris keys may miss: an iris is absent, or its quality is below informative."""
    return np.asarray((templates.quality[:, EYES] < informative).any(axis=1))


def _position_keys(
    templates: Templates, position: int, settings: FingerKeySettings, seed: int
) -> tuple[I32, U64]:
    """Row and key of one finger position."""
    rows = np.flatnonzero(templates.quality[:, position] >= 0)
    edges, triplets = _triplets_of_fingers(
        templates.words, templates.body_words(position, rows), templates.counts[rows, position],
        settings.neighbours, settings.side_step, settings.angle_step,
    )  # fmt: skip
    salt = np.uint64(FINGERS.index(position))
    mixed = splitmix64(triplets)
    if settings.keys:
        numbers = np.arange(settings.keys, dtype=np.uint64)
        factors = fold(seed, [np.full_like(numbers, salt), np.uint64(2) * numbers]) | np.uint64(1)
        offsets = fold(seed, [np.full_like(numbers, salt), np.uint64(2) * numbers + np.uint64(1)])
        rows, mixed = _least_hashes(rows, edges, mixed, factors, offsets)
    else:
        rows = np.repeat(rows, np.diff(edges))
    return rows.astype(np.int32), fold(seed, [np.full_like(mixed, salt), mixed])


@njit(cache=True, nogil=True)
def _least_hashes(rows: I64, edges: I64, mixed: U64, factors: U64, offsets: U64) -> tuple[I64, U64]:
    """Numbered minima of each hash function over each finger's triplets, by finger."""
    size = len(factors)
    owner = np.empty(len(rows) * size, dtype=np.int64)
    least = np.empty(len(rows) * size, dtype=np.uint64)
    count = 0
    for finger in range(len(rows)):
        if edges[finger] == edges[finger + 1]:
            continue
        for k in range(size):
            low = np.uint64(0xFFFFFFFFFFFFFFFF)
            for e in range(edges[finger], edges[finger + 1]):
                low = min(low, (factors[k] * mixed[e] + offsets[k]) >> np.uint64(32))
            owner[count] = rows[finger]
            least[count] = low | np.uint64(k) << np.uint64(32)
            count += 1
    return owner[:count], least[:count]


@njit(cache=True, nogil=True)
def _triplets_of_fingers(
    words: U64, bodies: I64, counts: U8, neighbours: int, side_step: float, angle_step: float
) -> tuple[I64, U64]:
    """Distinct triplets of each finger, end to end, and where each finger's begin."""
    per_minutia = neighbours * (neighbours - 1) // 2
    most = counts.astype(np.int64).sum() * per_minutia
    triplets = np.empty(most, dtype=np.uint64)
    edges = np.zeros(len(bodies) + 1, dtype=np.int64)
    for finger in range(len(bodies)):
        minutiae = unpack_minutiae(words, bodies[finger], counts[finger])
        found = _triplets(minutiae, neighbours, side_step, angle_step)
        edges[finger + 1] = edges[finger] + len(found)
        triplets[edges[finger] : edges[finger + 1]] = found
    return edges, triplets[: edges[-1]]


@njit(cache=True, nogil=True)
def _triplets(minutiae: I32, neighbours: int, side_step: float, angle_step: float) -> U64:
    """Distinct triplet codes of one finger, ascending."""
    near, is_near = _nearest(minutiae, neighbours)
    size, count = near.shape[1], 0
    codes = np.empty(near.shape[0] * size * max(size - 1, 0) // 2, dtype=np.uint64)
    for i in range(near.shape[0]):
        for a in range(size):
            for b in range(a):
                j, k = near[i, a], near[i, b]
                is_known = j < i and is_near[j, i] and is_near[j, k]
                is_known |= k < i and is_near[k, i] and is_near[k, j]
                if not is_known:
                    codes[count] = _describe(minutiae, i, j, k, side_step, angle_step)
                    count += 1
    distinct: U64 = np.unique(codes[:count])
    return distinct


@njit(cache=True, nogil=True)
def _nearest(minutiae: I32, neighbours: int) -> tuple[I64, Bool]:
    """The nearest minutiae of each [n, neighbours], ties by order, and the same as a relation."""
    size = minutiae.shape[1]
    most = min(neighbours, max(size - 1, 0))
    near, is_near = np.zeros((size, most), dtype=np.int64), np.zeros((size, size), dtype=np.bool_)
    far = np.empty(most + 1, dtype=np.int64)
    for i in range(size):
        far[:] = np.iinfo(np.int64).max
        for j in range(size):
            dx = np.int64(minutiae[0, j] - minutiae[0, i])
            dy = np.int64(minutiae[1, j] - minutiae[1, i])
            distance = (dx * dx + dy * dy) * size + j
            place = most
            while i != j and place > 0 and far[place - 1] > distance:
                far[place] = far[place - 1]
                place -= 1
            if i != j:
                far[place] = distance
        for place in range(most):
            near[i, place] = far[place] % size
            is_near[i, near[i, place]] = True
    return near, is_near


@njit(cache=True, nogil=True)
def _describe(
    minutiae: I32, i: int, j: int, k: int, side_step: float, angle_step: float
) -> np.uint64:
    """Code of a triplet: three sorted corners of 20 bits and the sense they run in."""
    x = (minutiae[0, i] + minutiae[0, j] + minutiae[0, k]) / 3.0
    y = (minutiae[1, i] + minutiae[1, j] + minutiae[1, k]) / 3.0
    p = _corner(minutiae, i, j, k, x, y, side_step, angle_step)
    q = _corner(minutiae, j, k, i, x, y, side_step, angle_step)
    r = _corner(minutiae, k, i, j, x, y, side_step, angle_step)
    cross = (minutiae[0, j] - minutiae[0, i]) * (minutiae[1, k] - minutiae[1, i])
    cross -= (minutiae[1, j] - minutiae[1, i]) * (minutiae[0, k] - minutiae[0, i])
    low, high = min(p, q, r), max(p, q, r)
    middle = p + q + r - low - high
    runs_on = (p < q < r) or (q < r < p) or (r < p < q)
    runs_back = (r < q < p) or (q < p < r) or (p < r < q)
    sense = (cross > 0 and runs_on) or (cross < 0 and runs_back)
    return np.uint64(((low << 40 | middle << 20 | high) << 1) | np.int64(sense))


@njit(cache=True, nogil=True)
def _corner(
    minutiae: I32, at: int, d: int, e: int, x: float, y: float, side_step: float, angle_step: float
) -> int:
    """Code of one corner: steps of the side across and of the direction, and the type."""
    dx, dy = minutiae[0, d] - minutiae[0, e], minutiae[1, d] - minutiae[1, e]
    side = int(np.sqrt(np.float64(dx * dx + dy * dy)) / side_step)
    outward = np.rad2deg(np.arctan2(minutiae[1, at] - y, minutiae[0, at] - x))
    direction = minutiae[2, at] - outward
    direction += 360.0 if direction < 0.0 else 0.0
    direction -= 360.0 if direction >= 360.0 else 0.0
    step = np.int64(direction / angle_step)
    return int((min(side, 1023) << 10) | (step << 1) | minutiae[3, at])
