"""Parquet files read by the tasks themselves: no row passes through the JVM on its way to Arrow."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.errors import PySparkTypeError
from pyspark.sql import types as T
from pyspark.sql.pandas.types import from_arrow_schema

from pipelines.dedup.mapping import Mapping
from pipelines.dedup.records import CAPTURES, ID, STATUS, TIME

BATCH_ROWS = 25_000
MOMENT = pa.timestamp("us", "UTC")


@dataclass(frozen=True)
class GroupReader:
    """Row groups of files, read as `select_columns` would have Spark read them.

    Attributes:
        mapping: columns and fields of the table.
        origin: where rows come from when no column says so.
        groups: file and number of each row group.
    """

    mapping: Mapping
    origin: str
    groups: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, files: tuple[str, ...], mapping: Mapping, origin: str) -> "GroupReader | None":
        """Reader of files of one schema; None where Spark has to cast a column."""
        opened = [pq.ParquetFile(file) for file in files]
        groups = [
            (file, number)
            for file, one in zip(files, opened, strict=True)
            for number in range(one.num_row_groups)
        ]
        reader = cls(mapping, origin, tuple(groups))
        return reader if all(reader._can_read(one.schema_arrow) for one in opened) else None

    def __call__(self, parts: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Read the row groups whose places in `groups` are the ids of `parts`."""
        for batch in parts:
            for place in batch.column("id").to_pylist():
                file, number = self.groups[place]
                rows = pq.ParquetFile(file).iter_batches(BATCH_ROWS, [number], self._columns)
                yield from map(self._select, rows)

    @property
    def _columns(self) -> list[str]:
        mapping = self.mapping
        wanted = [mapping.id, mapping.source, mapping.time, mapping.status, mapping.captures]
        wanted += [spec.column for spec in mapping.fields.values()]
        return list(dict.fromkeys(name for name in wanted if name))

    def _can_read(self, schema: pa.Schema) -> bool:
        mapping = self.mapping
        if not set(self._columns) <= set(schema.names):
            return False
        kinds = {name: schema.field(name).type for name in self._columns}
        texts = [name for name in (mapping.id, mapping.source, mapping.status) if name]
        fields = [kinds[spec.column] for spec in mapping.fields.values()]
        return (
            all(pa.types.is_string(kinds[name]) for name in texts)
            and all(pa.types.is_string(kind) or pa.types.is_date32(kind) for kind in fields)
            and (not mapping.time or kinds[mapping.time] == MOMENT)
        )

    def _select(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        mapping, count = self.mapping, rows.num_rows
        columns = {ID: rows.column(mapping.id)}
        columns["_source"] = (
            rows.column(mapping.source) if mapping.source else pa.repeat(self.origin, count)
        )
        columns[TIME] = rows.column(mapping.time) if mapping.time else pa.nulls(count, MOMENT)
        if mapping.captures:
            columns[CAPTURES] = rows.column(mapping.captures)
        if mapping.status:
            columns[STATUS] = rows.column(mapping.status)
        columns |= {name: rows.column(spec.column) for name, spec in mapping.fields.items()}
        return pa.RecordBatch.from_arrays(list(columns.values()), list(columns))


def rows_of(files: tuple[str, ...]) -> int:
    """Rows in Parquet files."""
    return sum(int(pq.read_metadata(file).num_rows) for file in files)


def local_files(name: str) -> tuple[str, ...]:
    """Files of a local Parquet input, in order of their names; none for any other input.

    A folder with folders in it may have columns in their names: those are Spark's to read.
    """
    root = Path(name)
    if "://" in name or not root.exists():
        return ()
    inside = [root] if root.is_file() else list(root.iterdir())
    shown = sorted(one.resolve() for one in inside if one.name[0] not in "._")
    is_plain = all(one.is_file() and one.suffix == ".parquet" for one in shown)
    return tuple(map(str, shown)) if is_plain and not (root / "_delta_log").is_dir() else ()


def schema_of(files: tuple[str, ...]) -> T.StructType | None:
    """Columns of Parquet files of one schema, as Spark has them; None where Spark must look."""
    try:
        schemas = [pq.read_schema(file).remove_metadata() for file in files]
        if not schemas or any(schema != schemas[0] for schema in schemas):
            return None
        return from_arrow_schema(schemas[0])
    except (OSError, pa.ArrowException, PySparkTypeError):
        return None
