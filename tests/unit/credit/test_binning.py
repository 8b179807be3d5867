"""Bins: the optimum against brute force, WoE and IV vectors, directions, one-class bins."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.credit.attributes import bin_attribute
from pipelines.credit.binning import merge_bins
from pipelines.credit.catalog import FeatureSpec
from pipelines.credit.config import FitSettings
from pipelines.credit.prebins import Prebins, prebin_categories, prebin_numbers
from pipelines.credit.samples import Sample
from pipelines.credit.woe import information_values, weights_of_evidence

GOOD, BAD = np.array([600, 250, 50]), np.array([20, 40, 40])


def spec(**changes):
    given = {"name": "x", "kind": "number", "sources": ("t.x",), "text": "X"}
    return FeatureSpec(**given | changes)


def test_v8_woe_and_information():
    woe = weights_of_evidence(GOOD, BAD, 900, 100)
    assert woe == pytest.approx([1.203973, -0.364643, -1.974081], abs=1e-6)
    iv = information_values(GOOD, BAD, 900, 100)
    assert iv == pytest.approx([0.561854, 0.044567, 0.679961], abs=1e-6)
    assert iv.sum() == pytest.approx(1.286383, abs=1e-6)


def test_v9_and_k16_a_bin_of_one_class_stays_finite():
    woe = weights_of_evidence(np.array([12]), np.array([0]), 900, 100)
    assert woe[0] == pytest.approx(1.021651, abs=1e-6)
    with np.errstate(divide="ignore"):
        assert np.isinf(np.log((12 / 900) / (np.array(0.0) / 100)))  # the naive form


def brute_force(good, bad, goods, bads, least, trend):
    """All ways to cut, and the best that keeps trend and size."""
    n, best = len(good), -np.inf
    for k in range(n):
        for cuts in combinations(range(1, n), k):
            starts = [0, *cuts]
            g, b = np.add.reduceat(good, starts), np.add.reduceat(bad, starts)
            rate = b / (g + b)
            step = np.diff(rate)
            turns = [(step[:i] >= 0).all() and (step[i:] <= 0).all() for i in range(len(step) + 1)]
            dips = [(step[:i] <= 0).all() and (step[i:] >= 0).all() for i in range(len(step) + 1)]
            fits = {
                "falling": (step >= 0).all(),
                "rising": (step <= 0).all(),
                "valley": any(turns),
                "peak": any(dips),
            }
            if (g + b).min() >= least and fits[trend]:
                best = max(best, information_values(g, b, goods, bads).sum())
    return best


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 15)), min_size=2, max_size=7),
    st.sampled_from(["rising", "falling", "peak", "valley"]),
    st.integers(1, 25),
)
def test_the_optimum_equals_brute_force(counts, trend, least):
    good, bad = (np.array(part) for part in zip(*counts, strict=True))
    keep = good + bad > 0
    good, bad = good[keep], bad[keep]
    if len(good) < 2 or not good.sum() or not bad.sum():
        return
    goods, bads = int(good.sum()), int(bad.sum())
    fine = Prebins(tuple(float(i) for i in range(1, len(good))), (), frozenset(), good, bad)
    found = merge_bins(fine, goods, bads, least, trend, 0.0)
    wanted = brute_force(good, bad, goods, bads, least, trend)
    if found is not None:
        assert found.value == pytest.approx(wanted, abs=1e-9)
    else:
        assert (
            wanted
            <= max(0.0, information_values(np.array([goods]), np.array([bads]), goods, bads)[0])
            + 1e-9
        )


def test_auto_takes_a_turn_only_if_it_is_worth_it():
    good, bad = np.array([90, 60, 91]), np.array([10, 40, 9])
    fine = Prebins((1.0, 2.0), (), frozenset(), good, bad)
    assert merge_bins(fine, 241, 59, 1, "auto", 0.1).trend == "valley"
    straight = merge_bins(fine, 241, 59, 1, "auto", 50.0)
    assert straight.trend in ("rising", "falling")


def sample(values, is_bad):
    return Sample({"x": values}, is_bad)


def made(rng, n=4000, **changes):
    x = rng.normal(size=n)
    is_bad = (rng.random(n) < 1 / (1 + np.exp(2 - x))).astype(np.int64)
    return bin_attribute(sample(x, is_bad), spec(**changes), FitSettings()), x


@pytest.mark.parametrize("seed", range(5))
def test_declared_directions_hold(seed):
    found, _ = made(np.random.default_rng(seed), trend="falling")
    assert (np.diff(found.woe) <= 0).all()
    assert ((found.good + found.bad) >= 0.05 * 4000).all()


def test_a_direction_against_the_data_drops_the_attribute():
    found, _ = made(np.random.default_rng(1), trend="rising")
    assert found == "one bin"


def test_a_forced_cut_stays_whatever_its_size():
    rng = np.random.default_rng(2)
    x = np.abs(rng.normal(size=4000)) + 1
    x[:20] = -5.0
    is_bad = (rng.random(4000) < 0.2).astype(np.int64)
    is_bad[:15] = 1
    found = bin_attribute(sample(x, is_bad), spec(cuts=(0.0,)), FitSettings())
    assert 0.0 in found.cuts
    assert found.good[0] + found.bad[0] == 20


def test_k10_missing_values_are_a_bin_of_their_own_and_counted_once():
    """K10: values counted twice would make the counts exceed the sample."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=3000)
    x[rng.random(3000) < 0.2] = np.nan
    is_bad = (rng.random(3000) < np.where(np.isnan(x), 0.5, 0.2)).astype(np.int64)
    is_bad[(x > 0.5)] = 0
    found = bin_attribute(sample(x, is_bad), spec(), FitSettings())
    assert found.has_missing
    assert found.good.sum() + found.bad.sum() == 3000
    assert found.good[-1] + found.bad[-1] == np.isnan(x).sum()


