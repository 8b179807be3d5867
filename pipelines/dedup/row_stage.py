"""Rows to records in one pass: every task checks, normalises and writes its share as Parquet."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import types as T

from pipelines.core.arrow_hash import hash_rows
from pipelines.core.lake import Lake
from pipelines.core.lake_arrow import write_rows, write_tasks
from pipelines.core.local_rows import Rows
from pipelines.dedup.checks import COLLAPSED, REASONS, SUPERSEDED, Checked, CheckPlan, check_batch
from pipelines.dedup.copies import UNDATED, find_copies
from pipelines.dedup.records import RecordStage, make_normalisers, prepare_batch
from pipelines.dedup.row_groups import GroupReader

Bool = npt.NDArray[np.bool_]
I64 = npt.NDArray[np.int64]

TABLE = "enrolments"
# What the driver keeps of a row that is set aside.
OTHER = ("record_token", "node_id", "source", "enrolled_at", "content_hash")


@dataclass(frozen=True)
class RowTask:
    """What one task does with the rows of an input.

    Attributes:
        plan: the row checks.
        stage: how rows become records.
        read: reads the rows of what the task is given; None when it is given the rows.
    """

    plan: CheckPlan
    stage: RecordStage
    read: GroupReader | None = None

    def __call__(
        self, batches: Iterable[pa.RecordBatch], notes: list[bytes]
    ) -> Iterator[pa.RecordBatch]:
        """Yield the good records; leave the others and the figures as one note."""
        figures: Counter[str] = Counter()
        normalisers = make_normalisers(self.stage)
        others = []
        for batch in self.read(batches) if self.read else batches:
            checked = check_batch(batch, self.plan)
            figures.update(checked.count(self.plan))
            prepared = prepare_batch(checked, self.stage, normalisers)
            others.append(_others(prepared, checked))
            yield prepared.filter(pa.array(checked.is_good))
        if others:
            notes.append(_write_note(pa.Table.from_batches(others), figures))


@dataclass(frozen=True)
class Staged:
    """What the pass leaves.

    Attributes:
        records: compared columns of the good records, each id once.
        others: rows set aside, columns `OTHER` and `reason`.
        counts: figures of `Checked.count` over all rows, and `checked` good rows before copies of
            ids went, `ids` different ids among good records.
    """

    records: pa.Table
    others: pa.Table
    counts: dict[str, int]


def stage_rows(rows: Rows, task: RowTask, lake: Lake, run_id: str) -> Staged:
    """Check and normalise rows and write them as the table `enrolments`."""
    schema = task.stage.spark_schema().add("run_id", T.StringType())
    notes = write_tasks(lake, TABLE, rows, task, schema, {"run_id": run_id})
    counts, others = _read_notes(notes, task.plan)
    columns = [*OTHER, *task.stage.fields]
    if task.stage.source_mapping.captures:
        columns.append("captures")
    records = lake.arrow(TABLE, columns)
    named = _named(records, others)
    same, other = _copies_of(named)
    if same.any() or other.any():
        kept = pa.array(~(same | other)[: records.num_rows])
        write_rows(lake, TABLE, lake.arrow(TABLE).filter(kept), schema)
        others = _set_aside(named, others, same, other)
        records = records.filter(kept)
    reasons = Counter(others["reason"].to_pylist())
    for code in (COLLAPSED, SUPERSEDED, *REASONS):
        counts[f"reason:{code}"] = reasons[code]
    counts |= {
        "checked": counts["good"],
        "good": records.num_rows,
        "ids": len(np.unique(records["node_id"].to_numpy())),
    }
    return Staged(records, others, counts)


def _others(prepared: pa.RecordBatch, checked: Checked) -> pa.RecordBatch:
    reasons = pa.array(REASONS).take(pa.array(checked.reason, mask=checked.is_good))
    rows = prepared.select(OTHER)
    rows = pa.RecordBatch.from_arrays([*rows.columns, reasons], [*OTHER, "reason"])
    return rows.filter(pa.array(~checked.is_good))


def _write_note(others: pa.Table, figures: Counter[str]) -> bytes:
    sink = pa.BufferOutputStream()
    told = others.replace_schema_metadata({"figures": json.dumps(figures)})
    with pa.ipc.new_stream(sink, told.schema) as writer:
        writer.write_table(told)
    return bytes(sink.getvalue())


def _read_notes(notes: Sequence[bytes], plan: CheckPlan) -> tuple[dict[str, int], pa.Table]:
    no_values = {name: pa.array([], pa.string()) for name in plan.fields}
    no_flags = {code: np.empty(0, dtype=bool) for code in plan.flags}
    figures = Checked(no_values, np.empty(0, dtype=np.int8), no_flags).count(plan)
    tables = [_EMPTY]
    for note in notes:
        table = pa.ipc.open_stream(note).read_all()
        figures.update(json.loads(table.schema.metadata[b"figures"]))
        tables.append(table.replace_schema_metadata(None))
    return dict(figures), pa.concat_tables(tables)


_EMPTY = pa.schema(
    [("record_token", pa.string()), ("node_id", pa.int64()), ("source", pa.string()),
     ("enrolled_at", pa.timestamp("us", "UTC")), ("content_hash", pa.int64()),
     ("reason", pa.string())]
).empty_table()  # fmt: skip


def _named(records: pa.Table, others: pa.Table) -> pa.Table:
    """All rows of a readable id: good records (no reason), then rows set aside for another one."""
    good = records.select(OTHER).append_column("reason", pa.nulls(records.num_rows, pa.string()))
    return pa.concat_tables([good, others.filter(_can_be_copy(others)).select(good.column_names)])


def _copies_of(rows: pa.Table) -> tuple[Bool, Bool]:
    """Rows that give way to a row of the same id, with its content and with other content."""
    nodes = rows["node_id"].to_numpy()
    if len(np.unique(nodes)) == len(nodes):
        return np.zeros(len(nodes), dtype=bool), np.zeros(len(nodes), dtype=bool)
    moments = rows["enrolled_at"].cast(pa.int64()).fill_null(UNDATED).to_numpy()
    origin = hash_rows(rows, ["source"]).view(np.int64)
    return find_copies(nodes, moments, rows["content_hash"].to_numpy(), origin)


def _can_be_copy(others: pa.Table) -> pa.ChunkedArray:
    return pc.is_in(others["reason"], pa.array(["INACTIVE", "NO_EVIDENCE"]))


def _set_aside(rows: pa.Table, others: pa.Table, same: Bool, other: Bool) -> pa.Table:
    """All rows set aside, those that gave way among them with that as their reason."""
    before = rows["reason"].to_numpy()
    reason = np.where(same, COLLAPSED, np.where(other, SUPERSEDED, before))
    rows = rows.drop_columns("reason").append_column("reason", pa.array(reason, pa.string()))
    rest = others.filter(pc.invert(_can_be_copy(others)))
    return pa.concat_tables([rows.filter(pc.is_valid(rows["reason"])), rest])
