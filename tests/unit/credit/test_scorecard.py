"""Scaling, points, reasons and the immutable file: vectors V10 to V16 and the mistakes around them."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.credit.attributes import Attribute
from pipelines.credit.calibration import (
    default_probability,
    fit_calibration,
    probability_table,
    scaled_calibration,
)
from pipelines.credit.catalog import CATALOG
from pipelines.credit.config import CreditConfig
from pipelines.credit.errors import ScorecardIntegrityError, ScoringError
from pipelines.credit.fitting import make_feature, make_scale
from pipelines.credit.regression import round_half_away, scaling
from pipelines.credit.scorecard import load_scorecard, parse_scorecard
from pipelines.credit.scorer import risk_category, score_row
from tests.unit.credit.example_card import example_card, row

SCALE = CreditConfig().scale


def test_v10_factor_offset_and_base_points():
    factor, offset = scaling(SCALE)
    assert factor == pytest.approx(72.134752, abs=1e-6)
    assert offset == pytest.approx(387.603624, abs=1e-6)
    assert round_half_away(np.array(offset - factor * -2.5)) == 568


@pytest.mark.parametrize(
    ("coefficient", "woe", "points"),
    [
        (-0.9, (0.8, -0.1, -1.2), [52, -6, -78]),
        (-1.0, (0.5, -0.7, -1.9), [36, -50, -137]),
        (-0.8, (0.3, -0.2, -0.6), [17, -12, -35]),
    ],
)
def test_v11_points(coefficient, woe, points):
    counts = np.array([10, 10, 10])
    one = Attribute(
        CATALOG[0], "falling", (1.0, 2.0), (), False, counts, counts, np.array(woe), np.zeros(3)
    )
    made = make_feature(one, coefficient, scaling(SCALE)[0])
    assert [b.points for b in made.bins] == points


def test_v11_best_possible_score():
    assert example_card().max_points == 673


def test_v12_applicant_reasons_and_odds():
    found = score_row(example_card(), row())
    assert (found.raw_score, found.score, found.risk_category) == (500, 500, "VERY_HIGH")
    assert [(r.feature, r.shortfall) for r in found.reasons] == [
        ("missed", 86),
        ("utilization", 58),
        ("employment", 29),
    ]
    assert found.other_shortfall == 0
    assert found.max_points - sum(r.shortfall for r in found.reasons) == found.raw_score
    assert found.pd == pytest.approx(1 / 5.75, abs=1e-12)


@pytest.mark.parametrize(
    ("value", "points"), [(0.30, -6), (0.29999, 52), (0.6, -78), (-5.0, 52), (9.9, -78)]
)
def test_v13_bins_are_half_open(value, points):
    assert score_row(example_card(), row(utilization=value)).raw_score == 568 + points - 50 - 12


def test_v14_worst_applicant_and_the_clip():
    found = score_row(example_card(), row(0.9, 7, "OTHER"))
    assert found.raw_score == 318
    assert [r.shortfall for r in found.reasons] == [173, 130, 52]
    lower = score_row(example_card(base_points=530), row(0.9, 7, "OTHER"))
    assert (lower.raw_score, lower.score) == (280, 300)


@pytest.mark.parametrize(
    ("score", "category"),
    [
        (549, "VERY_HIGH"),
        (550, "HIGH"),
        (649, "HIGH"),
        (650, "MEDIUM"),
        (749, "MEDIUM"),
        (750, "LOW"),
        (799, "LOW"),
        (800, "VERY_LOW"),
        (300, "VERY_HIGH"),
    ],
)
def test_v15_categories(score, category):
    assert risk_category(make_scale(SCALE), score) == category


@pytest.mark.parametrize(("score", "odds"), [(550, 9.5), (650, 38), (750, 152), (800, 304)])
def test_v15_odds(score, odds):
    p = default_probability(scaled_calibration(make_scale(SCALE)), score)
    assert (1 - p) / p == pytest.approx(odds, rel=1e-9)


def test_v16_halves_go_away_from_zero():
    assert round_half_away(np.array([6.5, -6.5, 0.5, -0.5, 2.49])).tolist() == [7, -7, 1, -1, 2]
    assert [round(6.5), round(-6.5)] == [6, -6]  # the naive form


def test_only_the_four_worst_factors_are_told_and_the_rest_adds_up():
    card = example_card(scale=replace(make_scale(SCALE), reasons=2))
    found = score_row(card, row())
    assert [r.feature for r in found.reasons] == ["missed", "utilization"]
    assert found.other_shortfall == 29
    assert found.raw_score == found.max_points - 86 - 58 - 29


def test_ties_are_told_in_the_order_of_the_features():
    card = example_card()
    first, second, third = card.features
    same = replace(
        second,
        bins=tuple(replace(b, points=p) for b, p in zip(second.bins, (52, -6, -78), strict=True)),
    )
    found = score_row(example_card(features=(first, same, third)), row())
    assert [r.feature for r in found.reasons] == ["utilization", "missed", "employment"]


@pytest.mark.parametrize(
    ("bad", "code"),
    [(row(utilization=math.nan), "NOT_FINITE"), (row(utilization=math.inf), "NOT_FINITE"), (row(missed=-math.inf), "NOT_FINITE"),
     (row(utilization=None), "MISSING_NOT_BINNED"), (row(employment="PILOT"), "UNSEEN_CATEGORY"), (row(employment=""), "UNSEEN_CATEGORY"),
     (row(employment=None), "MISSING_NOT_BINNED"), (row(utilization="0.4"), "NOT_FINITE"), (row(missed=True), "NOT_FINITE")],
)  # fmt: skip
def test_k15_a_value_without_a_bin_is_an_error_with_its_name(bad, code):
    with pytest.raises(ScoringError, match=code):
        score_row(example_card(), bad)


def test_k11_the_file_holds_everything_a_score_needs(tmp_path):
    card = example_card()
    again = load_scorecard(card.save(tmp_path))
    assert again == card
    assert again.to_json() == card.to_json()
    assert score_row(again, row()) == score_row(card, row())
    assert (again.scale.pdo, again.scale.base_odds) == (50, 19)


def test_a_file_edited_by_hand_is_refused(tmp_path):
    text = example_card().to_json()
    for old, new in (
        ('"points":52', '"points":53'),
        ('"version":1', '"version":2'),
        ('"base_points":568', '"base_points":569'),
    ):
        assert old in text
        with pytest.raises(ScorecardIntegrityError, match="hash"):
            parse_scorecard(text.replace(old, new), "x.json")
    for broken in ("{}", "[]", "nothing", text[:-20]):
        with pytest.raises(ScorecardIntegrityError):
            parse_scorecard(broken, "x.json")


def test_a_version_never_changes(tmp_path):
    example_card().save(tmp_path)
    example_card().save(tmp_path)
    with pytest.raises(ScorecardIntegrityError, match="never changes"):
        example_card(base_points=567).save(tmp_path)


def test_gaps_and_overlaps_are_refused():
    card = example_card()
    first = card.features[0]
    gap = replace(first, bins=(first.bins[0], replace(first.bins[1], lo=0.4), first.bins[2]))
    with pytest.raises(ScorecardIntegrityError, match="gap or overlap"):
        example_card(features=(gap, *card.features[1:]))
    twice = replace(card.features[2], bins=(*card.features[2].bins, card.features[2].bins[0]))
    with pytest.raises(ScorecardIntegrityError, match="gap or overlap"):
        example_card(features=(*card.features[:2], twice))


def test_a_missing_bin_never_pays_most():
    counts, woe = np.array([100, 100, 500]), np.array([0.5, -0.5, 3.0])
    one = Attribute(CATALOG[0], "falling", (1.0,), (), True, counts, counts, woe, np.zeros(3))
    made = make_feature(one, -1.0, 72.0)
    assert [b.points for b in made.bins] == [36, -36, 36]
    assert made.bins[2].is_missing


def test_calibration_recovers_a_known_curve():
    rng = np.random.default_rng(3)
    scores = rng.integers(400, 800, 60_000)
    a, b = -6.0, 0.014
    is_bad = (rng.random(len(scores)) < 1 / (1 + np.exp(a + b * scores))).astype(np.int64)
    found = fit_calibration(scores, is_bad)
    assert found[1] == pytest.approx(b, rel=0.04)
    assert default_probability(found, 600) == pytest.approx(
        default_probability((a, b), 600), abs=0.01
    )


@settings(max_examples=50, deadline=None)
@given(st.floats(-50, 50), st.floats(-0.1, 0.1), st.integers(-2000, 2000))
def test_probabilities_stay_between_zero_and_one(a, b, raw):
    p = default_probability((a, b), raw)
    assert 0 <= p <= 1
    assert probability_table((a, b), raw, raw + 1)[0] == p


@settings(max_examples=100, deadline=None)
@given(st.floats(-1, 11), st.floats(0, 40), st.sampled_from(["SALARIED", "SELF_EMPLOYED", "OTHER"]))
def test_reasons_always_add_up_and_directions_hold(utilization, missed, employment):
    card = example_card()
    found = score_row(card, row(utilization, missed, employment))
    assert (
        found.raw_score
        == found.max_points - sum(r.shortfall for r in found.reasons) - found.other_shortfall
    )
    assert 300 <= found.score <= 900
    assert all(r.shortfall > 0 for r in found.reasons)
    worse = score_row(card, row(utilization + 0.3, missed + 1, employment))
    assert worse.raw_score <= found.raw_score


def test_json_is_canonical():
    text = example_card().to_json()
    values = json.loads(text)
    assert text == json.dumps(values, sort_keys=True, separators=(",", ":")) + "\n"
