"""Rows that a merge into a table changes, and the digest of the outcome without reading it."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from pipelines.core.arrow_hash import hash_rows, sum_hashes
from pipelines.core.row_hash import MODULUS


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
    gone = sum_hashes(old_rows[at[is_known & ~is_same]])
    return new.filter(pa.array(~is_same)), (sum_hashes(new_rows[~is_same]) - gone) % MODULUS
