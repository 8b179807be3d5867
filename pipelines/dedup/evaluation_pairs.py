"""Pair-level figures: candidates per key family, threshold curves, and estimates without labels."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.core.errors import ConfigError
from pipelines.dedup.evaluation_metrics import Rate, ratio

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class FamilyCompleteness:
    """Candidate pairs of one key family; `only` counts true pairs that no other family saw."""

    pairs: int
    only: int
    completeness: Rate


def family_completeness(
    is_true: Bools, families: Mapping[str, Bools], true_pairs: int
) -> dict[str, FamilyCompleteness]:
    """Pair completeness per key family, and of all together under the name `all`.

    Args:
        is_true: whether each distinct candidate pair is one person, shape [pairs].
        families: family -> whether it saw the pair, shape [pairs].
        true_pairs: true pairs in the file, candidates or not.
    """
    views = np.sum(list(families.values()), axis=0, dtype=np.int64) if families else None
    seen = {**families, "all": np.ones(len(is_true), dtype=np.bool_)}
    table = {}
    for name, saw in seen.items():
        found = saw & is_true
        lone = found if name == "all" else found & (views == 1)
        completeness = Rate(int(found.sum()), true_pairs)
        table[name] = FamilyCompleteness(int(saw.sum()), int(lone.sum()), completeness)
    return table


def all_pairs(records: int) -> int:
    """Pairs of distinct records, N(N-1)/2."""
    return records * (records - 1) // 2


def reduction_ratio(candidates: int, records: int) -> float | None:
    """Share of all pairs that were never compared; None for fewer than two records."""
    share = ratio(candidates, all_pairs(records))
    return None if share is None else 1 - share


def expected_duplicates(prior: float, records: int) -> float:
    """Duplicate pairs in all that the model expects: λ N(N-1)/2."""
    return prior * all_pairs(records)


def chapman(first: int, second: int, shared: int) -> float:
    """Estimate the matched pairs in all from two catches (Chapman 1951).

    Args:
        first, second: matched pairs that each of two key families saw.
        shared: matched pairs that both saw.

    Raises:
        ConfigError: more shared pairs than one family has.
    """
    if not 0 <= shared <= min(first, second):
        raise ConfigError(f"chapman: {shared} shared pairs, but {first} and {second} in all")
    return (first + 1) * (second + 1) / (shared + 1) - 1


def chapman_recall(first: Bools, second: Bools) -> float | None:
    """Candidate recall without labels: matched pairs seen by either, over Chapman's estimate.

    Args:
        first, second: whether each matched pair was seen by the family, shape [pairs].
    """
    estimate = chapman(int(first.sum()), int(second.sum()), int((first & second).sum()))
    return ratio(int((first | second).sum()), estimate)


@dataclass(frozen=True)
class ThresholdCurve:
    """Figures of the pairs that score at least each threshold; NaN stands for 0/0."""

    threshold: F64
    pairs: I64
    precision: F64
    recall: F64
    f1: F64

    def rows(self) -> list[dict[str, float | None]]:
        """One plain row per threshold, with None for 0/0."""
        names = ("threshold", "pairs", "precision", "recall", "f1")
        columns = [getattr(self, name).tolist() for name in names]
        rows = (dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True))
        return [{name: None if v != v else v for name, v in row.items()} for row in rows]


def threshold_curve(
    scores: F64, truth: npt.ArrayLike, true_pairs: float, thresholds: F64,
    weights: F64 | None = None,
) -> ThresholdCurve:  # fmt: skip
    """Precision, recall and F1 of the scored pairs, as the threshold moves.

    Args:
        scores: score or posterior of each pair, shape [pairs].
        truth: 1 for a true pair, 0 else; without labels the posteriors give expected values.
        true_pairs: true pairs in the file; those that are no candidate count as missed.
        thresholds: in any unit the scores have, shape [points].
        weights: record pairs that each pair stands for; one where None.
    """
    order = np.argsort(-scores, kind="stable")
    weight = np.ones(len(scores)) if weights is None else weights[order]
    hits = weight * np.asarray(truth, dtype=np.float64)[order]
    found = np.searchsorted(-scores[order], -thresholds, side="right")
    pairs: F64 = np.append(0.0, np.cumsum(weight))[found]
    true: F64 = np.append(0.0, np.cumsum(hits))[found]
    return ThresholdCurve(
        threshold=thresholds,
        pairs=np.rint(pairs).astype(np.int64),
        precision=_divide(true, pairs),
        recall=_divide(true, np.full(len(true), true_pairs)),
        f1=_divide(2 * true, pairs + true_pairs),
    )


def threshold_for_precision(scores: F64, truth: npt.ArrayLike, target: float) -> float | None:
    """Return the lowest score from which on the precision reaches a target.

    Args:
        scores, truth: as in `threshold_curve`.
        target: precision wanted, in (0, 1].

    Returns:
        A score of one of the pairs; None if no threshold reaches the target.
    """
    points = np.unique(scores)
    curve = threshold_curve(scores, truth, 0, points)
    reached = np.flatnonzero(curve.precision >= target)
    return float(points[reached[0]]) if reached.size else None


def _divide(part: F64, whole: npt.NDArray[np.generic]) -> F64:
    safe = whole.astype(np.float64)
    return np.divide(part, safe, out=np.full(len(safe), np.nan), where=safe > 0)
