"""Keys of all records beside the record store, made once and mapped by every task.

They lie in files that only grow: an increment appends the keys of its records to files that it
shares with the store before it, by a second name (hard link). So keys have rows of their own, and
`nodes` says whose they are: -1 for a record that gave way to another of its id. Each store knows
its own number of rows; what a killed run has appended beyond it is written over.
"""

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import SparkSession

from pipelines.core.local_rows import LocalRows, Rows
from pipelines.dedup.attributes import open_store
from pipelines.dedup.hashing import U64
from pipelines.dedup.keys import KeyLayout, RecordKeys, record_keys
from pipelines.dedup.membership import HashSet

I64 = npt.NDArray[np.int64]

FILES = {"prefixes": np.uint64, "tails": np.uint8}
CHUNK = 50_000  # records whose keys are made at a time


@dataclass(frozen=True)
class StoredKeys(RecordKeys):
    """Keys of a store, and the node of each of their rows; -1 = no record of the store."""

    nodes: I64


def write_keys(session: SparkSession, folder: str, records: int, layout: KeyLayout) -> None:
    """Make the keys of all records and leave them in the folder of the store.

    Tasks write disjoint rows of two files; one that is retried writes the same bytes again.
    """
    widths = len(layout.family_of_key), layout.tail_width
    for (name, kind), width in zip(FILES.items(), widths, strict=True):
        with _file(folder, name).open("wb") as file:
            file.truncate(records * width * np.dtype(kind).itemsize)
    _save_nodes(folder, np.asarray(open_store(folder).nodes), widths)

    def write(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        store = open_store(folder)
        prefixes, tails = _map_keys(folder, "r+")
        for batch in batches:
            for start in batch.column("id").to_pylist():
                rows = slice(start, min(start + CHUNK, records))
                keys = record_keys(store.attributes, rows, layout)
                prefixes[rows], tails[rows, : keys.tails.shape[1]] = keys.prefixes, keys.tails
            yield batch

    chunks_of(session, records).mapInArrow(write, "id bigint").collect()


def append_keys(earlier: str, folder: str, gone: I64, nodes: I64, keys: RecordKeys) -> None:
    """Lay the keys of a union beside its store: those of an earlier store, and new ones.

    Args:
        earlier: the earlier store.
        folder: the store of the union.
        gone: sorted earlier nodes that are not in it as they were.
        nodes: the new records.
        keys: their keys.
    """
    known = open_keys(earlier).nodes
    widths = _widths(earlier)
    for (name, kind), width in zip(FILES.items(), widths, strict=True):
        more = np.zeros((len(nodes), width), dtype=kind)
        given = getattr(keys, name)
        more[:, : given.shape[1]] = given
        link_file(_file(earlier, name), _file(folder, name))
        with _file(folder, name).open("r+b") as file:
            file.seek(len(known) * width * more.itemsize)
            file.write(more.tobytes())
            file.truncate()
    kept = np.where(np.isin(known, gone), -1, known) if len(gone) else known
    _save_nodes(folder, np.append(kept, nodes), widths)


@lru_cache(maxsize=2)
def open_keys(folder: str) -> StoredKeys:
    """Map the keys of a store."""
    nodes = np.load(_nodes_file(folder), mmap_mode="r")
    prefixes, tails = _map_keys(folder, "r")
    return StoredKeys(prefixes, tails, nodes)


def write_cuts(folder: str, cuts: U64) -> None:
    """Leave the cut nodes of a plan beside the keys: too many to travel with every task."""
    np.save(Path(folder) / "keys-cuts.npy", cuts)


@lru_cache(maxsize=2)
def open_cuts(folder: str) -> HashSet:
    """The cut nodes of `write_cuts`."""
    return HashSet(np.load(Path(folder) / "keys-cuts.npy"))


def chunks_of(session: SparkSession, records: int, is_local: bool = False) -> Rows:
    """First row of each run of CHUNK records of the store, spread over the cores."""
    cores = session.sparkContext.defaultParallelism
    chunks = max(1, -(-records // CHUNK))
    if is_local:
        return LocalRows.range(0, chunks * CHUNK, CHUNK, cores)
    return session.range(0, chunks * CHUNK, CHUNK, min(chunks, 4 * cores))


def link_file(earlier: Path, new: Path) -> None:
    """Give a file a second name; where that is not allowed, copy it."""
    try:
        os.link(earlier, new)
    except OSError:
        shutil.copyfile(earlier, new)


def _map_keys(folder: str, mode: Any) -> list[npt.NDArray[Any]]:
    records = len(np.load(_nodes_file(folder), mmap_mode="r"))
    return [
        np.memmap(_file(folder, name), kind, mode, shape=(records, width))
        if records
        else np.empty((0, width), dtype=kind)
        for (name, kind), width in zip(FILES.items(), _widths(folder), strict=True)
    ]


def _save_nodes(folder: str, nodes: I64, widths: tuple[int, ...]) -> None:
    np.save(_nodes_file(folder), nodes)
    np.save(Path(folder) / "keys-widths.npy", np.array(widths))


def _widths(folder: str) -> tuple[int, ...]:
    return tuple(np.load(Path(folder) / "keys-widths.npy").tolist())


def _nodes_file(folder: str) -> Path:
    return Path(folder) / "keys-nodes.npy"


def _file(folder: str, name: str) -> Path:
    return Path(folder) / f"keys-{name}.bin"
