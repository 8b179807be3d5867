"""Comparison of fingers: similarity of minutiae, and its levels for pairs of records.

An alignment maps one minutia onto one of the other set of the same type: rotation by the
difference of their angles, then translation. Under it two minutiae may match when they have the
same type, lie within 10 px and differ by at most 30 degrees (given; inclusive, angles wrapped);
its matches are a maximum one-to-one matching. Similarity = most matches over all alignments,
divided by the larger number of minutiae: symmetric, free of rotation and translation.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from pipelines.core.errors import ConfigError
from pipelines.dedup.finger_alignment import F32, F64, I32, most_matches, turn_table
from pipelines.dedup.templates import I64, LARGEST_COORDINATE, U64, Templates

I8 = npt.NDArray[np.int8]
U8 = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class FingerSettings:
    """How fingers are compared.

    Attributes:
        pixels: largest distance of a match.
        degrees: largest difference of angles of a match, below 180.
        cuts: similarities at which the next level starts, ascending.
        informative: levels 0 and 1 are null where a quality is below (a bad capture is no
            evidence of difference).
        floor: similarities below are not worked out and given as 0; level 0 needs none. 0 works
            out every similarity, at five times the cost for strangers.
    """

    pixels: float = 10.0
    degrees: int = 30
    cuts: tuple[float, ...] = (0.20, 0.30, 0.45, 0.60)
    informative: int = 40
    floor: float = 0.20

    def __post_init__(self) -> None:
        """Refuse settings under which levels would be wrong."""
        if list(self.cuts) != sorted(self.cuts) or self.floor > min(self.cuts):
            raise ConfigError(
                f"captures.finger_levels {self.cuts} must ascend from at least floor {self.floor}"
            )
        if not 0 <= self.degrees < 180:
            raise ConfigError(f"captures.tolerance_degrees is {self.degrees}; set it to 0..179")

    @property
    def tolerances(self) -> tuple[float, int]:
        """Pixels and degrees, as the kernels are compiled for."""
        return float(self.pixels), int(self.degrees)


def similarity(
    left: npt.ArrayLike, right: npt.ArrayLike, settings: FingerSettings | None = None
) -> float:
    """Similarity of two sets of minutiae, 0..1; 0 when either is empty.

    Args:
        left: rows of x, y (whole pixels), angle (whole degrees), type (0 ending, 1 bifurcation).
        right: the same.
        settings: tolerances.

    Raises:
        ValueError: not four columns, an unknown type, or minutiae over 2,047 pixels apart.
    """
    settings = settings or FingerSettings()
    a, b = _checked(left), _checked(right)
    if not a.shape[1] or not b.shape[1]:
        return 0.0
    matches = most_matches(a, b, 1, *settings.tolerances, turn_table())
    return float(matches / max(a.shape[1], b.shape[1]))


def _checked(minutiae: npt.ArrayLike) -> I32:
    values = np.asarray(minutiae, dtype=np.int32)
    values = values.reshape(0, 4) if values.size == 0 else values
    if values.ndim != 2 or values.shape[1] != 4:
        raise ValueError(f"minutiae have shape {values.shape}; rows of x, y, angle, type expected")
    if len(values) and np.ptp(values[:, :2], axis=0).max() > LARGEST_COORDINATE:
        raise ValueError(f"minutiae are more than {LARGEST_COORDINATE} pixels apart")
    if not np.isin(values[:, 3], (0, 1)).all():
        raise ValueError("type of a minutia must be 0 (ending) or 1 (bifurcation)")
    values[:, 2] %= 360
    return np.ascontiguousarray(values.T)


def compare_fingers(
    left: Templates,
    right: Templates,
    left_rows: I64,
    right_rows: I64,
    positions: Sequence[int],
    settings: FingerSettings | None = None,
) -> tuple[I8, F32]:
    """Levels and similarities of pairs of records.

    Args:
        left: templates of the left records.
        right: templates of the right records (may be the same object).
        left_rows: [pairs], row of the left record.
        right_rows: [pairs], row of the right record.
        positions: finger positions to compare (indexes of POSITIONS).
        settings: tolerances, cuts and quality rule.

    Returns:
        levels int8 [pairs, positions] (0 = below the first cut; -1 = null: absent on one side, or
        no evidence), similarities float32 [pairs, positions] (-1 = absent on one side).
    """
    settings = settings or FingerSettings()
    shape = (len(left_rows), len(positions))
    levels = np.full(shape, -1, dtype=np.int8)
    similarities = np.full(shape, -1, dtype=np.float32)
    turns = turn_table()
    for column, position in enumerate(positions):
        matches, larger = _matches_of_pairs(
            left.words, left.body_words(position, left_rows), left.counts[left_rows, position],
            right.words, right.body_words(position, right_rows), right.counts[right_rows, position],
            float(settings.floor), *settings.tolerances, turns,
        )  # fmt: skip
        share = matches / np.maximum(larger, 1)
        present = matches >= 0
        found = np.searchsorted(settings.cuts, share + 1e-9, side="right").astype(np.int8)
        quality = np.minimum(left.quality[left_rows, position], right.quality[right_rows, position])
        null = ~present | ((found <= 1) & (quality < settings.informative))
        levels[:, column] = np.where(null, -1, found)
        similarities[:, column] = np.where(present, share, -1)
    return levels, similarities


@njit(cache=True, nogil=True)
def _matches_of_pairs(
    left_words: U64, left_bodies: I64, left_counts: U8,
    right_words: U64, right_bodies: I64, right_counts: U8,
    floor: float, pixels: float, degrees: int, turns: F64,
) -> tuple[I32, I32]:  # fmt: skip
    """Most matches [pairs] (-1 = absent on one side) and the larger number of minutiae [pairs]."""
    matches = np.full(len(left_bodies), -1, dtype=np.int32)
    larger = np.zeros(len(left_bodies), dtype=np.int32)
    for pair in range(len(left_bodies)):
        if left_bodies[pair] < 0 or right_bodies[pair] < 0:
            continue
        a = unpack_minutiae(left_words, left_bodies[pair], left_counts[pair])
        b = unpack_minutiae(right_words, right_bodies[pair], right_counts[pair])
        larger[pair] = max(a.shape[1], b.shape[1])
        least = max(1, int(np.ceil(floor * larger[pair] - 1e-9)))
        matches[pair] = most_matches(a, b, least, pixels, degrees, turns)
    return matches, larger


@njit(cache=True, nogil=True)
def unpack_minutiae(words: U64, body: int, count: int) -> I32:
    """Minutiae of one capture, int32 [4, count]: x, y, angle, type."""
    minutiae = np.empty((4, np.int64(count)), dtype=np.int32)
    for i in range(np.int64(count)):
        value = np.int64(words[body + i // 2] >> np.uint64(32 * (i % 2))) & 0xFFFFFFFF
        minutiae[0, i] = value & 2047
        minutiae[1, i] = value >> 11 & 2047
        minutiae[2, i] = value >> 22 & 511
        minutiae[3, i] = value >> 31
    return minutiae
