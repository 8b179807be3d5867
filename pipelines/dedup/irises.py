"""Comparison of iris codes: masked Hamming distance, best of column shifts, renormalised.

A code is 16 rings x 128 columns; turning the head shifts the columns of every ring alike, round and
round. The distance at a shift is the share of differing bits among those usable in both; the best
shift counts. It is then drawn towards .5 when it rests on few bits, .5 - (.5 - HD) sqrt(n / 1659)
(Daugman 2004), so that a good score by few bits does not pass for a good score.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit, types
from numba.extending import intrinsic

from pipelines.core.errors import ConfigError
from pipelines.dedup.templates import EYES, I64, IRIS_BYTES, IRIS_WORDS, U64, Templates

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int8]


@dataclass(frozen=True)
class IrisSettings:
    """How iris codes are compared.

    Attributes:
        shifts: columns tried each way, below 64.
        usable_share: a shift with a smaller share of usable bits gives no distance.
        reference_bits: usable bits at which renormalising changes nothing.
        cuts: distances under which the next level starts, descending.
        informative: levels 0 and 1 are null where a quality is below (a bad capture is no
            evidence of difference).
    """

    shifts: int = 8
    usable_share: float = 0.5
    reference_bits: int = 1659
    cuts: tuple[float, ...] = (0.40, 0.36, 0.32, 0.25)
    informative: int = 40

    def __post_init__(self) -> None:
        """Refuse settings that the kernel cannot follow."""
        if not 0 <= self.shifts < 64:
            raise ConfigError(f"captures.iris_shifts is {self.shifts}; set it to 0..63")
        if list(self.cuts) != sorted(self.cuts, reverse=True):
            raise ConfigError(f"captures.iris_levels {self.cuts} must descend")


def iris_distance(
    left: tuple[bytes, bytes], right: tuple[bytes, bytes], settings: IrisSettings | None = None
) -> float | None:
    """Distance of two irises, each (code, mask); None when too few bits are usable.

    Raises:
        ValueError: a code or mask is not 256 bytes long.
    """
    settings = settings or IrisSettings()
    for side, pair in (("left", left), ("right", right)):
        if any(len(part) != IRIS_BYTES for part in pair):
            raise ValueError(
                f"{side} iris code has {len(pair[0])} bytes and its mask {len(pair[1])}; "
                f"both must have {IRIS_BYTES}"
            )
    words = np.frombuffer(b"".join(left + right), dtype=np.uint64)
    body = np.zeros(1, dtype=np.int64)
    found = _distances(words, body, words, body + 2 * IRIS_WORDS, *_kernel_settings(settings))
    return None if found[0] < 0 else float(found[0])


def compare_irises(
    left: Templates,
    right: Templates,
    left_rows: I64,
    right_rows: I64,
    settings: IrisSettings | None = None,
    positions: Sequence[int] = EYES,
) -> tuple[I8, F32]:
    """Levels and distances of pairs of records.

    Args:
        left: templates of the left records.
        right: templates of the right records (may be the same object).
        left_rows: [pairs], row of the left record.
        right_rows: [pairs], row of the right record.
        settings: shifts, cuts and quality rule.
        positions: eyes to compare, right eye first.

    Returns:
        levels int8 [pairs, eyes] (0 = distance at or above the first cut; -1 = null: absent on one
        side, too few usable bits, or no evidence), distances float32 [pairs, eyes] (-1 = none).
    """
    settings = settings or IrisSettings()
    shape = (len(left_rows), len(positions))
    levels = np.full(shape, -1, dtype=np.int8)
    distances = np.full(shape, -1, dtype=np.float32)
    cuts = np.asarray(settings.cuts) - 1e-12
    for column, eye in enumerate(positions):
        found = _distances(
            left.words, left.body_words(eye, left_rows),
            right.words, right.body_words(eye, right_rows), *_kernel_settings(settings),
        )  # fmt: skip
        level = (found[:, None] < cuts).sum(axis=1)
        quality = np.minimum(left.quality[left_rows, eye], right.quality[right_rows, eye])
        null = (found < 0) | ((level <= 1) & (quality < settings.informative))
        levels[:, column] = np.where(null, -1, level)
        distances[:, column] = found
    return levels, distances


def _kernel_settings(settings: IrisSettings) -> tuple[int, int, float]:
    least = int(np.ceil(settings.usable_share * IRIS_BYTES * 8))
    return settings.shifts, least, float(settings.reference_bits)


@intrinsic
def _ones(typing_context: Any, word: Any = None) -> Any:
    """Set bits of a 64-bit word, by the instruction of the processor."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), build


@njit(cache=True, nogil=True)
def _distances(
    left: U64, left_bodies: I64, right: U64, right_bodies: I64,
    shifts: int, least: int, reference: float,
) -> F64:  # fmt: skip
    """Renormalised distance of each pair of bodies; -1 = none."""
    distances = np.full(len(left_bodies), -1.0)
    for pair in range(len(left_bodies)):
        if left_bodies[pair] < 0 or right_bodies[pair] < 0:
            continue
        differing, usable = _best_shift(
            left, np.uint64(left_bodies[pair]), right, np.uint64(right_bodies[pair]), shifts, least
        )
        if usable > 0:
            drawn = np.sqrt(usable / reference)
            distances[pair] = max(0.0, 0.5 - (0.5 - differing / usable) * drawn)
    return distances


@njit(cache=True, nogil=True)
def _best_shift(
    left: U64, a: np.uint64, right: U64, b: np.uint64, shifts: int, least: int
) -> tuple[np.int64, np.int64]:
    """Differing and usable bits at the shift of the least share, the more usable bits on a tie."""
    best, best_usable = np.int64(1), np.int64(0)
    for step in range(2 * shifts + 1):
        shift = np.uint64((step + 1) // 2)
        if step % 2:
            differing, usable = _count(left, a, right, b, shift)
        else:
            differing, usable = _count(right, b, left, a, shift)
        if usable < least:
            continue
        gain = best * usable - differing * best_usable if best_usable else 1
        if gain > 0 or (gain == 0 and usable > best_usable):
            best, best_usable = differing, usable
    return best, best_usable


@njit(cache=True, nogil=True)
def _count(
    fixed: U64, f: np.uint64, turned: U64, t: np.uint64, shift: np.uint64
) -> tuple[np.int64, np.int64]:
    """Differing and usable bits when the second code is turned by some columns."""
    differing, usable = np.uint64(0), np.uint64(0)
    words, back = np.uint64(IRIS_WORDS), np.uint64(64) - shift
    for ring in range(np.uint64(IRIS_WORDS // 2)):
        low = ring + ring
        high = low + np.uint64(1)
        code_low, code_high = turned[t + low], turned[t + high]
        mask_low, mask_high = turned[t + words + low], turned[t + words + high]
        if shift:
            code_low, code_high = (
                (code_low << shift) | (code_high >> back),
                (code_high << shift) | (code_low >> back),
            )
            mask_low, mask_high = (
                (mask_low << shift) | (mask_high >> back),
                (mask_high << shift) | (mask_low >> back),
            )
        mask_low &= fixed[f + words + low]
        mask_high &= fixed[f + words + high]
        usable += _ones(mask_low) + _ones(mask_high)
        differing += _ones((code_low ^ fixed[f + low]) & mask_low)
        differing += _ones((code_high ^ fixed[f + high]) & mask_high)
    return np.int64(differing), np.int64(usable)
