"""Tables of a lake from Arrow rows: no row passes through the JVM.

Their digests are not those of `Lake.write`, so a table is written in one way only.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import types as T

from pipelines.core.arrow_hash import hash_rows, sum_hashes
from pipelines.core.delta_files import (
    Constants,
    Emit,
    Part,
    commit_parts,
    drop_parts,
    table_schema,
    write_part,
    write_parts,
)
from pipelines.core.delta_tables import merge_arrow, read_arrow
from pipelines.core.lake import Lake
from pipelines.core.lake_format import RUNS, TABLE_PROPERTIES, Mode, Written
from pipelines.core.lake_merge import find_changes
from pipelines.core.local_rows import Rows
from pipelines.core.row_hash import MODULUS
from pipelines.core.summary import RunSummary

RUN_ROW = (
    T.StructType()
    .add("run_id", T.StringType())
    .add("started_at", T.TimestampType())
    .add("as_of", T.DateType())
    .add("config_hash", T.StringType())
    .add("inputs", T.MapType(T.StringType(), T.StringType()))
    .add("counts", T.MapType(T.StringType(), T.LongType()))
    .add("metrics", T.MapType(T.StringType(), T.DoubleType()))
    .add("table_versions", T.MapType(T.StringType(), T.LongType()))
    .add("table_digests", T.MapType(T.StringType(), T.StringType()))
)
"""Columns of `runs` in a job without a contract of its own for it."""


def publish_run(
    lake: Lake, summary: RunSummary, schema: T.StructType = RUN_ROW,
    more: Mapping[str, Any] = MappingProxyType({}),
) -> None:  # fmt: skip
    """Append the row of `runs` that makes staged tables visible, if any of them changed.

    Args:
        lake: holds what the run staged.
        summary: fills the row; takes version and digest of each table.
        schema: columns of the row.
        more: columns that the summary does not know, or not by these values.

    Raises:
        GateError: the counts do not add up; what is staged stays unseen.
    """
    summary.check_accounting()
    versions, digests = lake.listing()
    summary.tables = {
        name: {"version": versions[name], "digest": digests[name]} for name in versions
    }
    if all(lake.published(name) == version for name, version in versions.items()):
        return
    row = {
        **vars(summary),
        "started_at": datetime.now(UTC),
        "inputs": {name: str(value) for name, value in summary.inputs.items()},
        "metrics": {n: float(v) for n, v in summary.metrics.items() if v is not None},
        "table_versions": versions,
        "table_digests": digests,
        **more,
    }
    rows = pa.Table.from_pylist([row], table_schema(schema))
    write_rows(lake, RUNS, rows, schema, "append")


def write_tasks(
    lake: Lake, table: str, frame: Rows, emit: Emit, schema: T.StructType,
    constants: Constants = MappingProxyType({}),
) -> list[bytes]:  # fmt: skip
    """Replace a table by what tasks make of a frame; rows go from Arrow to Parquet directly.

    Args:
        table: a table that is written this way only: its digest is not that of `write`.
        frame: what the tasks read.
        emit: function of one task, as for `mapInArrow`; it may leave notes for the driver.
        schema: columns of the table, as `emit` yields them.
        constants: columns that `emit` does not yield, with the value of all rows.

    Returns:
        The notes of all tasks.
    """
    small = frame.coalesce(lake.files) if lake.files else frame
    place, arrow = lake.place(table), table_schema(schema)
    parts, notes = write_parts(small, emit, place, arrow, lake.volatile, constants)
    _replace(lake, table, parts, arrow)
    return notes


def write_rows(
    lake: Lake, table: str, rows: pa.Table, schema: T.StructType, mode: Mode = "replace",
    constants: Constants = MappingProxyType({}),
) -> Written:  # fmt: skip
    """Write rows that the driver holds; see `write_tasks`."""
    place, arrow = lake.place(table), table_schema(schema)
    before = lake.base(table) if mode == "append" else None
    part = write_part(rows.to_batches(), place, arrow, lake.volatile, constants)
    parts = [] if part is None else [part]
    return (
        _replace(lake, table, parts, arrow)
        if mode == "replace"
        else _append(lake, table, parts, arrow, before)
    )


def append_tasks(
    lake: Lake, table: str, frame: Rows, emit: Emit, schema: T.StructType,
    constants: Constants = MappingProxyType({}),
) -> None:  # fmt: skip
    """Add what tasks make of a frame to a table; see `write_tasks`."""
    before, arrow = lake.base(table), table_schema(schema)
    small = frame.coalesce(lake.files) if lake.files else frame
    parts, _ = write_parts(small, emit, lake.place(table), arrow, lake.volatile, constants)
    _append(lake, table, parts, arrow, before)


def replace_partitions(
    lake: Lake, table: str, parts: Sequence[Part], schema: T.StructType,
    replaced: Mapping[str, Sequence[str]],
) -> Written:  # fmt: skip
    """Make files that tasks have written the content of some partitions of a table.

    Args:
        lake: holds the table.
        table: a table that is written this way only.
        parts: the files, see `delta_files.write_part`.
        schema: columns of the table.
        replaced: partition columns, and the values that are replaced.
    """
    return _replace(lake, table, parts, table_schema(schema), replaced)


def append_parts(lake: Lake, table: str, parts: Sequence[Part], schema: T.StructType) -> Written:
    """Add files that tasks have written to a table that is written this way only."""
    return _append(lake, table, parts, table_schema(schema), lake.base(table))


def _append(
    lake: Lake, table: str, parts: Sequence[Part], schema: pa.Schema, before: Written | None
) -> Written:
    if before is not None and not parts:
        return lake.stage(table, before)
    version = commit_parts(lake.place(table), parts, schema, "append", TABLE_PROPERTIES)
    digest = (before.digest if before else 0) + sum(part.digest for part in parts)
    return lake.stage(table, Written(version, digest % MODULUS, is_new=True))


def _replace(
    lake: Lake, table: str, parts: Sequence[Part], schema: pa.Schema,
    replaced: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Written:  # fmt: skip
    digest = sum(part.digest for part in parts) % MODULUS
    before, place = lake.current().get(table), lake.place(table)
    if before and before.digest == digest:
        drop_parts(place, parts)
        return lake.stage(table, before)
    version = commit_parts(place, parts, schema, "overwrite", TABLE_PROPERTIES, replaced)
    return lake.stage(table, Written(version, digest, is_new=True))


def exchange_rows(
    lake: Lake, table: str, there: pa.Table, gone: Any, rows: pa.Table, schema: T.StructType,
    constants: Constants = MappingProxyType({}),
) -> Written:  # fmt: skip
    """Put rows in the place of others. Those that stay are written again but not hashed again.

    Args:
        lake: holds the table.
        table: a table of `write_rows` that is there.
        there: all its rows, as `Lake.arrow` reads them.
        gone: whether each of them goes, [there].
        rows: the rows in their place.
        schema: columns of the table.
        constants: columns that `rows` does not have, with the value of all of them.
    """
    place, arrow, is_gone = lake.place(table), table_schema(schema), np.asarray(gone, dtype=bool)
    base = lake.base(table)
    if base is None or not is_gone.any():
        return write_rows(lake, table, rows, schema, "append", constants)
    counted = [name for name in schema.names if name not in lake.volatile]
    left = sum_hashes(hash_rows(there.filter(pa.array(is_gone)), counted))
    new = write_part(rows.to_batches(), place, arrow, lake.volatile, constants)
    parts = [] if new is None else [new]
    digest = (base.digest - left + sum(part.digest for part in parts)) % MODULUS
    if digest == base.digest:
        drop_parts(place, parts)
        return lake.stage(table, base)
    kept = there.filter(pa.array(~is_gone))
    old = write_part(kept.to_batches(), place, arrow, arrow.names, {})
    parts += [] if old is None else [old]
    version = commit_parts(place, parts, arrow, "overwrite", TABLE_PROPERTIES)
    return lake.stage(table, Written(version, digest, is_new=True))


def merge_driver_rows(
    lake: Lake, table: str, rows: pa.Table, schema: T.StructType, keys: Sequence[str],
    known: pa.Table | None = None,
) -> Written:  # fmt: skip
    """`merge` for rows that the driver holds, into a table of `write_rows`.

    Args:
        lake: holds the table.
        table: made if it is not there.
        rows: rows with all columns of the table, each key once.
        schema: columns of the table.
        keys: columns that identify a row, none of them null.
        known: published rows, among them all whose keys `rows` have; None reads the table.
    """
    base = lake.base(table)
    if base is None:
        return write_rows(lake, table, rows, schema)
    counted = [name for name in schema.names if name not in lake.volatile]
    rows = rows.select(schema.names).cast(table_schema(schema))
    old = read_arrow(lake.place(table), base.version) if known is None else known
    changed, shift = find_changes(old, rows, keys, counted)
    if not changed.num_rows:
        return lake.stage(table, base)
    version = merge_arrow(lake.place(table), changed, keys)
    return lake.stage(table, Written(version, (base.digest + shift) % MODULUS, is_new=True))
