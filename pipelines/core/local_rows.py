"""Few rows on the driver, taking the same steps as a Spark frame of Arrow batches.

Starting Python workers and sending a handful of rows through the JVM takes seconds. Functions of
tasks are plain functions over Arrow batches, so a small input can be led through them here: a
thread for each partition, as compiled kernels and Arrow let go of the interpreter.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame

Batches = tuple[pa.RecordBatch, ...]
Function = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]


@dataclass(frozen=True)
class LocalRows:
    """Arrow batches by partition, with those methods of a DataFrame that such rows need.

    Attributes:
        partitions: batches of each partition.
    """

    partitions: tuple[Batches, ...]

    @classmethod
    def range(cls, start: int, end: int, step: int, partitions: int) -> "LocalRows":
        """Column `id`, as of `SparkSession.range`."""
        parts = np.array_split(np.arange(start, end, step), partitions)
        return cls(tuple((pa.record_batch({"id": part}),) for part in parts))

    @property
    def schema(self) -> str:
        """Stands for the schema of a frame; nothing is checked here."""
        return ""

    def mapInArrow(self, emit: Function, schema: object) -> "LocalRows":
        """Run a function on the batches of each partition, at once."""
        if len(self.partitions) == 1:
            return LocalRows((tuple(emit(iter(self.partitions[0]))),))
        with ThreadPoolExecutor(max(len(self.partitions), 1), "local") as pool:
            made = pool.map(lambda batches: tuple(emit(iter(batches))), self.partitions)
            return LocalRows(tuple(made))

    def repartitionById(self, partitions: int, column: str) -> "LocalRows":
        """Bring each row to the partition that a column names."""
        target: list[list[pa.RecordBatch]] = [[] for _ in range(partitions)]
        for batch in self.batches():
            for row, place in enumerate(batch.column(column).to_pylist()):
                target[place].append(batch.slice(row, 1))
        return LocalRows(tuple(map(tuple, target)))

    def unionByName(self, other: "LocalRows") -> "LocalRows":
        """The partitions of both."""
        return LocalRows(self.partitions + other.partitions)

    def coalesce(self, partitions: int) -> "LocalRows":
        """At most so many partitions."""
        if partitions >= len(self.partitions):
            return self
        joined = [
            tuple(batch for part in self.partitions[first::partitions] for batch in part)
            for first in range(partitions)
        ]
        return LocalRows(tuple(joined))

    def persist(self) -> "LocalRows":
        """The rows themselves: they are there already."""
        return self

    def collect(self) -> list[dict[str, Any]]:
        """All rows."""
        return [row for batch in self.batches() for row in batch.to_pylist()]

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Batches of all partitions."""
        return (batch for part in self.partitions for batch in part)


Rows = DataFrame | LocalRows


def join_rows(first: Rows, second: Rows) -> Rows:
    """The rows of both, which are of one kind."""
    if isinstance(first, LocalRows) and isinstance(second, LocalRows):
        return first.unionByName(second)
    assert isinstance(first, DataFrame) and isinstance(second, DataFrame)  # noqa: S101, PT018
    return first.unionByName(second)


def to_batches(rows: Rows) -> list[pa.RecordBatch]:
    """All batches, on the driver."""
    if isinstance(rows, LocalRows):
        return list(rows.batches())
    batches: list[pa.RecordBatch] = rows.toArrow().to_batches()
    return batches
