"""Candidate pairs: one shuffle of bucket entries, splitting in the task, then distinct pairs."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.core.local_rows import Rows, to_batches
from pipelines.core.packed import Records, column, exchange, pack, pack_by_partition, unpack
from pipelines.dedup.entries import ENTRY
from pipelines.dedup.fresh import Fresh
from pipelines.dedup.hashing import U64, splitmix64
from pipelines.dedup.key_source import KeySource, Plan
from pipelines.dedup.leaf_files import write_leaves
from pipelines.dedup.leaves import leaf_pairs
from pipelines.dedup.ordering import order_by
from pipelines.dedup.prediction import predict_pairs
from pipelines.dedup.splitting import Leaves, split_buckets

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

NEVER = 2**62  # split size of buckets whose cuts are already walked


def partition_of(keys: U64, partitions: int) -> npt.NDArray[np.integer[Any]]:
    """Target partition of each key."""
    return (splitmix64(keys) >> np.uint64(33)) % np.uint64(partitions)


def bucket_entries(chunks: Rows, source: KeySource, plan: Plan, fresh: Fresh | None = None) -> Rows:
    """Entries of all records, or of the leaves of fresh ones; each bucket in one partition."""
    depth, is_cut = plan.depth, plan.cuts is not None
    leaves = None if fresh is None else fresh.leaves

    def emit(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for start in batch.column("id").to_pylist():
                if leaves is not None:
                    entries = source.entries_among(start, leaves)
                else:
                    entries = source.entries(start, depth)
                    if is_cut:
                        entries["key"] = source.leaf_keys(entries, depth)
                target = partition_of(entries["key"], source.partitions)
                yield pack_by_partition("entry", entries, target)

    return exchange(chunks, emit, source.partitions)


def pack_pairs(
    a: I64, b: I64, family: U8, partitions: int, fresh: Fresh | None = None
) -> pa.RecordBatch:
    """Pairs that one family saw, each on its way to its partition."""
    pairs = np.empty(len(a), dtype=PAIR)
    pairs["a"], pairs["b"], pairs["votes"] = a, b, 1
    pairs["families"] = np.uint32(1) << family.astype(np.uint32)
    if fresh is not None:
        pairs = fresh.among(pairs)
    target = pair_partition(column(pairs, "a"), column(pairs, "b"), partitions)
    return pack_by_partition("pair", pairs, target)


def bucket_pairs(entries: Rows, source: KeySource, plan: Plan, fresh: Fresh | None = None) -> Rows:
    """Pairs inside the buckets, hot buckets cut; packed rows of kind pair, cut and counts.

    The leaves of all records are written to the table of leaves, which is there.
    """
    depth, size = plan.depth, plan.split_size if plan.cuts is None else NEVER

    def emit(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        records = unpack(batches, ENTRY)
        nodes, tails = source.nodes(records), source.tails(records, depth)
        leaves = split_buckets(column(records, "key"), nodes, tails, size)
        if fresh is None:
            write_leaves(source.folder, leaves, tails)
        family = source.layout.family_of_key[records["column"]]
        a, b, family = leaf_pairs(leaves, nodes, family, column(records, "probe"))
        yield pack("counts", count_buckets(leaves))
        if len(leaves.cut_keys):
            yield pack("cut", leaves.cut_keys.astype(CUT))
        yield pack_pairs(a, b, family, source.partitions, fresh)

    return entries.mapInArrow(emit, entries.schema)


def count_buckets(leaves: Leaves) -> Records:
    """Bucket sizes before and after splitting, one row of `COUNTS`."""
    after = np.diff(leaves.starts)
    counts = np.zeros(1, dtype=COUNTS)
    counts["made"], counts["skipped"] = leaves.pairs, leaves.skipped
    counts["largest"] = after.max(initial=0)
    for name, sizes in (("before", leaves.bucket_sizes), ("after", after)):
        bins = np.log2(sizes).astype(np.int64)
        counts[name] = np.bincount(bins, minlength=SIZE_BINS)
        counts[f"pairs_{name}"] = np.bincount(bins, sizes * (sizes - 1) / 2, SIZE_BINS)
    return counts


def pair_partition(a: I64, b: I64, partitions: int) -> npt.NDArray[np.integer[Any]]:
    """Target partition of each pair."""
    return partition_of(splitmix64(a.view(np.uint64)) ^ b.view(np.uint64), partitions)


def distinct_pairs(pairs: Records) -> Records:
    """Each pair once, with all families that saw it and its votes; sorted by a."""
    if not len(pairs):
        return pairs
    a, b = column(pairs, "a"), column(pairs, "b")
    order = order_by(splitmix64(a.view(np.uint64)) ^ b.view(np.uint64))
    a, b = a[order], b[order]
    starts = np.flatnonzero(np.append(True, (a[1:] != a[:-1]) | (b[1:] != b[:-1])))
    by_a = order_by(a[starts].view(np.uint64))  # so that records are looked up one after another
    kept = np.empty(len(starts), dtype=PAIR)
    kept["a"], kept["b"] = a[starts][by_a], b[starts][by_a]
    kept["families"] = np.bitwise_or.reduceat(column(pairs, "families")[order], starts)[by_a]
    votes = np.add.reduceat(column(pairs, "votes")[order].astype(np.int64), starts)
    kept["votes"] = votes.clip(max=65535)[by_a]
    return kept


def plan_table(
    chunks: Rows, source: KeySource, depths: Sequence[int], sizes: Sequence[int], every: int
) -> dict[tuple[int, int], int]:
    """Predicted pairs per (depth, split size), scaled up from a sample of the prefixes."""
    shape = np.dtype([("depth", "<i8"), ("size", "<i8"), ("pairs", "<i8")])

    def sample(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for start in batch.column("id").to_pylist():
                entries = source.entries(start, min(depths), every)
                target = partition_of(entries["key"], source.partitions)
                yield pack_by_partition("entry", entries, target)

    def count(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        records = unpack(batches, ENTRY)
        keys, nodes = column(records, "key"), source.nodes(records)
        pairs = predict_pairs(
            keys, nodes, source.tails(records, min(depths)),
            source.layout.is_banded[records["column"]], [d - min(depths) for d in depths], sizes,
        )  # fmt: skip
        rows = [
            (depth, size, pairs[i, j])
            for i, depth in enumerate(depths)
            for j, size in enumerate(sizes)
        ]
        yield pack("plan", np.array(rows, dtype=shape))

    counted = exchange(chunks, sample, source.partitions)
    table = unpack(to_batches(counted.mapInArrow(count, counted.schema)), shape)
    totals: dict[tuple[int, int], int] = {}
    for depth, size, pairs in table.tolist():
        totals[depth, size] = totals.get((depth, size), 0) + pairs * every
    return totals
