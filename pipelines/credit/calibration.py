"""From raw scores to probabilities of default: Platt's two parameters, fitted out of fold."""

import math

from pipelines.credit.logistic import fit_logistic
from pipelines.credit.samples import I64
from pipelines.credit.scorecard import Scale

Calibration = tuple[float, float]

# Newton's steps are taken on standardised scores; a weak penalty keeps separable samples finite.
_PENALTY_C = 1e6


def fit_calibration(raw_scores: I64, is_bad: I64) -> Calibration:
    """A and b of `pd = 1 / (1 + exp(a + b * raw_score))` (Platt 1999).

    Args:
        raw_scores: out-of-fold scores [n].
        is_bad: 1 for a default [n].
    """
    mean, spread = float(raw_scores.mean()), float(raw_scores.std()) or 1.0
    intercept, slope = fit_logistic(
        ((raw_scores - mean) / spread)[:, None], is_bad, penalty_c=_PENALTY_C
    )
    b = -float(slope[0]) / spread
    return -intercept - b * mean, b


def scaled_calibration(scale: Scale) -> Calibration:
    """The calibration that the scale itself promises: odds double every PDO points."""
    b = math.log(2.0) / scale.pdo
    return math.log(scale.base_odds) - b * scale.base_score, b


def default_probability(calibration: Calibration, raw_score: int) -> float:
    """Probability of default at a raw score."""
    a, b = calibration
    x = a + b * raw_score
    if x < 0:
        return 1.0 / (1.0 + math.exp(x))
    tail = math.exp(-x)
    return tail / (1.0 + tail)


def probability_table(calibration: Calibration, lowest: int, highest: int) -> list[float]:
    """Probability at each raw score from `lowest` to `highest`.

    Engines round `exp` differently in the last digit; a table made once gives all the same numbers.
    """
    return [default_probability(calibration, raw) for raw in range(lowest, highest + 1)]
