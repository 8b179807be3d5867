"""Rows on the driver take the steps of a frame: every row goes through, to the partition it names."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pytest

from pipelines.core.local_rows import LocalRows, join_rows, to_batches
from pipelines.core.packed import exchange, of_kind, pack, pack_by_partition, unpack

pytestmark = pytest.mark.unit

NUMBER = np.dtype([("value", "<i8")])


def numbers(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Each id with two copies, on the way to the partition of its last digit."""
    for batch in batches:
        values = np.repeat(batch.column("id").to_numpy(), 2)
        yield pack_by_partition("number", values.view(NUMBER), values % 3)


def sums(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    values = unpack(batches, NUMBER)["value"]
    yield pack("rest", np.unique(values % 3).view(NUMBER))
    yield pack("sum", np.array([values.sum()]).view(NUMBER))


@pytest.mark.parametrize("tasks", [1, 2, 5])
def test_rows_meet_in_the_partition_they_name(tasks: int) -> None:
    rows = exchange(LocalRows.range(0, 20, 2, tasks), numbers, 3).mapInArrow(sums, "")
    assert len(rows.partitions) == 3
    rests = [
        unpack(to_batches(of_kind(LocalRows((part,)), "rest")), NUMBER) for part in rows.partitions
    ]
    assert [rest["value"].tolist() for rest in rests] == [[0], [1], [2]]
    assert unpack(to_batches(of_kind(rows, "sum")), NUMBER)["value"].sum() == 2 * sum(
        range(0, 20, 2)
    )


def test_joined_and_coalesced_rows_are_all_there() -> None:
    rows = join_rows(LocalRows.range(0, 5, 1, 4), LocalRows.range(5, 7, 1, 1)).persist()
    for partitions in (1, 2, 9):
        few = rows.coalesce(partitions)
        assert len(few.partitions) == min(partitions, 5)
        assert sorted(row["id"] for row in few.collect()) == list(range(7))


def test_a_failing_function_fails_the_step() -> None:
    def fail(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield from batches
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        LocalRows.range(0, 4, 1, 2).mapInArrow(fail, "")
