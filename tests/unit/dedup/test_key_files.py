"""Keys beside a store: an increment appends its own, whatever a killed run has left there."""

from pathlib import Path

import numpy as np
import pytest

from pipelines.dedup import key_files
from pipelines.dedup.key_files import append_keys, open_keys
from pipelines.dedup.keys import RecordKeys

pytestmark = pytest.mark.unit


def some_keys(seed: int, rows: int) -> RecordKeys:
    draw = np.random.default_rng(seed)
    prefixes = draw.integers(1, 2**63, (rows, 3), dtype=np.uint64)
    return RecordKeys(prefixes, draw.integers(0, 255, (rows, 4), dtype=np.uint8))


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A store of five records, as an append to nothing."""
    empty, folder = tmp_path / "empty", tmp_path / "base"
    empty.mkdir()
    folder.mkdir()
    key_files._save_nodes(str(empty), np.empty(0, dtype=np.int64), (3, 4))
    for name in key_files.FILES:
        key_files._file(str(empty), name).touch()
    nodes = np.array([11, 22, 33, 44, 55])
    append_keys(str(empty), str(folder), nodes[:0], nodes, some_keys(1, 5))
    return folder


def grown(base: Path, name: str, nodes: list[int], gone: list[int], seed: int) -> Path:
    folder = base.parent / name
    folder.mkdir()
    new = np.array(nodes, dtype=np.int64)
    append_keys(
        str(base), str(folder), np.array(gone, dtype=np.int64), new, some_keys(seed, len(new))
    )
    return folder


def check(folder: Path, nodes: list[int], parts: list[RecordKeys]) -> None:
    keys = open_keys(str(folder))
    assert keys.nodes.tolist() == nodes
    for name in key_files.FILES:
        assert (
            getattr(keys, name) == np.concatenate([getattr(part, name) for part in parts])
        ).all()


@pytest.mark.parametrize("is_linked", [True, False])
def test_new_keys_stand_behind_the_earlier_ones(
    base: Path, is_linked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no links here")

    if not is_linked:
        monkeypatch.setattr(key_files.os, "link", refuse)
    more = grown(base, "more", [22, 66], [22], 2)
    check(more, [11, -1, 33, 44, 55, 22, 66], [some_keys(1, 5), some_keys(2, 2)])
    check(base, [11, 22, 33, 44, 55], [some_keys(1, 5)])


def test_what_a_killed_run_appended_is_written_over(base: Path) -> None:
    grown(base, "killed", [66, 77, 88], [], 3)
    again = grown(base, "again", [99], [], 4)
    check(again, [11, 22, 33, 44, 55, 99], [some_keys(1, 5), some_keys(4, 1)])
    check(
        grown(again, "later", [], [11], 5),
        [-1, 22, 33, 44, 55, 99],
        [some_keys(1, 5), some_keys(4, 1)],
    )
