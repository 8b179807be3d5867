"""Splitting of hot buckets against a recursive split with dicts."""

from collections import defaultdict
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.yaml_text import read_yaml
from pipelines.dedup.candidates import PAIR, count_buckets, distinct_pairs
from pipelines.dedup.key_source import is_member
from pipelines.dedup.leaf_walk import few_leaf_keys, leaf_keys
from pipelines.dedup.leaves import leaf_pairs
from pipelines.dedup.membership import HashSet, stands_in
from pipelines.dedup.ordering import order_by
from pipelines.dedup.prediction import predict_pairs
from pipelines.dedup.splitting import Leaves, Tails, split_buckets
from tests.unit.dedup.random_rows import SEEDS

CASES = Path(__file__).parents[2] / "cases" / "dedup" / "splitting"
PRE_FLIGHT = read_yaml((CASES / "pre_flight.yaml").read_text(), "cases")
KEYS = [3**40, 5**27, 7**22, 11**18]  # far apart in all bits, as real keys are
RECURSIVE = read_yaml((CASES / "recursive.yaml").read_text(), "cases")


def pairs_in(size: int) -> int:
    return size * (size - 1) // 2


def parts_of(leaves: Leaves, names: Any) -> set[frozenset[Any]]:
    bounds = list(zip(leaves.starts[:-1], leaves.starts[1:], strict=True))
    return {frozenset(names[i] for i in leaves.order[low:high]) for low, high in bounds}


def split_by_dicts(
    members: list[int],
    tails: list[list[int]],
    nodes: list[int],
    size: int,
    depth: int = 0,
    forced: int = 0,
) -> list[list[int]]:
    """One bucket, cut by its tail bytes and then by the bytes of the node id, lowest first."""
    levels = len(tails[0])
    whole = depth >= forced and len(members) <= size
    if whole or len(members) == 1 or depth == levels + 8:
        return [members]
    parts: dict[int, list[int]] = defaultdict(list)
    for m in members:
        byte = tails[m][depth] if depth < levels else nodes[m] >> 8 * (depth - levels) & 255
        parts[byte].append(m)
    return [
        leaf
        for part in parts.values()
        for leaf in split_by_dicts(part, tails, nodes, size, depth + 1, forced)
    ]


@st.composite
def buckets(draw: Any) -> tuple[list[int], list[int], list[list[int]], int]:
    """Entries in up to four buckets; what would be hundreds of draws comes from one seed."""
    count, size = draw(st.integers(1, 40)), draw(st.integers(1, 8))
    kinds = draw(st.integers(1, len(KEYS)))
    rng = np.random.default_rng(draw(SEEDS))
    keys = [KEYS[place] for place in rng.integers(0, kinds, count)]
    nodes = rng.choice(701, count, replace=False)  # the low byte repeats, so ids cut unevenly
    tails = rng.integers(0, draw(st.integers(1, 3)), (count, 2))
    return keys, nodes.tolist(), tails.tolist(), size


def make_hashes(count: int, seed: int) -> np.ndarray:
    """Hashes of which a third are small, a third are keys that others have as well, 0 among them."""
    rng = np.random.default_rng(seed)
    kinds = (
        rng.integers(0, 41, count, np.uint64),
        rng.integers(0, 2**64 - 1, count, np.uint64, True),
    )
    known = np.array([*KEYS, 0, 2**64 - 1], dtype=np.uint64)[rng.integers(0, 6, count)]
    return np.choose(rng.integers(0, 3, count), [*kinds, known])


def arrays(
    keys: list[int], nodes: list[int], tails: list[list[int]]
) -> tuple[np.ndarray, np.ndarray, Tails]:
    return (
        np.array(keys, dtype=np.uint64),
        np.array(nodes, dtype=np.int64),
        Tails.of(np.array(tails, dtype=np.uint8)),
    )


@pytest.mark.parametrize("case", RECURSIVE, ids=lambda case: case["name"])
def test_golden(case: dict[str, Any]) -> None:
    names = list(case["tails"])
    keys, nodes, tails = arrays(
        [9] * len(names), list(range(len(names))), list(case["tails"].values())
    )
    leaves = split_buckets(keys, nodes, tails, case["split_size"])
    assert parts_of(leaves, names) == {frozenset(leaf) for leaf in case["leaves"]}
    assert (leaves.pairs, leaves.skipped) == (case["pairs"], 0)


def test_golden_pre_flight() -> None:
    sizes = PRE_FLIGHT["buckets"]
    keys = np.repeat(np.arange(1, len(sizes) + 1, dtype=np.uint64), sizes)
    nodes = np.arange(len(keys), dtype=np.int64)
    whole = split_buckets(keys, nodes, Tails.of(np.zeros((len(keys), 1), np.uint8)), len(keys))
    assert whole.pairs == PRE_FLIGHT["pairs"]
    counts = count_buckets(whole)[0]
    assert counts["largest"] == max(sizes)
    share = counts["pairs_before"].max() / counts["pairs_before"].sum()
    assert share == pytest.approx(PRE_FLIGHT["largest_share"], abs=1e-6)


