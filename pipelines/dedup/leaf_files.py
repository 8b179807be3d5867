"""The leaf that each key of each record stands in, kept for the increments that follow.

An increment has to find who shares a leaf with its records. Under one plan a leaf follows from the
record alone, so the run that cuts the buckets leaves the leaves in a table beside the keys, with a
place for each of them: to read it once takes a tenth of what the way of each key down the tree of
cuts takes. It grows as the files of the keys do. A record that stands in no bucket, being behind an
equal one, has zeros until it comes forward.
"""

from functools import lru_cache
from pathlib import Path

import numba as nb
import numpy as np
import numpy.typing as npt

from pipelines.core.packed import Records
from pipelines.dedup.hashing import U64
from pipelines.dedup.key_files import link_file, open_keys
from pipelines.dedup.splitting import Leaves, Tails

I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]


def make_leaf_table(folder: str) -> None:
    """Begin the table of a store whose keys are there, in the place of one of another plan."""
    for file in (_table(folder), _plan(folder)):
        file.unlink(missing_ok=True)  # an earlier store may have the same file
    _table(folder).touch()
    _resize(folder)


def append_leaves(earlier: str, folder: str) -> None:
    """Go on with the table of an earlier store, where it has one; new records have zeros."""
    if not _plan(earlier).exists():
        return
    link_file(_table(earlier), _table(folder))
    _resize(folder, open_keys(earlier).prefixes.size)  # a killed run may have left more
    _resize(folder)
    _plan(folder).write_text(_plan(earlier).read_text())


def keep_plan(folder: str, plan_id: str) -> None:
    """Say that the table is whole, and under which plan."""
    _plan(folder).write_text(plan_id)


def holds_plan(folder: str, plan_id: str) -> bool:
    """Whether a store has the table under a plan."""
    return _plan(folder).exists() and _plan(folder).read_text() == plan_id


@lru_cache(maxsize=2)
def open_leaves(folder: str) -> U64:
    """Map the table, [records, keys], to read and to write."""
    shape = open_keys(folder).prefixes.shape
    if not shape[0]:
        return np.empty(shape, dtype=np.uint64)
    return np.asarray(np.memmap(_table(folder), np.uint64, "r+", shape=shape))


def write_entries(folder: str, entries: Records, leaves: U64) -> None:
    """Write the leaf of each entry; whoever writes it again writes the same."""
    open_leaves(folder)[entries["row"], entries["column"]] = leaves


def write_leaves(folder: str, leaves: Leaves, tails: Tails) -> None:
    """Write the leaves that some buckets were cut into, given the tails that have cut them."""
    _lay(leaves.order, leaves.starts, leaves.keys, tails.row, tails.kind, open_leaves(folder))


@nb.njit(cache=True, nogil=True)
def _lay(order: I64, starts: I64, keys: U64, rows: U32, columns: U8, table: U64) -> None:
    for leaf in range(len(keys)):
        for i in range(starts[leaf], starts[leaf + 1]):
            table[rows[order[i]], columns[order[i]]] = keys[leaf]


def _resize(folder: str, keys: int | None = None) -> None:
    """Give the table room for so many keys, or for those of its store."""
    room = open_keys(folder).prefixes.size if keys is None else keys
    with _table(folder).open("r+b") as file:
        file.truncate(room * np.dtype(np.uint64).itemsize)


def _table(folder: str) -> Path:
    return Path(folder) / "keys-leaves.bin"


def _plan(folder: str) -> Path:
    return Path(folder) / "keys-leaves.plan"
