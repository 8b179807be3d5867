"""Fields that agree together among strangers: counted as by brute force, and what it is for."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.dedup.comparators import Comparator
from pipelines.dedup.config import EmSettings, ScoreSettings
from pipelines.dedup.dependence import Dependence, measure_dependence
from pipelines.dedup.em import PatternCounts, train
from pipelines.dedup.mapping import Mapping
from pipelines.dedup.score import Weights, posterior

FIELDS = {
    "name": {"column": "name", "comparator": "given_name"},
    "born": {"column": "born", "comparator": "date_of_birth"},
    "town": {"column": "town", "comparator": "town", "group": "address"},
    "code": {"column": "code", "comparator": "code", "group": "address"},
    "family": {"column": "family", "comparator": "surname", "household": True},
}


def mapping_of(*names: str) -> Mapping:
    keys = [{"exact": [names[0]]}]
    return Mapping.model_validate(
        {"id": "id", "fields": {n: FIELDS[n] for n in names}, "keys": keys}
    )


def codes(rng: np.random.Generator, rows: int) -> dict[str, np.ndarray]:
    town = rng.integers(0, 20, rows)
    return {
        "name": rng.integers(0, 200, rows).astype(np.int32),
        "born": rng.integers(0, 5000, rows).astype(np.int32),
        "town": town.astype(np.int32),
        "code": (town * 3 + rng.integers(0, 3, rows)).astype(np.int32),
        "family": rng.integers(0, 50, rows).astype(np.int32),
    }


def test_the_town_of_a_code_is_found_and_nothing_else() -> None:
    values = codes(np.random.default_rng(1), 4000)
    found = measure_dependence(values, mapping_of(*FIELDS), np.ones(4000), 4000, 10)
    strong = [edge for edge in found if edge.bits > 0.2]
    assert [{edge.first, edge.second} for edge in strong] == [{"town", "code"}]
    assert strong[0].bits == pytest.approx(np.log2(20), abs=0.2)  # the code alone tells the town


def test_duplicates_do_not_pass_for_dependence() -> None:
    """Copies agree on everything: without the anchors town and family would seem to depend."""
    values = codes(np.random.default_rng(2), 2000)
    twice = {name: np.append(column, column) for name, column in values.items()}
    found = measure_dependence(twice, mapping_of(*FIELDS), np.ones(4000), 4000, 10)
    assert all(edge.bits < 0.3 for edge in found if "family" in (edge.first, edge.second))


def test_nothing_is_measured_without_an_anchor() -> None:
    values = codes(np.random.default_rng(3), 100)
    assert measure_dependence(values, mapping_of("town", "code"), np.ones(100), 100, 10) == ()


def test_rows_behind_a_representative_do_not_count() -> None:
    values = codes(np.random.default_rng(4), 1000)
    weights = (np.arange(1000) % 2).astype(float)
    halved = {name: column[1::2] for name, column in values.items()}
    mapping = mapping_of(*FIELDS)
    expected = measure_dependence(halved, mapping, np.ones(500), 500, 10)
    assert measure_dependence(values, mapping, weights, 1000, 10) == expected


@given(st.integers(0, 2**32 - 1), st.integers(2, 25))
@settings(max_examples=30, deadline=None)
def test_counts_equal_a_double_loop(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    names = ("name", "born", "town", "code")
    values = {name: rng.integers(-1, 3, rows).astype(np.int32) for name in names}
    found = measure_dependence(values, mapping_of(*names), np.ones(rows), rows, 1)
    both, one, other, pairs = 0, 0, 0, 0
    for a, b in combinations(range(rows), 2):
        if min(values[n][r] for n in ("town", "code") for r in (a, b)) < 0:
            continue
        pairs += 1
        if any(values[n][a] == values[n][b] >= 0 for n in ("name", "born")):
            continue
        equal = [values[n][a] == values[n][b] for n in ("town", "code")]
        both, one, other = both + all(equal), one + equal[0], other + equal[1]
    bits = np.log2((both + 1) / (one * other / max(pairs, 1) + 1))
    if both and bits > 1e-9:
        assert [edge.bits for edge in found] == [pytest.approx(bits)]
    else:
        assert found == ()


def test_neighbours_of_a_large_register_are_no_matches() -> None:
    """A million records: 50,000 pairs of neighbours and namesakes beside 2,000 duplicates."""
    comparators = (
        Comparator("name", "gender"), Comparator("born", "gender"),
        Comparator("town", "gender", "address"), Comparator("code", "gender", "address"),
    )  # fmt: skip
    records = 1_000_000
    pairs = records * (records - 1) / 2
    levels = np.array(
        [[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 1, 1], [0, 0, 1, 1], [1, 0, 0, 0]], dtype=np.int8
    )
    counts = np.array([2_000, 300, 50_000, 400_000, 400_000], dtype=np.float64)
    agree = {"name": 1e-3, "born": 1e-5, "town": 1e-4, "code": 1e-4}
    shares = [np.array([1 - agree[c.name], agree[c.name]]) for c in comparators]
    nobody = PatternCounts(levels[:0], counts[:0])
    edge = Dependence("town", "code", float(np.log2(1e-4 / 1e-8)))

    def trained(dependence: tuple[Dependence, ...]) -> Weights:
        return train(
            PatternCounts(levels, counts), shares, nobody, records, comparators,
            EmSettings(), ScoreSettings(), dependence=dependence,
        ).weights  # fmt: skip

    fooled, told = trained(()), trained((edge,))
    assert fooled.prior * pairs > 40_000, "the dependence is not needed in this example"
    assert told.prior * pairs == pytest.approx(2_000, rel=0.1)
    chance = posterior(told.score_bits(levels))
    assert chance[0] > 0.95
    assert (chance[2:] < 0.1).all()
