"""Merging rows into Delta tables, and the digest of the outcome without reading it again."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from delta.tables import DeltaTable
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.core.arrow_hash import hash_rows
from pipelines.core.arrow_hash import sum_hashes as sum_values
from pipelines.core.row_hash import MODULUS, join_sums, row_hash, sum_hashes


def merge_rows(
    there: DataFrame, path: str, df: DataFrame, keys: Sequence[str], counted: Sequence[str]
) -> int | None:
    """Merge a frame into a table, in one commit at most.

    Args:
        there: current content of the table.
        path: place of the table.
        df: rows with all columns of the table, each key once.
        keys: columns that identify a row.
        counted: columns that make a difference, sorted.

    Returns:
        By how much the digest of the table grows, modulo 2^64; None if no row differs.
    """
    changed = _changed(there, df, keys, counted).persist()
    try:
        parts = [*sum_hashes(F.col("_new"), "new"), *sum_hashes(F.col("_old"), "old")]
        sums = changed.agg(F.count(F.lit(1)).alias("rows"), *parts).collect()[0].asDict()
        if not sums["rows"]:
            return None
        _merge(path, changed.drop("_new", "_old"), keys)
    finally:
        changed.unpersist()
    return (join_sums(sums, "new") - join_sums(sums, "old")) % MODULUS


def _changed(
    there: DataFrame, df: DataFrame, keys: Sequence[str], counted: Sequence[str]
) -> DataFrame:
    """Rows that are new or differ, with the hashes of the new and of the old row."""
    touched = there.join(df.select(*keys), list(keys), how="left_semi")
    known = touched.select(*keys, row_hash(there, counted).alias("_old"))
    rows = df.withColumn("_new", row_hash(df, counted))
    return rows.join(known, list(keys), how="left").where("NOT _old <=> _new")


def _merge(path: str, df: DataFrame, keys: Sequence[str]) -> None:
    same_key = " AND ".join(f"old.`{key}` = new.`{key}`" for key in keys)
    target = DeltaTable.forPath(df.sparkSession, path).alias("old")
    merging = target.merge(df.alias("new"), same_key)
    merging.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()


def find_changes(
    old: pa.Table, new: pa.Table, keys: Sequence[str], counted: Sequence[str]
) -> tuple[pa.Table, int]:
    """Rows of `new` that are not in `old` as they are.

    Args:
        old, new: tables of one schema, each key once.
        keys: columns that identify a row; rows are matched by a 64-bit hash of them.
        counted: columns that make a difference.

    Returns:
        The changed rows, and by how much the digest of the table grows, modulo 2^64.
    """
    old_keys, new_keys = hash_rows(old, keys), hash_rows(new, keys)
    old_rows, new_rows = hash_rows(old, counted), hash_rows(new, counted)
    order = np.argsort(old_keys)
    place = np.searchsorted(old_keys[order], new_keys)
    place[place == len(order)] = 0
    at = order[place] if len(order) else np.zeros(len(new_keys), dtype=np.int64)
    is_known = old_keys[at] == new_keys if len(order) else np.zeros(len(new_keys), dtype=bool)
    is_same = is_known.copy()
    is_same[is_known] = old_rows[at[is_known]] == new_rows[is_known]
    gone = sum_values(old_rows[at[is_known & ~is_same]])
    return new.filter(pa.array(~is_same)), (sum_values(new_rows[~is_same]) - gone) % MODULUS
