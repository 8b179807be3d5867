"""Tables that Spark opens, CSV, Parquet, Avro or Delta: columns first, rows when asked."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from pipelines.core.errors import ConfigError
from pipelines.core.spark import READ_ERRORS, read_failure
from pipelines.dedup.records import CORRUPT


@dataclass(frozen=True)
class Table:
    """A table: its columns, and its rows once Spark is asked for them."""

    schema: T.StructType
    open: Callable[[], DataFrame]

    @classmethod
    def of(cls, frame: DataFrame) -> "Table":
        """A table that Spark has opened."""
        return cls(frame.schema, lambda: frame)


def read_table(session: SparkSession, name: str) -> DataFrame:
    """Read a CSV, Parquet, Delta or Avro table, local or on an object store.

    Raises:
        ConfigError: it does not exist or is of no known format.
    """
    if "://" not in name and not Path(name).exists():
        raise ConfigError(f"--input {name}: no such file or folder")
    try:
        if name.endswith(".csv"):
            return read_csv(session, name)
        if name.endswith(".avro"):
            return session.read.format("avro").load(name)
        if name.endswith(".parquet"):
            return session.read.parquet(name)
        return _read_folder(session, name)
    except READ_ERRORS as error:
        raise ConfigError(f"--input {name}: cannot be read: {read_failure(error)}") from None


def read_csv(session: SparkSession, name: str) -> DataFrame:
    """CSV with a header; rows with too few or too many cells are kept in `_corrupt_record`."""
    columns = session.read.csv(name, header=True).columns
    schema = T.StructType([T.StructField(c, T.StringType()) for c in (*columns, CORRUPT)])
    return session.read.csv(
        name, header=True, schema=schema, mode="PERMISSIVE", columnNameOfCorruptRecord=CORRUPT,
        ignoreLeadingWhiteSpace=True, ignoreTrailingWhiteSpace=True,
    )  # fmt: skip


def _read_folder(session: SparkSession, name: str) -> DataFrame:
    folder = Path(name)
    if "://" in name or (folder / "_delta_log").is_dir():
        return session.read.format("delta").load(name)
    for suffix, kind in ((".parquet", "parquet"), (".avro", "avro"), (".csv", "csv")):
        if any(folder.rglob(f"*{suffix}")):
            is_csv = kind == "csv"
            return read_csv(session, name) if is_csv else session.read.format(kind).load(name)
    raise ConfigError(f"--input {name}: no CSV, Parquet, Avro or Delta table")
