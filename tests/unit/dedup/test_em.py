"""Training against EM over every pair, and against the golden vector."""

import random
from pathlib import Path

import numpy as np
import pytest

from pipelines.core.errors import GateError
from pipelines.core.yaml_text import read_yaml
from pipelines.dedup.comparators import Comparator
from pipelines.dedup.config import EmSettings, ScoreSettings
from pipelines.dedup.em import PatternCounts, level_shares, train
from pipelines.dedup.score import posterior
from pipelines.dedup.training import with_exact_equality

CASE = read_yaml(
    (Path(__file__).parents[2] / "cases/dedup/em/two_comparators.yaml").read_text(), "cases"
)
YES_NO = (Comparator("one", "gender"), Comparator("two", "gender"))


def patterns(counts: dict[str, float]) -> PatternCounts:
    rows = [[int(digit) for digit in pattern] for pattern in counts]
    return PatternCounts(
        np.array(rows, dtype=np.int8), np.array(list(counts.values()), dtype=float)
    )


NO_PAIRS = PatternCounts(np.empty((0, 2), dtype=np.int8), np.empty(0))


def one_round(
    counts: dict[str, float],
    m: list[float],
    u: list[float],
    prior: float,
    all_pairs: float,
    alpha: float,
) -> tuple[dict[str, float], float, list[float], float]:
    """Expectation and maximisation of two yes/no comparators as on paper."""
    chance = {}
    for pattern in counts:
        same, other = prior, 1 - prior
        for digit, good, bad in zip(pattern, m, u, strict=True):
            same *= good if digit == "1" else 1 - good
            other *= bad if digit == "1" else 1 - bad
        chance[pattern] = same / (same + other)
    matches = sum(counts[p] * chance[p] for p in counts)
    learnt = [
        (sum(counts[p] * chance[p] for p in counts if p[i] == "1") + alpha) / (matches + 2 * alpha)
        for i in range(len(m))
    ]
    return chance, matches, learnt, matches / all_pairs


def test_golden_round_of_the_oracle() -> None:
    case = CASE["round_1"]
    chance, matches, m, prior = one_round(
        CASE["counts"], CASE["m"], CASE["u"], CASE["prior"], 10_000, 0.01
    )
    assert chance == pytest.approx(case["posterior"], abs=1e-6)
    assert (matches, prior) == pytest.approx((case["matches"], case["prior"]), abs=1e-4)
    assert m == pytest.approx(case["m"], abs=1e-4)


def test_golden_end_of_the_oracle_and_the_naive_prior() -> None:
    """K21: the prior as a share of the candidates nearly doubles the matches."""
    m, prior, matches = CASE["m"], CASE["prior"], 0.0
    for _ in range(20):
        chance, matches, m, prior = one_round(CASE["counts"], m, CASE["u"], prior, 10_000, 0.01)
    assert matches == pytest.approx(CASE["end"]["matches"], abs=0.02)
    assert chance["10"] == pytest.approx(CASE["end"]["posterior_10"], abs=1e-5)
    naive = CASE["prior_over_candidates"]
    m, prior = CASE["m"], naive["start"]
    for _ in range(300):
        chance, matches, m, prior = one_round(CASE["counts"], m, CASE["u"], prior, 400, 0.01)
    assert matches == pytest.approx(naive["matches"], abs=0.5)
    assert chance["10"] == pytest.approx(naive["posterior_10"], abs=0.01)


def test_golden_training() -> None:
    """142 records make 10,011 pairs, as near to 10,000 as records allow."""
    shares = [np.array([1 - u, u]) for u in CASE["u"]]
    found = train(
        patterns(CASE["counts"]),
        shares,
        NO_PAIRS,
        142,
        YES_NO,
        EmSettings(),
        ScoreSettings(),
        fixed_u=True,
    )
    assert found.matches == pytest.approx(CASE["end"]["matches"], abs=0.02)
    assert found.rounds <= CASE["end"]["round"] + 2
    chance = posterior(found.weights.score_bits(np.array([[1, 0], [0, 1]], dtype=np.int8)))
    assert chance[0] == pytest.approx(CASE["end"]["posterior_10"], abs=1e-4)
    assert np.allclose(found.weights.u, shares)


