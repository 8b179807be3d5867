"""How well scores tell defaults from goods, from the counts by raw score alone.

Scores are integers, so a table of a few hundred rows holds all there is to know, whatever the
number of applications; nothing here is estimated from bins, and the clipped score is never used.
"""

from dataclasses import dataclass

import numpy as np

from pipelines.credit.calibration import Calibration, default_probability
from pipelines.credit.samples import F64, I64


@dataclass(frozen=True)
class ScoreCounts:
    """Goods and bads by raw score, scores rising [n]."""

    scores: I64
    good: I64
    bad: I64

    @property
    def rows(self) -> int:
        """Labelled applications."""
        return int(self.good.sum() + self.bad.sum())


@dataclass(frozen=True)
class CalibrationBin:
    """Applications of similar probability: rows, mean probability, and share that defaulted."""

    rows: int
    predicted: float
    observed: float


def count_scores(raw_scores: I64, is_bad: I64) -> ScoreCounts:
    """Counts of single applications."""
    scores, place = np.unique(raw_scores, return_inverse=True)
    bad = np.bincount(place, weights=is_bad, minlength=len(scores)).astype(np.int64)
    return ScoreCounts(scores, np.bincount(place, minlength=len(scores)) - bad, bad)


def auc(counts: ScoreCounts) -> float | None:
    """Chance that a good application scores above a bad one, ties one half (Hanley 1982)."""
    goods, bads = int(counts.good.sum()), int(counts.bad.sum())
    if not goods or not bads:
        return None
    bad_below = np.cumsum(counts.bad) - counts.bad
    # Twice the number of pairs won is a whole number: exact for any size.
    won_twice = sum(
        int(g) * (2 * int(below) + int(b))
        for g, b, below in zip(counts.good, counts.bad, bad_below, strict=True)
    )
    return won_twice / (2 * goods * bads)


def gini(counts: ScoreCounts) -> float | None:
    """`2 AUC - 1`."""
    area = auc(counts)
    return None if area is None else 2 * area - 1


def curve(counts: ScoreCounts) -> tuple[F64, F64]:
    """Cumulative shares of goods and bads up to each score [n]."""
    goods, bads = max(int(counts.good.sum()), 1), max(int(counts.bad.sum()), 1)
    return np.cumsum(counts.good) / goods, np.cumsum(counts.bad) / bads


def ks(counts: ScoreCounts) -> float | None:
    """Largest distance between the cumulative shares (Kolmogorov 1933; Smirnov 1939)."""
    if auc(counts) is None:
        return None
    good, bad = curve(counts)
    return float(np.abs(bad - good).max())


def probabilities(counts: ScoreCounts, calibration: Calibration) -> F64:
    """Probability of default at each score [n]."""
    return np.array([default_probability(calibration, int(s)) for s in counts.scores])


def brier(counts: ScoreCounts, calibration: Calibration) -> float | None:
    """Mean squared error of the probability (Brier 1950)."""
    if not counts.rows:
        return None
    p = probabilities(counts, calibration)
    return float((counts.bad * (1 - p) ** 2 + counts.good * p**2).sum() / counts.rows)


def calibration_bins(
    counts: ScoreCounts, calibration: Calibration, bins: int = 10
) -> list[CalibrationBin]:
    """About equally large groups by rising probability; equal scores stay together."""
    rows = counts.good + counts.bad
    if not counts.rows:
        return []
    p = probabilities(counts, calibration)
    order = np.argsort(p, kind="stable")
    middle = np.cumsum(rows[order]) - rows[order] / 2
    group = np.minimum((middle * bins / counts.rows).astype(np.int64), bins - 1)
    made = []
    for number in np.unique(group):
        part = order[group == number]
        n = int(rows[part].sum())
        mean = float((rows[part] * p[part]).sum() / n)
        made.append(CalibrationBin(n, mean, float(counts.bad[part].sum() / n)))
    return made


def expected_calibration_error(bins: list[CalibrationBin]) -> float | None:
    """Mean distance between predicted and observed shares, weighted by rows (Naeini 2015)."""
    total = sum(one.rows for one in bins)
    if not total:
        return None
    return sum(one.rows * abs(one.predicted - one.observed) for one in bins) / total
