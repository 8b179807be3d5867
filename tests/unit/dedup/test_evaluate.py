import math
import runpy
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.errors import ConfigError
from pipelines.core.yaml_text import read_yaml
from pipelines.dedup import evaluation_metrics as metrics
from pipelines.dedup import evaluation_pairs as by_pair
from pipelines.dedup.evaluate import evaluate
from pipelines.dedup.labelled import Labelled
from tests.unit.dedup.random_rows import SEEDS

CASES = Path(__file__).parents[2] / "cases/dedup/evaluate"
SMALL = read_yaml((CASES / "small.yaml").read_text(), "cases")
ESTIMATES = read_yaml((CASES / "estimates.yaml").read_text(), "cases")
PROGRAM = Path(__file__).parents[3] / "pipelines/dedup/evaluate.py"
NO_PAIRS = (np.empty(0, np.int64), np.empty(0, np.int64))


def labelled(
    clusters, entities, order=None, reviews=(), slices=None, edges=NO_PAIRS, families=None
):
    sides = np.array(reviews, dtype=np.int64).reshape(-1, 2)
    return Labelled(
        cluster=np.array(clusters),
        entity=np.array(entities),
        order=np.arange(len(clusters)) if order is None else np.array(order),
        reviews=(sides[:, 0], sides[:, 1]),
        slices=slices or {},
        edges=edges,
        families=families or {},
    )


def small_run():
    reviews = [[SMALL["records"].index(r) for r in pair] for pair in SMALL["reviews"]]
    return labelled(SMALL["clusters"], SMALL["entities"], reviews=reviews)


def test_golden_vectors():
    evaluation = evaluate(small_run())
    got = evaluation.metrics()
    assert {name: got[name] for name in SMALL["metrics"]} == pytest.approx(
        SMALL["metrics"], abs=1e-4
    )
    assert vars(evaluation.pairs) == SMALL["pairs"]


def double_loop(clusters, entities, order, reviews):
    """Every pair and every record on its own."""
    n = len(clusters)
    tp = fp = fn = 0
    for i, j in combinations(range(n), 2):
        found, true = clusters[i] == clusters[j], entities[i] == entities[j]
        tp, fp, fn = tp + (found and true), fp + (found and not true), fn + (true and not found)
    counts = dict.fromkeys(["mated", "auto", "flag", "miss_auto", "miss", "reviewed"], 0)
    open_pairs = {frozenset(pair) for pair in reviews}
    precision = recall = 0.0
    for i in range(n):
        before = [j for j in range(n) if order[j] < order[i]]
        mates = [j for j in before if entities[j] == entities[i]]
        joined = {j for j in before if clusters[j] == clusters[i]}
        asked = {j for j in before if frozenset((i, j)) in open_pairs}
        counts["reviewed"] += bool(asked)
        if mates:
            counts["mated"] += 1
            counts["miss_auto"] += not joined & set(mates)
            counts["miss"] += not (joined | asked) & set(mates)
        else:
            counts["auto"] += bool(joined)
            counts["flag"] += bool(joined | asked)
        cluster = [j for j in range(n) if clusters[j] == clusters[i]]
        entity = [j for j in range(n) if entities[j] == entities[i]]
        both = len([j for j in cluster if entities[j] == entities[i]])
        precision, recall = precision + both / len(cluster) / n, recall + both / len(entity) / n
    return (tp, fp, fn), counts, precision, recall


@st.composite
def runs(draw):
    """Clusters and entities of up to twelve records, their order and up to six open reviews."""
    n, labels, asked = draw(st.integers(1, 12)), draw(st.integers(1, 5)), draw(st.integers(0, 6))
    rng = np.random.default_rng(draw(SEEDS))
    clusters, entities = rng.integers(0, labels, (2, n)).tolist()
    possible = list(combinations(range(n), 2))
    chosen = rng.permutation(len(possible))[:asked].tolist()
    return clusters, entities, rng.permutation(n).tolist(), [possible[place] for place in chosen]


