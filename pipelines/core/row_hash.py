"""Hashes of rows, and digests of frames that do not depend on order or partitions."""

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

MODULUS = 2**64
_LOW_32 = 0xFFFFFFFF


def row_hash(df: DataFrame, columns: Sequence[str]) -> Column:
    """xxHash64 over the given columns, their order significant.

    Spark's own hash of several columns skips nulls, so ("a", null) and (null, "a") would be equal,
    and refuses maps; here each column is hashed by itself and maps become sorted entries.

    Args:
        df: the frame, for the column types.
        columns: columns that count; maps may stand at the top level only.

    Returns:
        A long column without nulls.
    """
    parts = [part for name in columns for part in _parts(name, df.schema[name].dataType)]
    return F.xxhash64(*parts) if parts else F.lit(0).cast("long")


def _parts(name: str, data_type: T.DataType) -> list[Column]:
    column = F.col(f"`{name}`")
    if isinstance(data_type, T.MapType):
        return [F.xxhash64(F.array_sort(F.map_entries(column))), column.isNull()]
    return [F.xxhash64(column), column.isNull()]


def sum_hashes(hashes: Column, name: str = "digest") -> list[Column]:
    """Aggregates of a digest: both halves apart, so that longs cannot overflow below 2^31 rows."""
    high, low = F.shiftrightunsigned(hashes, 32), hashes.bitwiseAND(F.lit(_LOW_32))
    return [F.sum(high).alias(f"{name}_high"), F.sum(low).alias(f"{name}_low")]


def join_sums(sums: Mapping[str, Any], name: str = "digest") -> int:
    """Digest from the aggregates of `sum_hashes`, 0 to 2^64 - 1; no rows give 0."""
    high, low = (int(sums[f"{name}_{half}"] or 0) for half in ("high", "low"))
    return ((high << 32) + low) % MODULUS
