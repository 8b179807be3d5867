"""Candidate pairs: one shuffle of bucket entries, splitting in the task, then distinct pairs."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from pipelines.core.packed import Records, column, exchange, pack, pack_by_partition, unpack
from pipelines.dedup.attributes import open_store
from pipelines.dedup.capture_keys import capture_entries
from pipelines.dedup.hashing import U64, splitmix64
from pipelines.dedup.keys import CAPTURE_ENTRY, ENTRY, KeyLayout, key_entries, record_keys
from pipelines.dedup.splitting import Leaves, leaf_keys, leaf_pairs, split_buckets

I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]

PAIR = np.dtype([("a", "<i8"), ("b", "<i8"), ("families", "<u4"), ("votes", "<u2")])
"""A candidate pair, a < b: bit set of the key families that saw it, and how often one did."""

SIZE_BINS = 40
COUNTS = np.dtype(
    [("made", "<i8"), ("skipped", "<i8"), ("largest", "<i8"), ("before", "<i8", (SIZE_BINS,)),
     ("after", "<i8", (SIZE_BINS,)), ("pairs_before", "<f8", (SIZE_BINS,)),
     ("pairs_after", "<f8", (SIZE_BINS,))]
)  # fmt: skip
"""Figures of one task; the arrays count buckets and their pairs by floor(log2(records))."""

CUT = np.dtype([("key", "<u8")])

CHUNK = 50_000  # records whose keys are made at a time
NEVER = 2**62  # split size of buckets whose cuts are already walked


@dataclass(frozen=True)
class Plan:
    """How deep prefixes start and which bucket nodes are cut.

    Attributes:
        depth: hash values in a prefix.
        split_size: buckets above it were cut when the plan was made.
        cuts: sorted keys of cut nodes, or None while the plan is being made.
    """

    depth: int
    split_size: int
    cuts: U64 | None = None


def partition_of(keys: U64, partitions: int) -> npt.NDArray[np.integer[Any]]:
    """Target partition of each key."""
    return (splitmix64(keys) >> np.uint64(33)) % np.uint64(partitions)


@dataclass(frozen=True)
class KeySource:
    """Where tasks find the records and how they make keys.

    Attributes:
        folder: the record store.
        layout: which keys there are.
        hidden: sorted nodes that stand behind a representative with equal content.
        partitions: target partitions of the entries.
    """

    folder: str
    layout: KeyLayout
    hidden: I64
    partitions: int

    def entries(self, chunk: int, depth: int, every: int = 1) -> Records:
        """Entries of one run of records at a start depth."""
        store = open_store(self.folder)
        rows = slice(chunk * CHUNK, (chunk + 1) * CHUNK)
        keys = record_keys(store.attributes, rows, self.layout)
        entries = key_entries(store.nodes[rows], keys, self.layout, depth, every)
        return entries[~is_member(column(entries, "node"), self.hidden)]

    def capture_entries(self, chunk: int, wanted: U64) -> Records:
        """Entries of one run of records by their captures."""
        store = open_store(self.folder)
        if store.templates is None:
            return np.empty(0, dtype=CAPTURE_ENTRY)
        rows = slice(chunk * CHUNK, (chunk + 1) * CHUNK)
        nodes = np.asarray(store.nodes[rows])
        entries = capture_entries(nodes, store.templates.take(rows), self.layout, wanted)
        return entries[~is_member(column(entries, "node"), self.hidden)]


def chunks_of(session: SparkSession, records: int) -> DataFrame:
    """One row per run of records of the store, spread over the cores."""
    chunks = max(1, -(-records // CHUNK))
    return session.range(0, chunks, 1, min(chunks, 4 * session.sparkContext.defaultParallelism))


def bucket_entries(chunks: DataFrame, source: KeySource, plan: Plan) -> DataFrame:
    """Entries of all records, each bucket in one partition."""

    def emit(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for chunk in batch.column("id").to_pylist():
                entries = source.entries(chunk, plan.depth)
                if plan.cuts is not None:
                    entries["key"] = leaf_keys(
                        column(entries, "key"), column(entries, "node"), column(entries, "tail"),
                        plan.cuts,
                    )  # fmt: skip
                target = partition_of(entries["key"], source.partitions)
                yield pack_by_partition("entry", entries, target)

    return exchange(chunks, emit, source.partitions)


def capture_buckets(chunks: DataFrame, source: KeySource, wanted: U64) -> DataFrame:
    """Entries by iris and finger keys, each bucket in one partition."""

    def emit(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for chunk in batch.column("id").to_pylist():
                entries = source.capture_entries(chunk, wanted)
                yield pack_by_partition(
                    "entry", entries, partition_of(entries["key"], source.partitions)
                )

    return exchange(chunks, emit, source.partitions)


def capture_pairs(entries: DataFrame, partitions: int) -> DataFrame:
    """Pairs inside the buckets of captures: equal to demographic ones, but nothing is cut."""

    def emit(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        records = unpack(batches, CAPTURE_ENTRY)
        keys, nodes = column(records, "key"), column(records, "node")
        no_tail = np.zeros((len(records), 0), dtype=np.uint8)
        leaves = split_buckets(keys, nodes, no_tail, NEVER)
        a, b, family = leaf_pairs(
            leaves, nodes, column(records, "family"), column(records, "probe")
        )
        counts = count_buckets(keys, leaves)
        counts["made"] = len(a)
        yield pack("counts", counts)
        yield _pack_pairs(a, b, family, partitions)

    return entries.mapInArrow(emit, entries.schema)


def _pack_pairs(a: I64, b: I64, family: U8, partitions: int) -> pa.RecordBatch:
    pairs = np.empty(len(a), dtype=PAIR)
    pairs["a"], pairs["b"], pairs["votes"] = a, b, 1
    pairs["families"] = np.uint32(1) << family.astype(np.uint32)
    return pack_by_partition("pair", pairs, pair_partition(a, b, partitions))


def bucket_pairs(entries: DataFrame, plan: Plan, partitions: int) -> DataFrame:
    """Pairs inside the buckets, hot buckets cut; packed rows of kind pair, cut and counts."""

    def emit(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        records = unpack(batches, ENTRY)
        nodes = column(records, "node")
        size = plan.split_size if plan.cuts is None else NEVER
        leaves = split_buckets(column(records, "key"), nodes, column(records, "tail"), size)
        a, b, family = leaf_pairs(
            leaves, nodes, column(records, "family"), column(records, "probe")
        )
        yield pack("counts", count_buckets(column(records, "key"), leaves))
        if len(leaves.cut_keys):
            yield pack("cut", leaves.cut_keys.astype(CUT))
        yield _pack_pairs(a, b, family, partitions)

    return entries.mapInArrow(emit, entries.schema)


def count_buckets(keys: U64, leaves: Leaves) -> Records:
    """Bucket sizes before and after splitting, one row of `COUNTS`."""
    after = np.diff(leaves.starts)
    counts = np.zeros(1, dtype=COUNTS)
    counts["made"], counts["skipped"] = leaves.pairs, leaves.skipped
    counts["largest"] = after.max(initial=0)
    for name, sizes in (("before", np.unique(keys, return_counts=True)[1]), ("after", after)):
        bins = np.log2(sizes).astype(np.int64)
        counts[name] = np.bincount(bins, minlength=SIZE_BINS)
        counts[f"pairs_{name}"] = np.bincount(bins, sizes * (sizes - 1) / 2, SIZE_BINS)
    return counts


def pair_partition(a: I64, b: I64, partitions: int) -> npt.NDArray[np.integer[Any]]:
    """Target partition of each pair."""
    return partition_of(splitmix64(a.view(np.uint64)) ^ b.view(np.uint64), partitions)


def distinct_pairs(pairs: Records) -> Records:
    """Each pair once, with all families that saw it and its votes; sorted by (a, b)."""
    if not len(pairs):
        return pairs
    ordered = pairs[np.lexsort((pairs["b"], pairs["a"]))]
    a, b = ordered["a"], ordered["b"]
    first = np.append(True, (a[1:] != a[:-1]) | (b[1:] != b[:-1]))
    starts = np.flatnonzero(first)
    kept: Records = ordered[starts].copy()
    kept["families"] = np.bitwise_or.reduceat(ordered["families"], starts)
    kept["votes"] = np.add.reduceat(ordered["votes"].astype(np.int64), starts).clip(max=65535)
    return kept


def is_member(values: I64, sorted_set: I64) -> npt.NDArray[np.bool_]:
    """Which values stand in a sorted array."""
    if not len(sorted_set):
        return np.zeros(len(values), dtype=bool)
    at = np.searchsorted(sorted_set, values).clip(max=len(sorted_set) - 1)
    found: npt.NDArray[np.bool_] = sorted_set[at] == values
    return found


def plan_table(
    chunks: DataFrame, source: KeySource, depths: Sequence[int], sizes: Sequence[int], every: int
) -> dict[tuple[int, int], int]:
    """Predicted pairs per (depth, split size), scaled up from a sample of the prefixes."""
    shape = np.dtype([("depth", "<i8"), ("size", "<i8"), ("pairs", "<i8")])

    def sample(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for chunk in batch.column("id").to_pylist():
                entries = source.entries(chunk, min(depths), every)
                target = partition_of(entries["key"], source.partitions)
                yield pack_by_partition("entry", entries, target)

    def count(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        records = unpack(batches, ENTRY)
        banded = records["family"] < len(source.layout.signatures)
        keys, nodes, tails = (column(records, name) for name in ("key", "node", "tail"))
        rows = []
        for depth in depths:
            forced = np.where(banded, depth - min(depths), 0).astype(np.int64)
            for size in sizes:
                rows.append((depth, size, split_buckets(keys, nodes, tails, size, forced).pairs))
        yield pack("plan", np.array(rows, dtype=shape))

    counted = exchange(chunks, sample, source.partitions)
    table = unpack(counted.mapInArrow(count, counted.schema).toArrow().to_batches(), shape)
    totals: dict[tuple[int, int], int] = {}
    for depth, size, pairs in table.tolist():
        totals[depth, size] = totals.get((depth, size), 0) + pairs * every
    return totals
