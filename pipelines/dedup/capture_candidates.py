"""Candidate pairs by irises and fingers."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from pipelines.core.local_rows import Rows
from pipelines.core.packed import column, exchange, pack, pack_by_partition, unpack
from pipelines.dedup.candidates import NEVER, count_buckets, pack_pairs, partition_of
from pipelines.dedup.entries import CAPTURE_ENTRY
from pipelines.dedup.fresh import Fresh
from pipelines.dedup.hashing import U64
from pipelines.dedup.key_source import KeySource
from pipelines.dedup.leaves import leaf_pairs
from pipelines.dedup.membership import HashSet
from pipelines.dedup.splitting import Tails, split_buckets


def capture_buckets(
    chunks: Rows, source: KeySource, wanted: U64, met: HashSet | None = None
) -> Rows:
    """Entries by iris and finger keys, each bucket in one partition.

    Args:
        chunks: runs of records.
        source: where they are.
        wanted: finger keys that stand in the index.
        met: keep entries of these keys only.
    """

    def emit(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for start in batch.column("id").to_pylist():
                entries = source.capture_entries(start, wanted)
                if met is not None:
                    entries = entries[met.has(entries["key"])]
                yield pack_by_partition(
                    "entry", entries, partition_of(entries["key"], source.partitions)
                )

    return exchange(chunks, emit, source.partitions)


def capture_pairs(entries: Rows, partitions: int, fresh: Fresh | None = None) -> Rows:
    """Pairs inside the buckets of captures: equal to demographic ones, but nothing is cut."""

    def emit(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        records = unpack(batches, CAPTURE_ENTRY)
        keys, nodes = column(records, "key"), column(records, "node")
        no_tails = Tails.of(np.zeros((len(records), 1), dtype=np.uint8))
        leaves = split_buckets(keys, nodes, no_tails, NEVER)
        a, b, family = leaf_pairs(
            leaves, nodes, column(records, "family"), column(records, "probe")
        )
        counts = count_buckets(leaves)
        counts["made"] = len(a)
        yield pack("counts", counts)
        yield pack_pairs(a, b, family, partitions, fresh)

    return entries.mapInArrow(emit, entries.schema)