@settings(max_examples=120)
@given(runs())
def test_equals_the_double_loop(run):
    clusters, entities, order, reviews = run
    (tp, fp, fn), counts, precision, recall = double_loop(*run)
    slices = {"parity": np.array(clusters) % 2}
    evaluation = evaluate(labelled(clusters, entities, order, reviews, slices))
    assert evaluation.pairs == metrics.PairCounts(tp, fp, fn)
    n, mated = len(clusters), counts["mated"]
    assert evaluation.rates == {
        "fpir_auto": metrics.Rate(counts["auto"], n - mated),
        "fpir": metrics.Rate(counts["flag"], n - mated),
        "fnir_auto": metrics.Rate(counts["miss_auto"], mated),
        "fnir": metrics.Rate(counts["miss"], mated),
        "reviewed": metrics.Rate(counts["reviewed"], n),
    }
    assert evaluation.bcubed[:2] == pytest.approx((precision, recall))
    assert sum(row["records"] for row in evaluation.slices) == n
    assert sum(row["true_pairs"] for row in evaluation.slices) == tp + fn


@settings(max_examples=40)
@given(runs())
def test_slices_count_the_record_that_arrives_later(run):
    clusters, entities, order, _ = run
    states = np.array([f"s{label % 2}" for label in entities])
    got = metrics.pairs_by_slice(clusters, entities, np.array(order), states)
    want = {state: [0, 0, 0] for state in set(states)}
    for i, j in combinations(range(len(clusters)), 2):
        later = i if order[i] > order[j] else j
        found, true = clusters[i] == clusters[j], entities[i] == entities[j]
        hits = (found and true, found and not true, true and not found)
        want[states[later]] = [a + b for a, b in zip(want[states[later]], hits, strict=True)]
    assert got == {state: metrics.PairCounts(*counts) for state, counts in want.items()}


def test_labels_may_be_text_and_their_names_do_not_matter():
    run = small_run()
    renamed = labelled([f"c{9 - c}" for c in SMALL["clusters"]], SMALL["entities"],
                       reviews=np.column_stack(run.reviews))  # fmt: skip
    assert evaluate(renamed).metrics() == evaluate(run).metrics()


def test_a_cluster_of_a_million_is_counted_not_listed():
    n = 1_000_000
    counts = metrics.count_pairs(np.zeros(n, np.int64), np.arange(n) // 2)
    assert counts == metrics.PairCounts(n // 2, n * (n - 1) // 2 - n // 2, 0)


def test_zero_over_zero_is_null():
    single = evaluate(labelled(["a"], ["x"])).metrics()
    for name in ("precision", "recall", "f1", "fnir", "fnir_low", "pair_completeness"):
        assert single[name] is None, name
    assert single["fpir"] == 0.0
    empty = evaluate(labelled(np.empty(0, int), np.empty(0, int))).metrics()
    assert {empty[name] for name in ("bcubed_f1", "fpir", "reviews_per_million")} == {None}
    assert all(value is None or math.isfinite(value) for value in {**single, **empty}.values())


def tail(k, n, p):
    """P(X <= k) for a binomial X."""
    return sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))


@settings(max_examples=30)
@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_intervals_leave_two_and_a_half_percent_on_each_side(case):
    k, n = case
    low, high = metrics.Rate(k, n).interval()
    assert low <= k / n <= high
    if k > 0:
        assert 1 - tail(k - 1, n, low) == pytest.approx(0.025, abs=1e-6)
    if k < n:
        assert tail(k, n, high) == pytest.approx(0.025, abs=1e-6)


@pytest.mark.parametrize("case", ESTIMATES["intervals"], ids=str)
def test_interval_vectors(case):
    got = metrics.Rate(case["events"], case["trials"]).interval()
    assert got == pytest.approx((case["low"], case["high"]), abs=1e-4, rel=1e-2)


@pytest.mark.parametrize("case", ESTIMATES["chapman"], ids=str)
def test_chapman(case):
    estimate = by_pair.chapman(case["first"], case["second"], case["shared"])
    assert estimate == pytest.approx(case["estimate"], abs=1e-4)
    pairs = np.arange(case["found"])
    first = pairs < case["first"]
    second = pairs >= case["found"] - case["second"]
    assert by_pair.chapman_recall(first, second) == pytest.approx(case["recall"], abs=1e-5)


def test_chapman_refuses_impossible_counts():
    with pytest.raises(ConfigError, match="901 shared"):
        by_pair.chapman(900, 950, 901)


def test_pair_completeness_per_family():
    is_true = np.array([True, True, True, False, False])
    families = {
        "person": np.array([True, True, False, True, False]),
        "phone": np.array([False, True, True, False, True]),
    }
    got = by_pair.family_completeness(is_true, families, 4)
    assert got["person"] == by_pair.FamilyCompleteness(3, 1, metrics.Rate(2, 4))
    assert got["phone"] == by_pair.FamilyCompleteness(3, 1, metrics.Rate(2, 4))
    assert got["all"] == by_pair.FamilyCompleteness(5, 3, metrics.Rate(3, 4))
    edges = (np.array([0, 0]), np.array([1, 2]))
    run = labelled([1, 1, 2], ["A", "A", "B"], edges=edges, families={"x": np.array([True, False])})
    assert evaluate(run).metrics()["pair_completeness"] == 1.0


