"""Keys of all records beside the record store, made once and mapped by every task."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from pipelines.dedup.attributes import open_store
from pipelines.dedup.hashing import U64
from pipelines.dedup.keys import KeyLayout, RecordKeys, record_keys
from pipelines.dedup.membership import HashSet

FILES = ("prefixes", "tails")
CHUNK = 50_000  # records whose keys are made at a time


def write_keys(session: SparkSession, folder: str, records: int, layout: KeyLayout) -> None:
    """Make the keys of all records and leave them in the folder of the store.

    Tasks write disjoint rows of two files; one that is retried writes the same bytes again.
    """
    create_keys(folder, records, layout)

    def write(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        store = open_store(folder)
        prefixes, tails = (_map(folder, name, mode="r+") for name in FILES)
        for batch in batches:
            for start in batch.column("id").to_pylist():
                rows = slice(start, min(start + CHUNK, records))
                keys = record_keys(store.attributes, rows, layout)
                prefixes[rows], tails[rows, : keys.tails.shape[1]] = keys.prefixes, keys.tails
            yield batch

    chunks_of(session, records).mapInArrow(write, "id bigint").collect()


def create_keys(folder: str, records: int, layout: KeyLayout) -> list[npt.NDArray[Any]]:
    """Empty files for the keys of some records, mapped: one per name of `FILES`."""
    shapes = ((records, len(layout.family_of_key)), (records, layout.tail_width))
    return [
        _map(folder, name, mode="w+", dtype=kind, shape=shape)
        for name, kind, shape in zip(FILES, (np.uint64, np.uint8), shapes, strict=True)
    ]


@lru_cache(maxsize=2)
def open_keys(folder: str) -> RecordKeys:
    """Map the keys of a store."""
    prefixes, tails = (
        np.load(_file(folder, name), mmap_mode="r") for name in ("prefixes", "tails")
    )
    return RecordKeys(prefixes, tails)


def write_cuts(folder: str, cuts: U64) -> None:
    """Leave the cut nodes of a plan beside the keys: too many to travel with every task."""
    np.save(_file(folder, "cuts"), cuts)


@lru_cache(maxsize=2)
def open_cuts(folder: str) -> HashSet:
    """The cut nodes of `write_cuts`."""
    return HashSet(np.load(_file(folder, "cuts")))


def chunks_of(session: SparkSession, records: int) -> DataFrame:
    """First row of each run of CHUNK records of the store, spread over the cores."""
    chunks = max(1, -(-records // CHUNK))
    tasks = min(chunks, 4 * session.sparkContext.defaultParallelism)
    return session.range(0, chunks * CHUNK, CHUNK, tasks)


def _map(folder: str, name: str, **how: Any) -> npt.NDArray[Any]:
    mapped: npt.NDArray[Any] = np.lib.format.open_memmap(_file(folder, name), **how)  # type: ignore[no-untyped-call]
    return mapped


def _file(folder: str, name: str) -> Path:
    return Path(folder) / f"keys-{name}.npy"
