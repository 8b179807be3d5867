"""A gradient-boosted challenger (xgboost) on the same sample: what does the scorecard give away?

It trains on the driver with one thread, so the same sample gives the same trees; nothing of it is
used for scores, and promotion is a decision of people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pipelines.core.boosting import load_xgboost
from pipelines.credit.catalog import FeatureSpec
from pipelines.credit.config import ChallengerSettings
from pipelines.credit.metrics import auc, count_scores, ks
from pipelines.credit.samples import F64, I64, Sample


@dataclass(frozen=True)
class Comparison:
    """Champion and challenger on rows neither was fitted on.

    Attributes:
        rows: compared rows.
        champion, challenger: AUC of each.
        champion_ks, challenger_ks: KS of each.
        low, high: 95 % interval of the AUC difference, challenger minus champion, paired bootstrap.
    """

    rows: int
    champion: float
    challenger: float
    champion_ks: float
    challenger_ks: float
    low: float
    high: float

    @property
    def difference(self) -> float:
        """AUC of the challenger minus that of the champion."""
        return self.challenger - self.champion


@dataclass(frozen=True)
class Challenger:
    """A trained challenger."""

    booster: Any
    specs: tuple[FeatureSpec, ...]
    levels: dict[str, tuple[str, ...]]

    def predict(self, sample: Sample) -> F64:
        """Probability of default [n]."""
        xgb = load_xgboost()
        frame = _frame(sample, self.specs, self.levels)
        found: F64 = self.booster.predict(xgb.DMatrix(frame, enable_categorical=True))
        return found.astype(np.float64)


def train_challenger(
    sample: Sample, specs: Sequence[FeatureSpec], settings: ChallengerSettings, seed: int
) -> Challenger:
    """Boost trees on the features of the scorecard's candidates; absent values stay absent."""
    xgb = load_xgboost()
    levels = {
        spec.name: tuple(sorted({str(v) for v in sample.columns[spec.name] if v is not None}))
        for spec in specs
        if spec.kind == "category"
    }
    data = xgb.DMatrix(_frame(sample, specs, levels), label=sample.is_bad, enable_categorical=True)
    parameters = {
        "objective": "binary:logistic", "max_depth": settings.depth, "eta": settings.rate,
        "nthread": 1, "seed": seed, "tree_method": "hist", "verbosity": 0,
    }  # fmt: skip
    booster = xgb.train(parameters, data, num_boost_round=settings.trees)
    return Challenger(booster, tuple(specs), levels)


def _frame(
    sample: Sample, specs: Sequence[FeatureSpec], levels: dict[str, tuple[str, ...]]
) -> pd.DataFrame:
    columns = {}
    for spec in specs:
        values = sample.columns[spec.name]
        if spec.kind == "category":
            columns[spec.name] = pd.Categorical(values, categories=levels[spec.name])
        else:
            columns[spec.name] = values.astype(np.float64)
    return pd.DataFrame(columns)


def compare_models(
    raw_scores: I64, challenger: F64, is_bad: I64, resamples: int, seed: int
) -> Comparison:
    """Compare both models on the same rows.

    Args:
        raw_scores: champion's scores, high is good [n].
        challenger: challenger's probabilities of default, high is bad [n].
        is_bad: outcomes [n].
        resamples: bootstrap resamples.
        seed: of the resampling.
    """
    # Ranks keep the order and make the challenger's doubles countable like scores.
    ranks = np.unique(-challenger, return_inverse=True)[1]
    counts = [count_scores(values, is_bad) for values in (raw_scores, ranks)]
    areas, distances = [auc(one) or 0.5 for one in counts], [ks(one) or 0.0 for one in counts]
    rng = np.random.default_rng(seed)
    differences = np.empty(resamples)
    for i in range(resamples):
        weights = np.bincount(rng.integers(0, len(is_bad), len(is_bad)), minlength=len(is_bad))
        first, second = (_weighted_auc(v, is_bad, weights) for v in (raw_scores, ranks))
        differences[i] = second - first
    low, high = np.quantile(differences, (0.025, 0.975))
    return Comparison(
        len(is_bad), areas[0], areas[1], distances[0], distances[1], float(low), float(high)
    )


def _weighted_auc(values: I64, is_bad: I64, weights: I64) -> float:
    """AUC of a resample, given how often it holds each row."""
    place = values - values.min()
    bad = np.bincount(place, weights=weights * is_bad)
    good = np.bincount(place, weights=weights * (1 - is_bad), minlength=len(bad))
    below = np.cumsum(bad) - bad
    return float((good * (below + bad / 2)).sum() / max(good.sum() * bad.sum(), 1.0))