def test_recall_by_kind():
    clusters = np.array([1, 1, 2, 2, 3])
    got = metrics.recall_by_kind(
        clusters, np.array([0, 0, 2]), np.array([1, 2, 3]), ["exact", "moved", "moved"]
    )
    assert got == {"exact": metrics.Rate(1, 1), "moved": metrics.Rate(1, 2)}


def test_reduction_and_expected_duplicates():
    assert by_pair.reduction_ratio(45, 100) == pytest.approx(1 - 45 / 4950)
    assert by_pair.reduction_ratio(0, 1) is None
    assert by_pair.expected_duplicates(1e-4, 1000) == pytest.approx(49.95)


scored = st.lists(st.tuples(st.integers(-5, 5), st.booleans()), max_size=30)


@settings(max_examples=60)
@given(scored, st.integers(0, 5), st.lists(st.integers(-6, 6), min_size=1, max_size=5))
def test_threshold_curve_counts_missed_candidates(pairs, missed, thresholds):
    scores = np.array([score for score, _ in pairs], dtype=float)
    truth = [true for _, true in pairs]
    total = sum(truth) + missed
    rows = by_pair.threshold_curve(scores, truth, total, np.array(thresholds, float)).rows()
    for threshold, row in zip(thresholds, rows, strict=True):
        kept = [true for score, true in pairs if score >= threshold]
        tp = sum(kept)
        assert row["pairs"] == len(kept)
        assert row["precision"] == (pytest.approx(tp / len(kept)) if kept else None)
        assert row["recall"] == (pytest.approx(tp / total) if total else None)
        both = len(kept) + total
        assert row["f1"] == (pytest.approx(2 * tp / both) if both else None)


def test_a_pair_counts_for_all_pairs_it_stands_for():
    scores, truth, at = np.array([7.0, 5.0, 1.0]), np.array([1.0, 0.0, 1.0]), np.array([0.0, 6.0])
    sizes = np.array([3.0, 1.0, 2.0])
    weighted = by_pair.threshold_curve(scores, truth, 8, at, sizes)
    times = sizes.astype(int)
    repeated = by_pair.threshold_curve(np.repeat(scores, times), np.repeat(truth, times), 8, at)
    assert weighted.rows() == repeated.rows()
    assert weighted.recall.tolist() == [5 / 8, 3 / 8]


def test_without_labels_the_curve_shows_expected_values():
    posterior = np.array([0.9, 0.6, 0.2])
    (row,) = by_pair.threshold_curve(posterior, posterior, 2.0, np.array([0.5])).rows()
    assert (row["precision"], row["recall"]) == (pytest.approx(0.75), pytest.approx(0.75))


def test_a_threshold_for_a_precision_target_holds_on_another_seed():
    def sample(seed):
        rng = np.random.default_rng(seed)
        truth = rng.random(40_000) < 0.3
        return rng.normal(np.where(truth, 6, -2), 4), truth

    scores, truth = sample(1)
    for target in (0.9, 0.95, 0.98):
        threshold = by_pair.threshold_for_precision(scores, truth, target)
        others, other_truth = sample(2)
        curve = by_pair.threshold_curve(others, other_truth, 1, np.array([threshold]))
        assert curve.precision[0] == pytest.approx(target, abs=0.01)
    assert by_pair.threshold_for_precision(np.array([1.0]), [0], 0.5) is None


@settings(max_examples=40)
@given(scored.filter(len), st.sampled_from([0.3, 0.5, 0.8, 1.0]))
def test_threshold_is_the_lowest_that_reaches_the_target(pairs, target):
    scores = np.array([score for score, _ in pairs], dtype=float)
    got = by_pair.threshold_for_precision(scores, [true for _, true in pairs], target)
    reached = []
    for point in scores:
        kept = [true for score, true in pairs if score >= point]
        if sum(kept) / len(kept) >= target - 1e-12:
            reached.append(point)
    assert got == (min(reached) if reached else None)


def test_usage_error_exits_2(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["evaluate", "--lake", "x"])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(str(PROGRAM), run_name="__main__")
    assert stopped.value.code == 2
    assert "--truth" in capsys.readouterr().err