@pytest.mark.parametrize("seed", range(5))
def test_equals_em_over_every_pair(seed: int) -> None:
    """Patterns with counts learn what single pairs learn, missing values and taken-out u included."""
    rng, levels = random.Random(seed), (3, 2, 2)
    kinds = (Comparator("a", "exact"), Comparator("b", "gender"), Comparator("c", "gender"))
    rows = []
    for _ in range(300):
        is_match = rng.random() < 0.3
        rows.append(tuple(
            -1 if rng.random() < 0.1 else (n - 1 if rng.random() < (0.9 if is_match else 0.1) else rng.randrange(n))
            for n in levels
        ))  # fmt: skip
    random_shares = [[0.9, 0.07, 0.03], [0.95, 0.05], [0.9, 0.1]]
    records, alpha = 150, 0.01
    all_pairs = records * (records - 1) / 2
    m = [[0.1 / (n - 1)] * (n - 1) + [0.9] for n in levels]
    u, prior, moved, rounds = random_shares, 0.1 * records / all_pairs, 1.0, 0
    while moved >= 1e-5:
        chance = []
        for row in rows:
            same, other = prior, 1 - prior
            for field, level in enumerate(row):
                same *= m[field][level] if level >= 0 else 1
                other *= u[field][level] if level >= 0 else 1
            chance.append(same / (same + other))
        before, m, prior = m, [], sum(chance) / all_pairs
        for field, n in enumerate(levels):
            sums = [
                sum(p for p, r in zip(chance, rows, strict=True) if r[field] == at)
                for at in range(n)
            ]
            m.append([(one + alpha) / (sum(sums) + alpha * n) for one in sums])
        u = [
            [max((r - prior * good) / (1 - prior), 1e-9) for r, good in zip(*both, strict=True)]
            for both in zip(random_shares, m, strict=True)
        ]
        moved, rounds = (
            max(
                abs(x - y)
                for a, b in zip(m, before, strict=True)
                for x, y in zip(a, b, strict=True)
            ),
            rounds + 1,
        )
    distinct = sorted(set(rows))
    counted = PatternCounts(
        np.array(distinct, dtype=np.int8), np.array([rows.count(row) for row in distinct], float)
    )
    nothing = PatternCounts(np.empty((0, 3), dtype=np.int8), np.empty(0))
    shares = [np.array(share) for share in random_shares]
    found = train(counted, shares, nothing, records, kinds, EmSettings(), ScoreSettings())
    assert found.rounds == rounds
    assert found.weights.prior == pytest.approx(prior, rel=1e-6)
    for side, learnt in ((found.weights.m, m), (found.weights.u, u)):
        assert np.concatenate(side) == pytest.approx(np.concatenate(learnt), rel=1e-5)


def test_the_order_of_patterns_does_not_matter() -> None:
    shares = [np.array([1 - u, u]) for u in CASE["u"]]
    counts = dict(reversed(CASE["counts"].items()))
    one, two = (
        train(patterns(c), shares, NO_PAIRS, 142, YES_NO, EmSettings(), ScoreSettings())
        for c in (CASE["counts"], counts)
    )
    assert one.matches == pytest.approx(two.matches, rel=1e-9)


def test_shares_sum_to_one_however_rare_a_level() -> None:
    """A level that matches alone show has no share left among strangers; the file must load."""
    shares = [np.array([0.999, 0.001]), np.array([0.99, 0.01])]
    found = train(
        patterns({"11": 300, "00": 700}),
        shares,
        NO_PAIRS,
        500,
        YES_NO,
        EmSettings(),
        ScoreSettings(),
    )
    for side in (found.weights.m, found.weights.u):
        assert [share.sum() for share in side] == pytest.approx([1.0, 1.0], abs=1e-12)
        assert all((share > 0).all() for share in side)


@pytest.mark.parametrize("records", [1, 2])
def test_tiny_files_have_finite_weights(records: int) -> None:
    nothing = [np.zeros(2), np.zeros(2)]
    found = train(NO_PAIRS, nothing, NO_PAIRS, records, YES_NO, EmSettings(), ScoreSettings())
    assert 0 < found.weights.prior < 1
    assert np.isfinite(np.concatenate([*found.weights.m, *found.weights.u])).all()


def test_no_convergence_is_refused() -> None:
    shares = [np.array([1 - u, u]) for u in CASE["u"]]
    with pytest.raises(GateError, match=r"did not converge in 1 rounds.*em\.rounds"):
        train(
            patterns(CASE["counts"]),
            shares,
            NO_PAIRS,
            142,
            YES_NO,
            EmSettings(rounds=1),
            ScoreSettings(),
        )


def test_too_many_duplicates_are_refused() -> None:
    shares = [np.array([0.999, 0.001])] * 2
    every_pair = patterns({"11": 200 * 199 / 2})
    with pytest.raises(GateError, match="duplicates per record, over 25"):
        train(
            every_pair, shares, NO_PAIRS, 200, YES_NO, EmSettings(), ScoreSettings(), fixed_u=True
        )


def test_level_shares_pass_over_missing_values() -> None:
    counts = PatternCounts(np.array([[1, -1], [0, 1]], dtype=np.int8), np.array([3.0, 1.0]))
    assert [share.tolist() for share in level_shares(counts, YES_NO)] == [[0.25, 0.75], [0.0, 1.0]]


def test_exact_shares_replace_sampled_ones() -> None:
    assert with_exact_equality(np.array([0.6, 0.3, 0.1]), {2: 0.01}) == pytest.approx(
        [0.66, 0.33, 0.01]
    )
    assert with_exact_equality(np.array([0.0, 0.0, 0.0]), {2: 1.0}).tolist() == [0.0, 0.0, 1.0]
