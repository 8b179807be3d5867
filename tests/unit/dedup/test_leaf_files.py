"""The table of leaves: who shares a leaf with some records, against a search through all pairs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.dedup import key_files
from pipelines.dedup.entries import ENTRY, entries_among
from pipelines.dedup.key_files import append_keys, open_keys
from pipelines.dedup.keys import RecordKeys
from pipelines.dedup.leaf_files import (
    append_leaves,
    holds_plan,
    keep_plan,
    make_leaf_table,
    open_leaves,
    write_entries,
    write_leaves,
)
from pipelines.dedup.membership import HashSet
from pipelines.dedup.splitting import Tails, split_buckets
from tests.unit.dedup.random_rows import SEEDS

pytestmark = pytest.mark.unit

NONE = np.empty(0, dtype=np.int64)
WIDTH = 3


def keys_of(rows: int) -> RecordKeys:
    prefixes = np.arange(1, rows * WIDTH + 1, dtype=np.uint64).reshape(rows, WIDTH)
    return RecordKeys(prefixes, np.zeros((rows, 4), dtype=np.uint8))


def make_store(parent: Path, rows: int) -> str:
    """A store with keys, as an append to nothing, and with a table of leaves."""
    empty, folder = parent / "empty", parent / "base"
    empty.mkdir()
    folder.mkdir()
    key_files._save_nodes(str(empty), NONE, (WIDTH, 4))
    for name in key_files.FILES:
        key_files._file(str(empty), name).touch()
    append_keys(str(empty), str(folder), NONE, np.arange(rows), keys_of(rows))
    make_leaf_table(str(folder))
    return str(folder)


def grow(earlier: str, name: str, rows: int) -> str:
    folder = Path(earlier).parent / name
    folder.mkdir()
    append_keys(earlier, str(folder), NONE, 100 + np.arange(rows), keys_of(rows))
    append_leaves(earlier, str(folder))
    return str(folder)


def entries_of(rows: list[int], columns: list[int]) -> Any:
    entries = np.zeros(len(rows), dtype=ENTRY)
    entries["row"], entries["column"] = rows, columns
    return entries


@given(st.integers(0, 30), st.integers(0, 7), SEEDS)
@settings(max_examples=40, deadline=None)
def test_who_stands_in_some_leaves(rows: int, size: int, seed: int) -> None:
    """Against a search with Python's sets, over the whole range of hashes and with gaps."""
    rng = np.random.default_rng(seed)
    known = np.array([0, 1, 7, 2**63, 2**64 - 1, 3**40, 5**27], dtype=np.uint64)
    leaves = known[rng.integers(0, len(known), (rows, WIDTH))]
    table, asked = leaves.tolist(), set(rng.permutation(known)[:size].tolist())
    found = entries_among(leaves, 50, HashSet(np.array(sorted(asked), dtype=np.uint64)))
    expected = [
        (key, 50 + number, column, 0)
        for number, keys in enumerate(table)
        for column, key in enumerate(keys)
        if key in asked and key != 0
    ]
    assert found.tolist() == expected


def test_more_than_fits_at_first_is_found() -> None:
    leaves = np.arange(1, 9001, dtype=np.uint64).reshape(-1, WIDTH)
    found = entries_among(leaves, 0, HashSet(leaves.ravel()[::2]))
    assert found["key"].tolist() == list(range(1, 9001, 2))


@given(st.lists(st.sampled_from([3**40, 5**27]), min_size=1, max_size=20), st.integers(1, 6))
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_cut_buckets_leave_their_leaves(
    tmp_path_factory: pytest.TempPathFactory, keys: list[int], size: int
) -> None:
    """Two records share a leaf in the table exactly where the split has left them together."""
    folder = make_store(tmp_path_factory.mktemp("leaves"), len(keys))
    draw = np.random.default_rng(len(keys))
    table = draw.integers(0, 2, (len(keys), 4), dtype=np.uint8)
    row, kind = np.arange(len(keys), dtype=np.uint32), np.ones(len(keys), dtype=np.uint8)
    tails = Tails(table, np.array([[0, 1], [2, 3]]), row, kind)
    leaves = split_buckets(np.array(keys, dtype=np.uint64), row.astype(np.int64), tails, size)
    write_leaves(folder, leaves, tails)
    kept = open_leaves(folder)
    assert not kept[:, [0, 2]].any()
    home = np.empty(len(keys), dtype=np.int64)
    for number, (low, high) in enumerate(zip(leaves.starts[:-1], leaves.starts[1:], strict=True)):
        home[leaves.order[low:high]] = number
    assert ((kept[:, None, 1] == kept[None, :, 1]) == (home[:, None] == home[None, :])).all()


def test_a_table_grows_with_its_store(tmp_path: Path) -> None:
    base = make_store(tmp_path, 2)
    write_entries(base, entries_of([0, 1], [2, 0]), np.array([8, 9], dtype=np.uint64))
    keep_plan(base, "plan")
    killed = grow(base, "killed", 3)
    write_entries(killed, entries_of([2, 4], [1, 1]), np.array([5, 6], dtype=np.uint64))
    more = grow(base, "more", 1)
    assert holds_plan(more, "plan")
    assert open_leaves(more).tolist() == [[0, 0, 8], [9, 0, 0], [0, 0, 0]]
    assert open_leaves(more).shape == open_keys(more).prefixes.shape


def test_another_plan_leaves_the_earlier_store_alone(tmp_path: Path) -> None:
    base = make_store(tmp_path, 2)
    write_entries(base, entries_of([0], [0]), np.array([8], dtype=np.uint64))
    keep_plan(base, "plan")
    more = grow(base, "more", 1)
    assert not holds_plan(more, "other")
    make_leaf_table(more)
    write_entries(more, entries_of([0], [0]), np.array([3], dtype=np.uint64))
    keep_plan(more, "other")
    assert open_leaves(base).tolist() == [[8, 0, 0], [0, 0, 0]]
    assert open_leaves(more).tolist() == [[3, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert holds_plan(base, "plan")
    assert holds_plan(more, "other")


def test_a_store_without_a_table_passes_none_on(tmp_path: Path) -> None:
    base = make_store(tmp_path, 2)  # a run that was killed has not said that it is whole
    assert not holds_plan(grow(base, "more", 1), "plan")