def test_categories_are_grouped_and_unseen_ones_have_no_bin():
    rng = np.random.default_rng(5)
    names = rng.choice(["a", "b", "c", "rare"], 5000, p=[0.4, 0.3, 0.295, 0.005]).astype(object)
    risk = np.array([{"a": 0.05, "b": 0.2, "c": 0.5, "rare": 0.5}[n] for n in names])
    found = bin_attribute(
        sample(names, (rng.random(5000) < risk).astype(np.int64)),
        spec(kind="category"),
        FitSettings(),
    )
    assert sorted(n for group in found.groups for n in group) == ["a", "b", "c", "rare"]
    assert all(
        len(group) == 1 for group in found.groups if "rare" not in group and "c" not in group
    )
    assert found.codes(np.array(["zzz"], dtype=object)).tolist() == [-1]
    assert found.transform(np.array(["zzz"], dtype=object)).tolist() == [0.0]


def test_the_tree_respects_leaves_and_sizes():
    rng = np.random.default_rng(6)
    x = rng.normal(size=2000)
    is_bad = (rng.random(2000) < 0.3).astype(np.int64)
    fine = prebin_numbers(x, is_bad, 8, 100)
    rows = fine.good + fine.bad
    assert len(rows) <= 8
    assert rows.min() >= 100
    assert rows.sum() == 2000
    assert prebin_numbers(np.zeros(50), is_bad[:50], 8, 5).cuts == ()


def test_the_order_of_rows_changes_nothing():
    rng = np.random.default_rng(7)
    x, names = rng.normal(size=1500), rng.choice(["p", "q", "r"], 1500).astype(object)
    is_bad = (rng.random(1500) < 0.3).astype(np.int64)
    order = rng.permutation(1500)
    one, other = prebin_numbers(x, is_bad, 20, 75), prebin_numbers(x[order], is_bad[order], 20, 75)
    assert one.cuts == other.cuts
    assert (
        prebin_categories(names, is_bad, 20, 30).groups
        == prebin_categories(names[order], is_bad[order], 20, 30).groups
    )
