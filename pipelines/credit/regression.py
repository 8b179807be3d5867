"""The model behind a scorecard: binned attributes and a logistic regression on their WoE."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.credit.attributes import Attribute, bin_attribute
from pipelines.credit.catalog import FeatureSpec
from pipelines.credit.config import FitSettings, ScaleSettings
from pipelines.credit.errors import InsufficientSample
from pipelines.credit.logistic import fit_logistic
from pipelines.credit.samples import F64, I64, Sample, stratified_folds


@dataclass(frozen=True)
class Model:
    """A fitted model before scaling; coefficients are below 0, target 1 is a default."""

    attributes: tuple[Attribute, ...]
    coefficients: F64
    intercept: float
    dropped: Mapping[str, str]


def fit_model(sample: Sample, specs: Sequence[FeatureSpec], settings: FitSettings) -> Model:
    """Bin every attribute, then regress; attributes whose sign contradicts their WoE go.

    Raises:
        InsufficientSample: too few rows of a class, or no usable attribute.
    """
    require_classes(sample, settings)
    dropped: dict[str, str] = {}
    kept: list[Attribute] = []
    for spec in specs:
        found = bin_attribute(sample, spec, settings)
        if isinstance(found, str):
            dropped[spec.name] = found
        else:
            kept.append(found)
    columns = [one.transform(sample.columns[one.spec.name]) for one in kept]
    while kept:
        intercept, weights = fit_logistic(
            np.column_stack(columns), sample.is_bad, settings.penalty_c
        )
        worst = int(np.argmax(weights))
        if weights[worst] < 0:
            return Model(tuple(kept), weights, intercept, dropped)
        dropped[kept[worst].spec.name] = "sign"
        del kept[worst], columns[worst]
    reasons = ", ".join(f"{name}: {why}" for name, why in dropped.items())
    raise InsufficientSample(f"no attribute can be used ({reasons}); look at the training data")


def require_classes(sample: Sample, settings: FitSettings) -> None:
    """Refuse a sample that is too small to say anything.

    Raises:
        InsufficientSample: names both counts and the setting.
    """
    bads = int(sample.is_bad.sum())
    goods = len(sample) - bads
    if min(bads, goods) < settings.min_class_rows:
        raise InsufficientSample(
            f"{bads:,} defaults and {goods:,} goods: fit.min_class_rows asks for"
            f" {settings.min_class_rows} of each; bring more outcomes"
        )


def round_half_away(values: F64) -> I64:
    """Nearest whole numbers, halves away from zero."""
    rounded: I64 = (np.sign(values) * np.floor(np.abs(values) + 0.5)).astype(np.int64)
    return rounded


def scaling(scale: ScaleSettings) -> tuple[float, float]:
    """Factor and offset: points = offset + factor * ln(good : bad)."""
    factor = scale.pdo / float(np.log(2.0))
    return factor, scale.base_score - factor * float(np.log(scale.base_odds))


def bin_points(attribute: Attribute, coefficient: float, factor: float) -> F64:
    """Unrounded points of each bin; absent values never get more than the best known bin."""
    points = -factor * coefficient * attribute.woe
    if attribute.has_missing:
        points[-1] = min(points[-1], points[:-1].max())
    return points


def raw_scores(model: Model, scale: ScaleSettings, sample: Sample) -> I64:
    """Integer raw scores [n]; a value without a bin gets no points."""
    factor, offset = scaling(scale)
    total = np.full(len(sample), round_half_away(np.array(offset - factor * model.intercept)))
    for one, coefficient in zip(model.attributes, model.coefficients, strict=True):
        points = np.append(round_half_away(bin_points(one, coefficient, factor)), 0)
        total = total + points[one.codes(sample.columns[one.spec.name])]
    return total


def out_of_fold_scores(
    sample: Sample,
    specs: Sequence[FeatureSpec],
    settings: FitSettings,
    scale: ScaleSettings,
    seed: int,
) -> I64:
    """Raw scores [n] of models that never saw the row: binning and regression are fitted anew."""
    fold = stratified_folds(sample.is_bad, settings.folds, seed)
    smaller = settings.model_copy(update={"min_class_rows": 2})
    scores = np.empty(len(sample), dtype=np.int64)
    for number in range(settings.folds):
        inside, outside = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        model = fit_model(sample.take(inside), specs, smaller)
        scores[outside] = raw_scores(model, scale, sample.take(outside))
    return scores
