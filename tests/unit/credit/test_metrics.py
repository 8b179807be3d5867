"""Quality, drift and fairness: vectors V17 to V20 and slow definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.credit import metrics as m
from pipelines.credit.challenger import compare_models
from pipelines.credit.config import DriftSettings, FairnessSettings
from pipelines.credit.drift import compare
from pipelines.credit.fairness import compare_groups, find_proxies, two_proportions
from pipelines.credit.synthetic.truth import known_ceiling, whole_months

V20 = m.count_scores(np.array([500, 520, 510, 600, 700]), np.array([1, 1, 0, 0, 0]))


def test_v17_psi_and_its_chance_level():
    expected, actual = (250, 250, 250, 250), (100, 200, 300, 400)
    half = compare("x", [125] * 4, [50, 100, 150, 200], DriftSettings())
    assert half.psi == pytest.approx(0.228217, abs=1e-6)
    assert half.statistic == pytest.approx(57.054, abs=1e-3)
    assert half.p_value == pytest.approx(2.5e-12, rel=0.02)
    assert half.flag == "WARN"
    assert compare("x", expected, actual, DriftSettings()).psi == pytest.approx(0.228217, abs=1e-6)


def test_v17_and_k17_twenty_rows_decide_nothing():
    small = compare("x", [5, 5, 5, 5], [2, 4, 6, 8], DriftSettings())
    assert small.statistic == pytest.approx(2.282, abs=1e-3)
    assert small.p_value == pytest.approx(0.516, abs=1e-3)
    assert small.flag == "UNDECIDED"
    assert small.psi > DriftSettings().warn  # the naive form would warn


def test_k13_thresholds_are_used():
    counts = ([250] * 4, [100, 200, 300, 400])
    assert compare("x", *counts, DriftSettings(warn=0.3, alarm=0.5)).flag == "OK"
    assert compare("x", *counts, DriftSettings(alarm=0.2)).flag == "ALARM"


def test_empty_bins_stay_finite():
    found = compare("x", [0, 100, 100], [100, 100, 0], DriftSettings())
    assert np.isfinite(found.psi)
    assert found.flag == "ALARM"
    assert compare("x", [10, 10], [0, 0], DriftSettings()).flag == "UNDECIDED"


def test_v18_and_k22_four_fifths_in_whole_numbers():
    counts = {"a": (100, 80), "b": (100, 60), "c": (100, 64), "d": (20, 13)}
    rates = {r.group: r for r in compare_groups("g", counts, FairnessSettings())}
    assert rates["b"].ratio == pytest.approx(0.75)
    assert rates["b"].is_fair is False
    assert rates["c"].is_fair is True
    assert 0.64 / 0.8 < 0.8  # the naive form flags it
    assert rates["d"].is_fair is None
    assert rates["d"].ratio is None
    assert rates["a"].is_reference


def test_groups_without_any_selected_are_not_judged():
    rates = compare_groups("g", {"a": (50, 0), "b": (60, 0)}, FairnessSettings())
    assert [r.is_fair for r in rates] == [None, None]
    assert compare_groups("g", {}, FairnessSettings()) == []


def test_two_proportions():
    assert two_proportions(80, 100, 60, 100) == pytest.approx(0.002, abs=2e-4)
    assert two_proportions(0, 10, 0, 10) == 1.0


def test_a_feature_that_tells_a_group_is_flagged():
    counts = np.array([[90, 10], [10, 90]])
    found = find_proxies("f", "g", ["a", "b"], counts, FairnessSettings())
    assert [p.is_flagged for p in found] == [True, True]
    assert found[0].auc == pytest.approx(0.9)
    even = find_proxies("f", "g", ["a", "b"], np.array([[50, 50], [50, 50]]), FairnessSettings())
    assert not any(p.is_flagged for p in even)


def test_v19_known_ceiling():
    assert known_ceiling(np.array([0.1, 0.2, 0.4, 0.8])) == pytest.approx(2.70 / 3.10)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([0.05, 0.1, 0.3, 0.6, 0.9]), min_size=2, max_size=30))
def test_the_ceiling_equals_its_definition(values):
    p = np.array(values)
    above = below = 0.0
    for i, one in enumerate(p):
        for j, other in enumerate(p):
            if i != j:
                below += one * (1 - other)
                above += one * (1 - other) * (1.0 if one > other else 0.5 if one == other else 0.0)
    assert known_ceiling(p) == pytest.approx(above / below)


def test_v20_ks_auc_gini():
    assert m.ks(V20) == pytest.approx(2 / 3)
    assert m.auc(V20) == pytest.approx(5 / 6)
    assert m.gini(V20) == pytest.approx(2 / 3)


def test_k20_clipped_scores_would_tie():
    raw, is_bad = np.array([250, 280, 400]), np.array([1, 0, 0])
    assert m.auc(m.count_scores(raw, is_bad)) == 1.0
    assert m.auc(m.count_scores(np.maximum(raw, 300), is_bad)) == 0.75


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(300, 330), st.integers(0, 1)), min_size=2, max_size=40))
def test_auc_and_ks_equal_their_definitions(rows):
    scores, is_bad = (np.array(part) for part in zip(*rows, strict=True))
    counts = m.count_scores(scores, is_bad)
    bads, goods = scores[is_bad == 1], scores[is_bad == 0]
    if not len(bads) or not len(goods):
        assert m.auc(counts) is None
        return
    won = sum((g > b) + 0.5 * (g == b) for g in goods for b in bads)
    assert m.auc(counts) == pytest.approx(won / (len(goods) * len(bads)))
    gaps = [abs((bads <= s).mean() - (goods <= s).mean()) for s in scores]
    assert m.ks(counts) == pytest.approx(max(gaps))


def test_brier_and_calibration():
    counts = m.ScoreCounts(np.array([500, 600]), np.array([50, 90]), np.array([50, 10]))
    a, b = np.log(0.5 / 0.5), 0.0
    p = m.probabilities(counts, (a, b))
    assert p.tolist() == [0.5, 0.5]
    assert m.brier(counts, (a, b)) == pytest.approx(0.25)
    bins = m.calibration_bins(counts, (-np.log(9) * 5, np.log(9) / 100))
    assert sum(one.rows for one in bins) == 200
    assert m.expected_calibration_error([]) is None


def test_the_bootstrap_is_paired_and_repeatable():
    rng = np.random.default_rng(0)
    is_bad = (rng.random(2000) < 0.3).astype(np.int64)
    scores = (600 - 50 * is_bad + rng.normal(0, 60, 2000)).astype(np.int64)
    same = compare_models(scores, -scores.astype(float), is_bad, 100, 1)
    assert (same.low, same.high, same.difference) == (0.0, 0.0, 0.0)
    noisy = is_bad + rng.normal(0, 0.1, 2000)
    better = compare_models(scores, noisy, is_bad, 100, 1)
    assert better.low > 0
    assert better == compare_models(scores, noisy, is_bad, 100, 1)


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        ("2025-01-31", "2026-03-01", 13),
        ("2025-03-01", "2026-03-01", 12),
        ("2026-03-01", "2026-03-01", 0),
    ],
)
def test_v1c_whole_months(start, end, months):
    days = [np.array([np.datetime64(d, "D").astype(np.int64)]) for d in (start, end)]
    assert whole_months(*days)[0] == months
