"""Scores against the golden vectors and against a loop over fields."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.yaml_text import read_yaml
from pipelines.dedup.comparators import Comparator
from pipelines.dedup.config import ScoreSettings, TermFrequencySettings
from pipelines.dedup.score import (
    Clamp,
    Household,
    Weights,
    bits_of,
    group_agreement,
    posterior,
    term_frequency_bits,
)

CASES = read_yaml((Path(__file__).parents[2] / "cases/dedup/em/scores.yaml").read_text(), "cases")


def weights_of(
    fields: dict[str, dict[str, list[float]]],
    prior: float,
    groups: dict[str, str] | None = None,
    **rest: object,
) -> Weights:
    """Weights over fields of any number of levels; the kind plays no part in scoring."""
    groups = groups or {}
    comparators = tuple(Comparator(name, "text", groups.get(name)) for name in fields)
    m = tuple(np.array(field["m"]) for field in fields.values())
    u = tuple(np.array(field["u"]) for field in fields.values())
    return Weights(comparators, m, u, prior, rest.pop("clamps", {}), ScoreSettings(), **rest)


def levels(*rows: list[int]) -> np.ndarray:
    return np.array(rows, dtype=np.int8)


def test_golden_weights() -> None:
    weights = weights_of(CASES["fields"], CASES["prior"])
    for table, field in zip(weights.tables, CASES["fields"].values(), strict=True):
        assert table[:-1] == pytest.approx(field["bits"], abs=1e-4)
        assert table[-1] == 0.0, "a missing value is no evidence"


def test_golden_posteriors() -> None:
    weights = weights_of(CASES["fields"], CASES["prior"])
    assert weights.prior_bits == pytest.approx(CASES["prior_bits"], abs=1e-4)
    for case in CASES["patterns"]:
        bits = weights.score_bits(levels(case["levels"]))
        assert bits[0] == pytest.approx(case["bits"], abs=1e-4)
        assert posterior(bits)[0] == pytest.approx(case["posterior"], abs=1e-5)
    match = CASES["match_from"]
    assert bits_of(match["posterior"]) == pytest.approx(match["bits"], abs=1e-4)


def test_golden_term_frequency() -> None:
    case = CASES["term_frequency"]
    rows = case["rows"]
    frequency = np.array([row["frequency"] for row in rows])
    for level, name in ((4, "equal"), (3, "close"), (2, "close")):
        found = term_frequency_bits(
            frequency,
            case["expected"],
            np.full(len(rows), level, np.int8),
            4,
            TermFrequencySettings(),
        )
        assert found == pytest.approx([row[name] for row in rows], abs=1e-4)
    for level in (-1, 0, 1):
        nothing = term_frequency_bits(
            frequency,
            case["expected"],
            np.full(len(rows), level, np.int8),
            4,
            TermFrequencySettings(),
        )
        assert not nothing.any()


def address(bits: list[float]) -> tuple[dict[str, dict[str, list[float]]], dict[str, str]]:
    """Fields whose level 0 has the weights asked for."""
    fields = {f"a{i}": {"m": [0.5 * 2**w, 0.5], "u": [0.5, 0.5]} for i, w in enumerate(bits)}
    return fields, dict.fromkeys(fields, "address")


@pytest.mark.parametrize("kind", ["all", "none"])
def test_golden_group_clamp(kind: str) -> None:
    case = CASES["clamp"]
    clamp = Clamp(case["all"]["m"], case["all"]["u"], case["none"]["m"], case["none"]["u"])
    fields, groups = address(case[kind]["weights"])
    weights = weights_of(fields, 0.0001, groups, clamps={"address": clamp})
    demographic, biometric = weights.evidence_bits(levels([0] * 5))
    assert demographic[0] == pytest.approx(case[kind]["bits"], abs=0.01)
    assert biometric[0] == 0


def test_strangers_at_one_address_stay_apart() -> None:
    """K22: as independent fields five equal lines outweigh a name and a birth date that differ."""
    case = CASES["clamp"]["all"]
    fields, groups = address(case["weights"])
    clamp = Clamp(case["m"], case["u"], 0.27, 0.88)
    people = {name: CASES["fields"][name] for name in ("given_name", "dob")}
    pattern = levels([0, 0, 0, 0, 0, 0, 0])
    naive = weights_of(people | fields, CASES["prior"])
    assert posterior(naive.score_bits(pattern))[0] > 0.99
    grouped = weights_of(people | fields, CASES["prior"], groups, clamps={"address": clamp})
    assert posterior(grouped.score_bits(pattern))[0] < ScoreSettings().review_posterior


def test_a_single_weight_is_capped() -> None:
    weights = weights_of({"a": {"m": [1e-12, 1 - 1e-12], "u": [1 - 1e-12, 1e-12]}}, 0.01)
    assert weights.tables[0].tolist() == [-20.0, 20.0, 0.0]


shares = st.lists(st.floats(0.01, 1.0), min_size=2, max_size=4)


@given(st.lists(st.tuples(shares, shares), min_size=1, max_size=4), st.floats(1e-6, 0.2), st.data())
@settings(max_examples=60, deadline=None)
def test_score_is_the_sum_over_the_fields(pairs: list, prior: float, data: st.DataObject) -> None:
    fields = {
        str(i): {"m": m[: min(len(m), len(u))], "u": u[: min(len(m), len(u))]}
        for i, (m, u) in enumerate(pairs)
    }
    pattern = [data.draw(st.integers(-1, len(field["m"]) - 1)) for field in fields.values()]
    expected = math.log2(prior / (1 - prior))
    for level, field in zip(pattern, fields.values(), strict=True):
        expected += math.log2(field["m"][level] / field["u"][level]) if level >= 0 else 0.0
    bits = weights_of(fields, prior).score_bits(levels(pattern))
    assert bits[0] == pytest.approx(expected)
    assert posterior(bits)[0] == pytest.approx(1 / (1 + 2.0**-expected))


def test_household_explains_shared_fields_only() -> None:
    """A match loses what a relative explains as well; what relatives do not share counts fully."""
    shared, own = {"m": [0.1, 0.9], "u": [0.9999, 0.0001]}, {"m": [0.1, 0.9], "u": [0.999, 0.001]}
    kin = Household(0.001, (np.array([0.05, 0.95]), np.array([0.999, 0.001])), {})
    plain = weights_of({"surname": shared, "given": own}, 1e-4)
    family = weights_of({"surname": shared, "given": own}, 1e-4, household=kin)
    relatives, same = levels([1, 0]), levels([1, 1])
    assert family.score_bits(relatives)[0] < plain.score_bits(relatives)[0] - 3
    odds = 1e-4 * 0.9 / 0.0001 * 0.9 / 0.001
    strangers = (1 - 1e-4 - 0.001) * 1 + 0.001 * 0.95 / 0.0001
    assert posterior(family.score_bits(same))[0] == pytest.approx(
        odds / (odds + strangers), rel=1e-6
    )


def test_two_agreeing_captures_floor_the_demographics() -> None:
    """Identity change: new names do not talk two good captures down."""
    low = {"m": [2.0**-30, 1.0], "u": [1.0, 2.0**-30]}
    capture = {"m": [0.1, 0.2, 0.2, 0.2, 0.3], "u": [0.9, 0.07, 0.01, 0.01, 0.01]}
    comparators = (
        Comparator("name", "text"), Comparator("born", "text"),
        Comparator("LEFT_THUMB", "capture", "fingers"), Comparator("RIGHT_THUMB", "capture", "fingers"),
    )  # fmt: skip
    fields = [low, low, capture, capture]
    m, u = ([np.array(field[side]) for field in fields] for side in ("m", "u"))
    weights = Weights(comparators, tuple(m), tuple(u), 0.01, {}, ScoreSettings())
    agree, one = weights.score_bits(levels([0, 0, 3, 3], [0, 0, 3, 2]))
    assert agree == pytest.approx(weights.prior_bits - 12 + 2 * math.log2(20))
    assert one == pytest.approx(weights.prior_bits - 40 + 2 * math.log2(20))


def test_group_agreement() -> None:
    comparators = [Comparator(str(i), "text", "address") for i in range(4)]
    rows = levels([4, 4, 3, 4], [4, 4, 3, -1], [4, 4, -1, -1], [0, 0, 0, -1], [4, 4, 4, 0])
    enough, agree, differ = group_agreement(comparators, [0, 1, 2, 3], rows)
    assert enough.tolist() == [True, True, False, True, True]
    assert agree.tolist() == [True, True, False, False, False]
    assert differ.tolist() == [False, False, False, True, False]


def test_posterior_of_extremes_is_finite() -> None:
    assert posterior(np.array([-1e9, 0.0, 1e9])).tolist() == pytest.approx([0.0, 0.5, 1.0])