def test_golden_leaves_of_twenty() -> None:
    case = PRE_FLIGHT["leaves_of_20"]
    records = np.arange(case["records"], dtype=np.int64)
    leaf = records // 20
    tails = np.column_stack([leaf % 50, leaf // 50]).astype(np.uint8)
    leaves = split_buckets(np.ones(len(records), np.uint64), records, Tails.of(tails), 20)
    assert (leaves.pairs, leaves.skipped) == (case["pairs"], 0)
    assert set(np.diff(leaves.starts)) == {20}


@given(buckets(), st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_equals_the_recursive_split(bucket: Any, forced: int) -> None:
    keys, nodes, tails, size = bucket
    deep = np.full(len(keys), forced, dtype=np.int64)
    leaves = split_buckets(*arrays(keys, nodes, tails), size, deep)
    expected = []
    for key in set(keys):
        members = [i for i, k in enumerate(keys) if k == key]
        expected += split_by_dicts(members, tails, nodes, size, 0, forced)
    assert parts_of(leaves, range(len(keys))) == {frozenset(leaf) for leaf in expected}
    assert leaves.pairs == sum(pairs_in(len(leaf)) for leaf in expected)
    by_tails = defaultdict(list)  # what the tails alone would have left together
    for key in set(keys):
        members = [i for i, k in enumerate(keys) if k == key]
        for number, leaf in enumerate(split_tails_only(members, tails, size, forced)):
            by_tails[key, number] = leaf
    assert leaves.skipped == sum(pairs_in(len(leaf)) for leaf in by_tails.values()) - leaves.pairs


@given(buckets(), st.lists(st.booleans(), min_size=len(KEYS), max_size=len(KEYS)))
@settings(max_examples=60, deadline=None)
def test_one_walk_predicts_the_pairs_of_every_plan(bucket: Any, banded: list[bool]) -> None:
    keys, nodes, tails = arrays(*bucket[:3])
    is_banded = np.array([banded[KEYS.index(key)] for key in bucket[0]])
    forced, sizes = (0, 1, 2), (6, 3, 1)
    found = predict_pairs(keys, nodes, tails, is_banded, forced, sizes)
    for i, levels in enumerate(forced):
        deep = np.where(is_banded, levels, 0).astype(np.int64)
        expected = [split_buckets(keys, nodes, tails, size, deep).pairs for size in sizes]
        assert found[i].tolist() == expected


@given(st.integers(0, 120), SEEDS)
@settings(max_examples=40, deadline=None)
def test_order_of_hashes(count: int, seed: int) -> None:
    hashes = make_hashes(count, seed)
    assert order_by(hashes).tolist() == np.argsort(hashes, kind="stable").tolist()


def split_tails_only(
    members: list[int], tails: list[list[int]], size: int, forced: int, depth: int = 0
) -> list[list[int]]:
    if depth == len(tails[0]) or (depth >= forced and len(members) <= size) or len(members) == 1:
        return [members]
    parts: dict[int, list[int]] = defaultdict(list)
    for m in members:
        parts[tails[m][depth]].append(m)
    return [
        leaf
        for part in parts.values()
        for leaf in split_tails_only(part, tails, size, forced, depth + 1)
    ]


@given(buckets())
@settings(max_examples=40, deadline=None)
def test_stored_cuts_lead_to_the_same_leaves(bucket: Any) -> None:
    keys, nodes, tails = arrays(*bucket[:3])
    leaves = split_buckets(keys, nodes, tails, bucket[3])
    walked = leaf_keys(keys, nodes, tails, HashSet(np.unique(leaves.cut_keys)))
    by_key = defaultdict(set)
    for i, key in enumerate(walked.tolist()):
        by_key[key].add(i)
    assert {frozenset(leaf) for leaf in by_key.values()} == parts_of(leaves, range(len(keys)))
    assert (walked[leaves.order[leaves.starts[:-1]]] == leaves.keys).all()


@given(buckets())
@settings(max_examples=40, deadline=None)
def test_a_few_entries_come_to_the_leaves_of_all(bucket: Any) -> None:
    keys, nodes, tails = arrays(*bucket[:3])
    cuts = np.unique(split_buckets(keys, nodes, tails, bucket[3]).cut_keys)
    some = np.arange(len(keys)) % 3 == 0
    few = Tails(tails.table, tails.positions, tails.row[some], tails.kind[some])
    whole = leaf_keys(keys, nodes, tails, HashSet(cuts))
    assert (few_leaf_keys(keys[some], nodes[some], few, cuts) == whole[some]).all()


@pytest.mark.parametrize("size", [0, 1, 2, 5000])
@pytest.mark.parametrize("bits", [64, 40, 3], ids=["even", "crowded at the bottom", "few"])
def test_a_sorted_array_is_asked_like_a_set(size: int, bits: int) -> None:
    draw = np.random.default_rng(size + bits)
    values = np.unique(draw.integers(0, 2**bits, size, dtype=np.uint64, endpoint=False) if bits < 64
                       else draw.integers(0, 2**64 - 1, size, dtype=np.uint64, endpoint=True))  # fmt: skip
    asked = np.concatenate([values, values + np.uint64(1), values - np.uint64(1)])
    asked = np.append(asked, np.array([0, 1, 2**63, 2**64 - 1], dtype=np.uint64))
    known = set(values.tolist())
    assert [stands_in(key, values) for key in asked] == [key in known for key in asked.tolist()]


@given(buckets())
@settings(max_examples=40, deadline=None)
def test_pairs_are_those_of_the_leaves(bucket: Any) -> None:
    keys, nodes, tails = arrays(*bucket[:3])
    families = (keys % np.uint64(2)).astype(np.uint8)
    probes = (nodes % 3 == 0).astype(np.uint8)
    leaves = split_buckets(keys, nodes, tails, bucket[3])
    low, high, seen = leaf_pairs(leaves, nodes, families, probes)
    expected = sorted(
        (min(nodes[i], nodes[j]), max(nodes[i], nodes[j]), families[i])
        for leaf in parts_of(leaves, range(len(keys)))
        for i, j in combinations(sorted(leaf), 2)
        if not (probes[i] and probes[j])
    )
    assert sorted(zip(low, high, seen, strict=True)) == expected
    assert (low < high).all()


def test_a_key_of_fifty_thousand_is_cut_and_not_dropped() -> None:
    """K19, D8: nothing is lost, the work stays linear, made + skipped is every pair."""
    count = 50_000
    nodes = np.random.default_rng(4).integers(0, 2**62, count)
    tails = np.zeros((count, 4), dtype=np.uint8)  # no hash tells them apart
    leaves = split_buckets(np.ones(count, np.uint64), nodes, Tails.of(tails), 10)
    assert sorted(leaves.order.tolist()) == list(range(count))
    assert leaves.pairs + leaves.skipped == pairs_in(count)
    assert 0 < leaves.pairs < 10 * count
    assert np.diff(leaves.starts).max() <= 10


def test_equal_tails_and_cut_by_hashes_cost_nothing() -> None:
    """A hot key of many persons: duplicates share their tail and stay together."""
    rng = np.random.default_rng(8)
    tails = np.repeat(rng.integers(0, 256, (500, 6), dtype=np.uint8), 2, axis=0)
    nodes = rng.integers(0, 2**62, 1000)
    leaves = split_buckets(np.ones(1000, np.uint64), nodes, Tails.of(tails), 5)
    low, high, _ = leaf_pairs(leaves, nodes, np.zeros(1000, np.uint8), np.zeros(1000, np.uint8))
    found = set(zip(low.tolist(), high.tolist(), strict=True))
    twins = {tuple(sorted(pair)) for pair in nodes.reshape(-1, 2).tolist()}
    assert twins <= found
    assert leaves.skipped == 0


def test_one_record_twice_in_a_bucket_is_no_pair() -> None:
    nodes = np.array([5, 5, 6], dtype=np.int64)
    leaves = split_buckets(np.ones(3, np.uint64), nodes, Tails.of(np.zeros((3, 1), np.uint8)), 10)
    low, high, _ = leaf_pairs(leaves, nodes, np.zeros(3, np.uint8), np.zeros(3, np.uint8))
    assert list(zip(low, high, strict=True)) == [(5, 6), (5, 6)]


def test_distinct_pairs_join_families_and_votes() -> None:
    """D7: no pair leaves twice."""
    rows = [(1, 2, 1, 1), (3, 4, 2, 1), (1, 2, 4, 1), (1, 2, 1, 3), (3, 4, 2, 65535)]
    found = distinct_pairs(np.array(rows, dtype=PAIR))
    assert found.tolist() == [(1, 2, 5, 5), (3, 4, 2, 65535)]
    assert len(distinct_pairs(np.empty(0, PAIR))) == 0


@given(st.integers(0, 60), st.integers(0, 60), SEEDS)
@settings(max_examples=40, deadline=None)
def test_a_hash_set_holds_its_members_and_no_others(count: int, size: int, seed: int) -> None:
    asked, held = make_hashes(count, seed), np.unique(make_hashes(size, seed + 1))
    members = set(held.tolist())
    for chosen in (asked, held):
        assert HashSet(held).has(chosen).tolist() == [one in members for one in chosen.tolist()]


@given(st.integers(0, 26), SEEDS)
@settings(max_examples=30, deadline=None)
def test_membership(size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, held = rng.integers(-5, 30, 40), np.sort(rng.permutation(26)[:size])
    assert is_member(values, held).tolist() == [one in set(held.tolist()) for one in values]
