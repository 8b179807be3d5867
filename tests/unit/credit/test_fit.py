"""Whole fits without an engine: protected sources, small samples, German credit, known ceiling."""

import numpy as np
import pytest

from pipelines.credit import metrics as m
from pipelines.credit.catalog import CATALOG, FeatureSpec, refuse_protected
from pipelines.credit.config import CreditConfig
from pipelines.credit.errors import InsufficientSample, ProtectedFeatureError
from pipelines.credit.fitting import fit_scorecard
from pipelines.credit.german import allowed, cross_validate, read_german
from pipelines.credit.samples import Sample
from pipelines.credit.scorer import card_scores, score_row
from pipelines.credit.sources import german_path
from pipelines.credit.synthetic.truth import Realised, default_probability, known_ceiling

CONFIG = CreditConfig()
USED = (
    "max_utilization",
    "missed_payment_count",
    "months_on_book",
    "instalment_to_income",
    "employment",
)
SPECS = tuple(spec for spec in CATALOG if spec.name in USED)
EMPLOYMENTS = np.array(["SALARIED", "SELF_EMPLOYED", "OTHER"], dtype=object)


def population(rng, n, has_interaction=False):
    """Applications whose true probabilities are those of the generator's function."""
    used, bounces = rng.random(n) * 1.1, rng.poisson(0.6, n)
    months, ratio, work = rng.integers(0, 121, n), rng.gamma(2, 0.15, n), rng.integers(0, 3, n)
    p = default_probability(Realised(used, bounces, months), ratio, work, has_interaction)
    columns = {
        "max_utilization": used, "missed_payment_count": bounces.astype(float), "months_on_book": months.astype(float),
        "instalment_to_income": ratio, "employment": EMPLOYMENTS[work],
    }  # fmt: skip
    return Sample(columns, (rng.random(n) < p).astype(np.int64)), p


def test_c17_c18_a_large_sample_comes_near_its_ceiling():
    rng = np.random.default_rng(1)
    train, _ = population(rng, 40_000)
    test, p = population(rng, 40_000)
    card, _ = fit_scorecard(train, SPECS, CONFIG)
    counts = m.count_scores(card_scores(card, test), test.is_bad)
    area, ceiling = m.auc(counts), known_ceiling(p)
    assert ceiling - 0.015 <= area <= ceiling + 0.02
    assert m.expected_calibration_error(m.calibration_bins(counts, card.calibration)) <= 0.02


def test_declared_directions_hold_in_points_and_rows_score_alike():
    sample, _ = population(np.random.default_rng(2), 5_000, has_interaction=True)
    card, unseen = fit_scorecard(sample, SPECS, CONFIG)
    for feature in card.features:
        points = [b.points for b in feature.bins if not b.is_missing]
        if feature.name in ("max_utilization", "missed_payment_count"):
            assert points == sorted(points, reverse=True)
        if feature.name == "months_on_book":
            assert points == sorted(points)
    scores = card_scores(card, sample)
    for i in range(0, 5_000, 500):
        row = {name: values[i] for name, values in sample.columns.items()}
        assert score_row(card, row).raw_score == scores[i]
    assert (
        m.auc(m.count_scores(unseen, sample.is_bad))
        <= m.auc(m.count_scores(scores, sample.is_bad)) + 0.01
    )


def test_equal_samples_give_equal_bytes():
    sample, _ = population(np.random.default_rng(3), 3_000)
    one, other = (fit_scorecard(sample, SPECS, CONFIG)[0].to_json() for _ in range(2))
    assert one == other


def test_a_small_sample_is_refused():
    sample, _ = population(np.random.default_rng(4), 300)
    with pytest.raises(InsufficientSample, match=r"fit\.min_class_rows"):
        fit_scorecard(sample, SPECS, CONFIG)


def test_constant_and_empty_features_are_left_out_and_told():
    sample, _ = population(np.random.default_rng(5), 3_000)
    flat = FeatureSpec("flat", "number", ("t.flat",), "Flat")
    empty = FeatureSpec("empty", "number", ("t.empty",), "Empty")
    columns = {**sample.columns, "flat": np.ones(3_000), "empty": np.full(3_000, np.nan)}
    card, _ = fit_scorecard(Sample(columns, sample.is_bad), (*SPECS, flat, empty), CONFIG)
    assert card.dropped["flat"] == "one bin"
    assert card.dropped["empty"] == "no values"


@pytest.mark.parametrize(
    "source",
    [
        "a.gender",
        "a.Sex",
        "a.caste_category",
        "a.marital_status",
        "a.age",
        "a.dependents",
        "x.date_of_birth",
    ],
)
def test_c11_protected_sources_are_refused_whatever_the_feature_is_called(source):
    with pytest.raises(ProtectedFeatureError, match="protected attribute"):
        refuse_protected([FeatureSpec("harmless", "number", ("t.amount", source), "Harmless")])


@pytest.mark.parametrize("source", ["a.state", "a.PINCODE", "a.surname", "a.language"])
def test_c11_proxies_are_called_proxies(source):
    with pytest.raises(ProtectedFeatureError, match="proxy"):
        refuse_protected([FeatureSpec("harmless", "number", (source,), "Harmless")])


def test_the_catalogue_itself_is_clean_and_its_codes_differ():
    refuse_protected(CATALOG)
    assert len({spec.code for spec in CATALOG}) == len(CATALOG)


needs_german = pytest.mark.skipif(
    german_path() is None, reason="German credit comes with the peers of make bench-credit"
)


@needs_german
def test_c16_german_credit_reaches_the_bars():
    sample, specs = read_german()
    assert (len(sample), int(sample.is_bad.sum()), len(specs)) == (1000, 300, 20)
    folds = cross_validate(sample, specs, CONFIG)
    assert folds.areas.mean() >= 0.791
    assert folds.distances.mean() >= 0.477


@needs_german
def test_german_credit_is_for_comparison_only():
    sample, specs = read_german()
    with pytest.raises(ProtectedFeatureError):
        fit_scorecard(sample, specs, CONFIG)
    card, unseen = fit_scorecard(sample, specs, CONFIG, is_benchmark=True)
    assert card.is_benchmark_only
    assert not fit_scorecard(sample, allowed(specs), CONFIG)[0].is_benchmark_only
    counts = m.count_scores(unseen, sample.is_bad)
    assert m.brier(counts, card.calibration) <= 0.168
    assert m.expected_calibration_error(m.calibration_bins(counts, card.calibration)) <= 0.05
