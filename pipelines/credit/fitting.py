"""From a labelled sample to a scorecard with integer points and a calibrated probability."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pipelines.credit.attributes import Attribute
from pipelines.credit.calibration import fit_calibration
from pipelines.credit.catalog import FeatureSpec, refuse_protected
from pipelines.credit.config import CreditConfig, ScaleSettings
from pipelines.credit.errors import ProtectedFeatureError, ScorecardParityError
from pipelines.credit.regression import (
    Model,
    bin_points,
    fit_model,
    out_of_fold_scores,
    raw_scores,
    round_half_away,
    scaling,
)
from pipelines.credit.samples import I64, Sample
from pipelines.credit.scorecard import Bin, CardFeature, Scale, Scorecard

MISSING = "missing"


def fit_scorecard(
    sample: Sample,
    specs: Sequence[FeatureSpec],
    config: CreditConfig,
    name: str = "main",
    training: Mapping[str, Any] | None = None,
    is_benchmark: bool = False,
) -> tuple[Scorecard, I64]:
    """Fit, scale and calibrate.

    Args:
        sample: labelled rows.
        specs: candidate features.
        config: settings of fit and scale.
        name: id of the scorecard.
        training: what the sample was; kept in the scorecard.
        is_benchmark: allow protected attributes; the scorecard then cannot be registered.

    Returns:
        The scorecard, version 1, and the out-of-fold raw scores [n].

    Raises:
        ProtectedFeatureError: a feature is made of a protected attribute.
        InsufficientSample: too few rows, or no attribute left.
        ScorecardParityError: points and regression differ by more than rounding.
    """
    is_protected = _check_sources(specs, is_benchmark)
    model = fit_model(sample, specs, config.fit)
    unseen = out_of_fold_scores(sample, specs, config.fit, config.scale, config.seed)
    scores = raw_scores(model, config.scale, sample)
    check_rounding(model, config.scale, sample, scores)
    factor, offset = scaling(config.scale)
    edges = _score_edges(scores, config.drift.score_bins)
    pairs = zip(model.attributes, model.coefficients, strict=True)
    card = Scorecard(
        id=name,
        version=1,
        segment="MAIN",
        is_benchmark_only=is_protected,
        scale=make_scale(config.scale),
        intercept=model.intercept,
        base_points=int(round_half_away(np.array(offset - factor * model.intercept))),
        features=tuple(make_feature(one, float(weight), factor) for one, weight in pairs),
        calibration=fit_calibration(unseen, sample.is_bad),
        score_edges=edges,
        score_counts=count_between(scores, edges),
        training=_told(sample, training or {}),
        dropped=model.dropped,
        single_class=tuple(_single_class(model)),
    )
    return card, unseen


def _check_sources(specs: Sequence[FeatureSpec], is_benchmark: bool) -> bool:
    """Whether a protected attribute is among the sources, which only a benchmark may have."""
    try:
        refuse_protected(specs)
    except ProtectedFeatureError:
        if not is_benchmark:
            raise
        return True
    return False


def make_scale(scale: ScaleSettings) -> Scale:
    """The scale of a scorecard."""
    factor, offset = scaling(scale)
    bands = (
        (scale.very_low, "VERY_LOW"),
        (scale.low, "LOW"),
        (scale.medium, "MEDIUM"),
        (scale.high, "HIGH"),
        (scale.lowest, "VERY_HIGH"),
    )
    return Scale(
        scale.pdo, scale.base_score, scale.base_odds, factor, offset,
        scale.lowest, scale.highest, bands, scale.reasons,
    )  # fmt: skip


def make_feature(attribute: Attribute, coefficient: float, factor: float) -> CardFeature:
    """An attribute with integer points; this is the only place where points are rounded."""
    spec, points = attribute.spec, round_half_away(bin_points(attribute, coefficient, factor))
    known = len(points) - attribute.has_missing
    bounds = [None, *attribute.cuts, None]
    bins = []
    for i, given in enumerate(points):
        is_missing = i == known
        is_number = spec.kind == "number" and not is_missing
        lo, hi = (bounds[i], bounds[i + 1]) if is_number else (None, None)
        members = attribute.groups[i] if attribute.groups and not is_missing else ()
        label = MISSING if is_missing else _label(lo, hi, members)
        counts = (int(attribute.good[i]), int(attribute.bad[i]))
        worth = (float(attribute.woe[i]), float(attribute.iv[i]))
        bins.append(Bin(label, lo, hi, members, is_missing, *counts, *worth, int(given)))
    return CardFeature(
        spec.name, spec.kind, spec.sources, spec.code, spec.text, attribute.trend, coefficient,
        tuple(bins),
    )  # fmt: skip


def _label(lo: float | None, hi: float | None, members: tuple[str, ...]) -> str:
    if members:
        return " | ".join(members)
    left = "(-inf" if lo is None else f"[{lo:.10g}"
    return f"{left}, inf)" if hi is None else f"{left}, {hi:.10g})"


def check_rounding(model: Model, scale: ScaleSettings, sample: Sample, scores: I64) -> None:
    """Hold the integer scores to the equally capped regression: half a point per rounded part.

    Raises:
        ScorecardParityError: the difference is larger than rounding explains.
    """
    factor, offset = scaling(scale)
    exact = np.full(len(sample), offset - factor * model.intercept)
    for one, coefficient in zip(model.attributes, model.coefficients, strict=True):
        exact += bin_points(one, coefficient, factor)[one.codes(sample.columns[one.spec.name])]
    worst = float(np.abs(exact - scores).max())
    allowed = 0.5 * (len(model.attributes) + 1)
    if worst > allowed:
        raise ScorecardParityError(
            f"points differ from the regression by {worst:.2f}, rounding explains {allowed:.1f}"
        )


def _score_edges(scores: I64, bins: int) -> tuple[int, ...]:
    inner = np.quantile(scores, np.linspace(0, 1, bins + 1)[1:-1], method="inverted_cdf")
    return tuple(int(edge) for edge in np.unique(inner))


def count_between(scores: I64, edges: Sequence[int]) -> tuple[int, ...]:
    """Scores below the first edge, from one edge to the next, and from the last on."""
    place = np.searchsorted(edges, scores, side="right")
    return tuple(int(n) for n in np.bincount(place, minlength=len(edges) + 1))


def _single_class(model: Model) -> list[str]:
    return [
        f"{one.spec.name}: bin {i + 1}"
        for one in model.attributes
        for i in np.flatnonzero((one.good == 0) | (one.bad == 0))
    ]


def _told(sample: Sample, training: Mapping[str, Any]) -> dict[str, Any]:
    bads = int(sample.is_bad.sum())
    return {"rows": len(sample), "goods": len(sample) - bads, "bads": bads, **training}
