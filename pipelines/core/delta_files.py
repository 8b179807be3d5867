"""Owner of the `deltalake` library: commits of Parquet files that Arrow made, read back as Arrow.

What a job holds as Arrow batches needs no JVM to become a table: tasks write Parquet files, the
driver commits their names. Spark, through its own Delta reader, sees the same tables.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Literal

import deltalake
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake.transaction import AddAction, create_table_with_add_actions
from pyspark.sql import types as T
from pyspark.sql.pandas.types import to_arrow_schema

from pipelines.core.arrow_hash import hash_rows, sum_hashes
from pipelines.core.delta_tables import Place, version_of
from pipelines.core.local_rows import Rows
from pipelines.core.row_hash import MODULUS

# Function of one task: batches in, batches out; what it adds to the list reaches the driver.
Emit = Callable[[Iterable[pa.RecordBatch], list[bytes]], Iterator[pa.RecordBatch]]
Mode = Literal["overwrite", "append"]
Constants = Mapping[str, str | None]
Partition = Mapping[str, str]
"""Partition columns of a table and the values that a file holds, none for a table without."""

_TOLD = "part string, notes array<binary>"
_ARROW_TOLD = pa.schema([("part", pa.string()), ("notes", pa.list_(pa.binary()))])


@dataclass(frozen=True)
class Part:
    """One Parquet file that waits for its commit.

    Attributes:
        path: file name inside the table's folder.
        bytes: its size.
        rows: rows in it.
        digest: order-free sum of its row hashes.
        partition: values of the partition columns, which are not in the file.
    """

    path: str
    bytes: int
    rows: int
    digest: int
    partition: dict[str, str] = field(default_factory=dict)


def table_schema(schema: T.StructType) -> pa.Schema:
    """Arrow schema of a Spark type; all columns may be null, as Spark's own writer has it."""
    plain = T.StructType([T.StructField(f.name, f.dataType, True) for f in schema])
    arrow: pa.Schema = to_arrow_schema(plain)
    return arrow


def write_part(
    batches: Iterable[pa.RecordBatch], place: Place, schema: pa.Schema, skip: Sequence[str],
    constants: Constants, partition: Partition = MappingProxyType({}),
) -> Part | None:  # fmt: skip
    """Write batches as one Parquet file of a table; no rows make no file.

    Args:
        batches: rows with the columns of `schema`, in any order and of castable types.
        place: the table.
        schema: schema of the table.
        skip: columns that stay out of the digest.
        constants: columns that are not in the batches, with the value of all rows.
        partition: partition columns, and the value that all rows have.
    """
    folders = [f"{column}={value}" for column, value in partition.items()]
    name = "/".join([*folders, f"part-{uuid.uuid4()}.snappy.parquet"])
    files, root = place.open()
    stored = pa.schema([one for one in schema if one.name not in partition])
    counted = [column for column in schema.names if column not in skip]
    writer: pq.ParquetWriter | None = None
    rows = digest = 0
    for batch in batches:
        if not batch.num_rows:
            continue
        table = add_constants(pa.Table.from_batches([batch]), schema, constants)
        if writer is None:
            if place.store is None:  # a bucket has no folders, and asking for it is not allowed
                files.create_dir("/".join([root, *folders]), recursive=True)
            path = f"{root}/{name}"
            writer = pq.ParquetWriter(  # nothing here skips rows by statistics of columns
                path, stored, filesystem=files, compression="snappy", write_statistics=False,
                use_dictionary=_repeating(table.select(stored.names)),
            )  # fmt: skip
        writer.write_table(table.select(stored.names))
        rows += table.num_rows
        digest += sum_hashes(hash_rows(table, counted))
    if writer is None:
        return None
    writer.close()
    size = files.get_file_info(f"{root}/{name}").size
    return Part(name, size, rows, digest % MODULUS, dict(partition))


def _repeating(rows: pa.Table) -> bool | list[str]:
    """Columns that are worth a dictionary: a token that never comes again only fills one.

    Parquet knows the parts of nested columns by names of its own: where there is such a column, all
    have dictionaries.
    """
    if any(pa.types.is_nested(kind) for kind in rows.schema.types):
        return True
    few = rows.slice(0, 10_000)
    return [
        name
        for name in few.column_names
        if 2 * pc.count_distinct(few[name]).as_py() <= few.num_rows - few[name].null_count
    ]


def add_constants(rows: pa.Table, schema: pa.Schema, constants: Constants) -> pa.Table:
    """The columns of `schema`, in its order and types; constants fill what the rows lack."""
    for name, value in constants.items():
        kind = schema.field(name).type
        rows = rows.append_column(name, pa.repeat(pa.scalar(value, kind), rows.num_rows))
    return rows.select(schema.names).cast(schema)


def write_parts(
    frame: Rows, emit: Emit, place: Place, schema: pa.Schema, skip: Sequence[str],
    constants: Constants,
) -> tuple[list[Part], list[bytes]]:  # fmt: skip
    """Run `emit` on every task of a frame and write what it yields, at most one file a task.

    A task that is retried writes another file; the first one is never committed.

    Returns:
        The files, and the notes of all tasks.
    """

    def write(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        notes: list[bytes] = []
        part = write_part(emit(batches, notes), place, schema, skip, constants)
        told = json.dumps(asdict(part)) if part else None
        yield pa.RecordBatch.from_arrays(
            [pa.array([told], pa.string()), pa.array([notes], pa.list_(pa.binary()))],
            schema=_ARROW_TOLD,
        )

    found = frame.mapInArrow(write, _TOLD).collect()
    parts = [Part(**json.loads(row["part"])) for row in found if row["part"]]
    notes = [bytes(note) for row in found for note in row["notes"]]
    return sorted(parts, key=lambda part: part.path), notes


def commit_parts(
    place: Place, parts: Sequence[Part], schema: pa.Schema, mode: Mode,
    properties: Mapping[str, str], replaced: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> int:  # fmt: skip
    """Make files the content of a table, or add them to it, in one commit.

    Args:
        place: the table.
        parts: its new files.
        schema: schema of the table.
        mode: overwrite or append.
        properties: of a table that is made.
        replaced: partition columns, and the values of those that an overwrite replaces; none
            replaces everything.

    Returns:
        The version.
    """
    moment = int(time.time() * 1000)
    adds: list[AddAction] = [
        AddAction(p.path, p.bytes, p.partition, moment, True, json.dumps({"numRecords": p.rows}))
        for p in parts
    ]
    delta_schema = deltalake.Schema.from_arrow(schema)
    table = place.table()
    if table is None:
        create_table_with_add_actions(
            place.uri, delta_schema, adds, mode="overwrite", configuration=properties,
            storage_options=place.options, partition_by=list(replaced),
        )  # fmt: skip
    else:
        filters = [(name, "in", list(values)) for name, values in replaced.items()]
        table.create_write_transaction(
            [*adds],
            mode,
            delta_schema,
            partition_by=list(replaced),
            partition_filters=filters or None,
        )
    version = version_of(place)
    assert version is not None  # noqa: S101 (it was written a moment ago)
    return version


def drop_parts(place: Place, parts: Sequence[Part]) -> None:
    """Remove files that will not be committed."""
    files, root = place.open()
    for part in parts:
        files.delete_file(f"{root}/{part.path}")
