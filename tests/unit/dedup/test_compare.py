"""Agreement levels against a plain reading of the rules, one pair at a time."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.yaml_text import read_yaml
from pipelines.dedup import compare
from pipelines.dedup.attributes import encode_attributes
from pipelines.dedup.compare import Attributes, compare_pairs, edit_distances
from pipelines.dedup.mapping import Mapping
from pipelines.dedup.vocabulary import Vocabulary
from tests.unit.dedup.random_rows import SEEDS, random_rows, random_words

CASES = read_yaml(
    (Path(__file__).parents[2] / "cases/dedup/compare/levels.yaml").read_text(), "cases"
)


def make_words(seed: int, count: int) -> list[str]:
    return random_words(seed, count, "abc ", (1, 7))


def mapping_of(fields: dict[str, str]) -> Mapping:
    return _mapping_of(tuple(fields.items()))


@cache
def _mapping_of(items: tuple[tuple[str, str], ...]) -> Mapping:
    fields = dict(items)
    specs = {name: {"column": name, "comparator": kind} for name, kind in fields.items()}
    return Mapping.model_validate(
        {"id": "id", "fields": specs, "keys": [{"exact": [next(iter(fields))]}]}
    )


def levels_of(fields: dict[str, str], left: dict[str, Any], right: dict[str, Any]) -> np.ndarray:
    """Compare row by row; both sides hold lists by field."""
    mapping = mapping_of(fields)
    table = pa.table({name: pa.array(left[name] + right[name], pa.string()) for name in fields})
    count = len(next(iter(left.values())))
    rows = np.arange(count, dtype=np.int64)
    return compare_pairs(encode_attributes(table, mapping), mapping, rows, rows + count)


def osa(a: str, b: str) -> int:
    """Optimal string alignment by the full table."""
    table = {(i, 0): i for i in range(len(a) + 1)} | {(0, j): j for j in range(len(b) + 1)}
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            change = table[i - 1, j - 1] + (a[i - 1] != b[j - 1])
            table[i, j] = min(table[i - 1, j] + 1, table[i, j - 1] + 1, change)
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                table[i, j] = min(table[i, j], table[i - 2, j - 2] + 1)
    return table[len(a), len(b)]


@pytest.mark.parametrize(
    ("kind", "comparator"),
    [
        ("text", "surname"),
        ("text", "town"),
        ("exact", "code"),
        ("gender", "gender"),
        ("date", "date_of_birth"),
    ],
)
def test_golden(kind: str, comparator: str) -> None:
    a, b, expected = (list(side) for side in zip(*CASES[kind], strict=True))
    for left, right in ((a, b), (b, a)):
        found = levels_of({"value": comparator}, {"value": left}, {"value": right})[:, 0].tolist()
        assert dict(zip(zip(left, right, strict=True), found, strict=True)) == dict(
            zip(zip(left, right, strict=True), expected, strict=True)
        )


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("names", {"first": "given_name", "last": "surname"}),
        ("lines", {"first": "address_1", "last": "address_2"}),
    ],
)
def test_golden_crossed(kind: str, fields: dict[str, str]) -> None:
    for a, b, expected in CASES[kind]:
        wanted = [-1 if level is None else level for level in expected]
        for one, two in ((a, b), (b, a)):
            sides = [{"first": [side[0]], "last": [side[1]]} for side in (one, two)]
            assert levels_of(fields, *sides)[0].tolist() == wanted, (one, two)


@given(SEEDS, st.integers(1, 2))
@settings(max_examples=12, deadline=None)
def test_distance_and_bound(seed: int, limit: int) -> None:
    """The letter-mask bound never rejects a pair within the limit."""
    words = sorted(set(make_words(seed, 80)))
    vocabulary = Vocabulary.of(pa.array(words, pa.large_string()), is_text=False)
    a, b = np.random.default_rng(seed).integers(0, len(words), (2, 40), dtype=np.int32)
    expected = [min(osa(words[i], words[j]), limit + 1) for i, j in zip(a, b, strict=True)]
    assert edit_distances(vocabulary, a, b, limit).tolist() == expected


@pytest.mark.parametrize(
    ("a", "b", "bound"), [("lakshmi", "laxmi", 3), ("ramesh", "rmaesh", 0), ("suresh", "patil", 6)]
)
def test_letter_masks_bound_the_distance(a: str, b: str, bound: int) -> None:
    masks = [int(mask) for mask in Vocabulary.of(pa.array([a, b], pa.large_string()), False).masks]
    both = (masks[0] & ~masks[1]).bit_count(), (masks[1] & ~masks[0]).bit_count()
    assert max(both) <= osa(a, b)
    assert max(both) == bound


@given(SEEDS)
@settings(max_examples=12, deadline=None)
def test_codes_equal_the_rule(seed: int) -> None:
    def level(a: str | None, b: str | None) -> int:
        if a is None or b is None:
            return -1
        return 2 if a == b else int(osa(a, b) <= 1)

    words = [None, None, *make_words(seed, 10)]  # few, so that many pairs are equal
    rows = random_rows(seed, 40, {"a": words, "b": words})
    sides = [[row[name] for row in rows] for name in ("a", "b")]
    found = levels_of({"value": "code"}, {"value": sides[0]}, {"value": sides[1]})
    assert found[:, 0].tolist() == [level(*pair) for pair in zip(*sides, strict=True)]


PARTS = {"y": range(1979, 1984), "m": range(1, 13), "d": [1, 1, *range(1, 29)]}


def days_of(seed: int, count: int) -> list[tuple[str, str]]:
    """Pairs of dates that share year, month or day more often than strangers do."""
    both = random_rows(seed, count, {part + side: PARTS[part] for side in "ab" for part in PARTS})
    shared = random_rows(seed + 1, count, dict.fromkeys(PARTS, (True, False)))
    for row, is_shared in zip(both, shared, strict=True):
        row |= {f"{part}b": row[f"{part}a"] for part in PARTS if is_shared[part]}
    return [
        tuple(f"{row['y' + side]}{row['m' + side]:02}{row['d' + side]:02}" for side in "ab")
        for row in both
    ]


@given(SEEDS)
@settings(max_examples=12, deadline=None)
def test_dates_equal_the_rule(seed: int) -> None:
    def level(a: str, b: str) -> int:
        estimated = a.endswith("0101") or b.endswith("0101")
        if a == b:
            return 4 if estimated else 5
        swapped = a[4:6] == b[6:] and a[6:] == b[4:6] and a[:4] == b[:4]
        if osa(a, b) <= 1 or swapped:
            return 3
        if a[:4] == b[:4] and estimated:
            return 2
        parts = (a[:4] == b[:4]) + (a[4:6] == b[4:6]) + (a[6:] == b[6:])
        return int(parts >= 2 or osa(a, b) <= 2)

    pairs = days_of(seed, 40)
    sides = [list(side) for side in zip(*pairs, strict=True)]
    found = levels_of({"value": "date_of_birth"}, {"value": sides[0]}, {"value": sides[1]})
    assert found[:, 0].tolist() == [level(a, b) for a, b in pairs]


def test_each_value_pair_is_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """K20: one call per distinct value pair, however many record pairs show it."""
    called: list[tuple[str, str]] = []
    original = compare.process.cpdist

    def count(a: list[str], b: list[str], **options: Any) -> Any:
        called.extend(tuple(sorted(pair)) for pair in zip(a, b, strict=True))
        return original(a, b, **options)

    monkeypatch.setattr(compare.process, "cpdist", count)
    left, right = (
        ["ramesh", "ramesha", "ramesh", "suresh"],
        ["ramesha", "ramesh", "ramash", "suresh"],
    )
    levels = levels_of({"value": "town"}, {"value": left * 50}, {"value": right * 50})
    assert sorted(called) == [("ramash", "ramesh"), ("ramesh", "ramesha")]
    assert levels[:4, 0].tolist() == [3, 3, 3, 4]


def test_no_pairs_at_all() -> None:
    table = pa.table({"value": pa.array(["a"], pa.string())})
    mapping = mapping_of({"value": "town"})
    nothing = np.empty(0, dtype=np.int64)
    found = compare_pairs(encode_attributes(table, mapping), mapping, nothing, nothing)
    assert found.shape == (0, 1)


def test_a_field_without_any_value() -> None:
    for comparator in ("town", "code", "date_of_birth", "gender"):
        found = levels_of({"value": comparator}, {"value": [None, None]}, {"value": [None, None]})
        assert found.tolist() == [[-1], [-1]]


def test_attributes_share_one_vocabulary_of_names() -> None:
    mapping = mapping_of({"first": "given_name", "last": "surname", "place": "town"})
    table = pa.table({name: pa.array(["goa"], pa.string()) for name in mapping.fields})
    attributes: Attributes = encode_attributes(table, mapping)
    assert attributes.vocabularies["first"] is attributes.vocabularies["last"]
    assert attributes.vocabularies["place"] is not attributes.vocabularies["first"]
