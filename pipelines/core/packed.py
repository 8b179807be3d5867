"""Shuffling numpy arrays through Spark: one row carries thousands of fixed-size records as bytes.

A shuffle of millions of tiny rows spends its time on rows, not on data. Here a task sorts its
records by target partition and sends each partition one binary value; the receiving task views the
bytes as an array again. Spark still plans, moves, spills and retries the data as usual.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F

from pipelines.core.local_rows import Function, LocalRows, Rows

Records = npt.NDArray[np.void]
PartitionOf = npt.NDArray[np.integer[Any]]

SCHEMA = "kind string, partition int, payload binary"
_ARROW = pa.schema([("kind", pa.string()), ("partition", pa.int32()), ("payload", pa.binary())])


def pack(kind: str, records: Records, partition: int = 0) -> pa.RecordBatch:
    """One row holding all records."""
    return pa.record_batch([[kind], [partition], [records.tobytes()]], schema=_ARROW)


def pack_by_partition(kind: str, records: Records, partition: PartitionOf) -> pa.RecordBatch:
    """One row per target partition that gets any record; at most 65,536 partitions."""
    target = partition.astype(np.uint16)
    order = np.argsort(target, kind="stable")  # a radix sort for 16-bit numbers
    bounds = np.append(0, np.cumsum(np.bincount(target)))
    sorted_records = records[order]
    filled = np.flatnonzero(np.diff(bounds))
    payloads = [sorted_records[bounds[p] : bounds[p + 1]].tobytes() for p in filled]
    return pa.record_batch([[kind] * len(filled), filled.astype(np.int32), payloads], schema=_ARROW)


def unpack(payloads: Iterable[pa.RecordBatch], dtype: np.dtype[np.void]) -> Records:
    """All records of some rows, in one array."""
    parts = [
        np.frombuffer(value.as_buffer(), dtype=dtype)
        for batch in payloads
        for value in batch.column("payload")
    ]
    return np.concatenate(parts) if parts else np.empty(0, dtype=dtype)


def of_kind(rows: Rows, *kinds: str) -> Rows:
    """Packed rows of some kinds."""
    if not isinstance(rows, LocalRows):
        return rows.where(F.col("kind").isin(*kinds))
    wanted = pa.array(kinds)
    return rows.mapInArrow(
        lambda batches: (one.filter(pc.is_in(one.column("kind"), wanted)) for one in batches),
        SCHEMA,
    )


def exchange(frame: Rows, emit: Function, partitions: int) -> Rows:
    """Run `emit` on every task and bring each packed partition together in one task.

    Args:
        frame: any frame; `emit` sees its Arrow batches and yields `pack_by_partition` batches.
        emit: function of one task.
        partitions: number of target partitions, as used by `emit`.

    Returns:
        Frame of `SCHEMA` with `partitions` partitions.
    """
    return frame.mapInArrow(emit, SCHEMA).repartitionById(partitions, "partition")


def column(records: Records, name: str) -> npt.NDArray[Any]:
    """One field of packed records as a contiguous array, as compiled kernels want it."""
    return np.ascontiguousarray(records[name])
