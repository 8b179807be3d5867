"""The same score without an engine: one applicant in plain Python, or a sample in arrays."""

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.credit.calibration import default_probability
from pipelines.credit.errors import ScoringError
from pipelines.credit.samples import I64, Sample, is_missing
from pipelines.credit.scorecard import CardFeature, Scale, Scorecard


@dataclass(frozen=True)
class Reason:
    """What cost points: code and feature, the bin the applicant is in, points below the best."""

    code: str
    feature: str
    bin: str
    shortfall: int


@dataclass(frozen=True)
class Scored:
    """A score; `raw_score = max_points - shortfalls - other_shortfall`, exact in integers."""

    score: int
    raw_score: int
    max_points: int
    other_shortfall: int
    pd: float
    risk_category: str
    reasons: tuple[Reason, ...]


def score_row(card: Scorecard, row: Mapping[str, Any]) -> Scored:
    """Score one applicant.

    Args:
        card: the scorecard.
        row: value of each feature; None is missing.

    Raises:
        ScoringError: NOT_FINITE, UNSEEN_CATEGORY or MISSING_NOT_BINNED, with the feature.
    """
    losses = []
    for i, feature in enumerate(card.features):
        found = feature.bins[find_bin(feature, row[feature.name])]
        losses.append((feature.max_points - found.points, -i, feature, found.label))
    losses.sort(key=lambda one: one[:2], reverse=True)
    told = [one for one in losses[: card.scale.reasons] if one[0] > 0]
    lost, shown = sum(one[0] for one in losses), sum(one[0] for one in told)
    raw = card.max_points - lost
    score = min(card.scale.highest, max(card.scale.lowest, raw))
    return Scored(
        score, raw, card.max_points, lost - shown, default_probability(card.calibration, raw),
        risk_category(card.scale, score),
        tuple(Reason(f.code, f.name, label, loss) for loss, _, f, label in told),
    )  # fmt: skip


def find_bin(feature: CardFeature, value: Any) -> int:
    """Number of the bin of a value.

    Raises:
        ScoringError: there is none.
    """
    if value is None:
        if feature.missing_bin is None:
            raise ScoringError("MISSING_NOT_BINNED", feature.name, value)
        return feature.missing_bin
    if feature.kind == "category":
        for i, one in enumerate(feature.bins):
            if value in one.categories:
                return i
        raise ScoringError("UNSEEN_CATEGORY", feature.name, value)
    if isinstance(value, str | bool) or not math.isfinite(value):
        raise ScoringError("NOT_FINITE", feature.name, value)
    return bisect_right(feature.cuts, value)


def risk_category(scale: Scale, score: int) -> str:
    """Band of a shown score."""
    return next(name for least, name in scale.bands if score >= least)


def card_scores(card: Scorecard, sample: Sample) -> I64:
    """Raw scores of a sample [n]; a value without a bin gets no points, as out of fold."""
    total = np.full(len(sample), card.base_points, dtype=np.int64)
    for feature in card.features:
        values = sample.columns[feature.name]
        absent = is_missing(values)
        points = np.array([one.points for one in feature.bins if not one.is_missing])
        part = np.zeros(len(sample), dtype=np.int64)
        if feature.kind == "number":
            part[~absent] = points[np.searchsorted(feature.cuts, values[~absent], side="right")]
        else:
            of = {name: one.points for one in feature.bins for name in one.categories}
            part[~absent] = [of.get(str(value), 0) for value in values[~absent]]
        if feature.missing_bin is not None:
            part[absent] = feature.bins[feature.missing_bin].points
        total += part
    return total
