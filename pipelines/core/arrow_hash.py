"""Hashes of Arrow rows, and digests of tables that do not depend on order or batches."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.mixing import U64, splitmix64
from pipelines.core.row_hash import MODULUS

_NULL = np.uint64(0x9E3779B97F4A7C15)
_LOW_32 = np.uint64(0xFFFFFFFF)


def hash_rows(table: pa.Table, columns: Sequence[str]) -> U64:
    """Hash of each row over some columns, whose order does not matter, [rows]."""
    hashes = np.zeros(table.num_rows, dtype=np.uint64)
    for name in sorted(columns):
        hashes = splitmix64(hashes ^ hash_column(table.column(name)))
    return hashes


def sum_hashes(hashes: U64) -> int:
    """Order-free digest: sum of row hashes modulo 2^64."""
    high, low = hashes >> np.uint64(32), hashes & _LOW_32
    return ((int(high.sum()) << 32) + int(low.sum())) % MODULUS


def hash_column(column: pa.ChunkedArray | pa.Array) -> U64:
    """Hash of each value, [rows]; nulls have one of their own, nested values hash their parts."""
    values = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_map(values.type):
        return _hash_groups(values, values.keys, values.items)
    if pa.types.is_list(values.type):
        return _hash_groups(values, values.flatten())
    if pa.types.is_struct(values.type):
        fields = [pc.struct_field(values, [i]) for i in range(values.type.num_fields)]
        return np.where(_is_null(values), _NULL, _hash_parts(fields, len(values)))
    return _hash_flat(values)


def _hash_flat(values: pa.Array) -> U64:
    """Each distinct value is hashed once, by its bytes."""
    encoded = values.dictionary_encode()
    words = encoded.dictionary
    if pa.types.is_decimal(words.type):
        words = words.cast(pa.string())
    if pa.types.is_temporal(words.type):
        words = words.cast(pa.int32() if pa.types.is_date32(words.type) else pa.int64())
    hashed = pd.util.hash_array(words.to_numpy(zero_copy_only=False), categorize=False)
    codes = encoded.indices.fill_null(len(hashed)).to_numpy(zero_copy_only=False)
    by_row: U64 = np.append(hashed.astype(np.uint64), _NULL)[codes]
    return by_row


def _hash_parts(parts: Sequence[pa.Array], rows: int) -> U64:
    hashes = np.zeros(rows, dtype=np.uint64)
    for part in parts:
        hashes = splitmix64(hashes ^ hash_column(part))
    return hashes


def _hash_groups(values: pa.Array, *parts: pa.Array) -> U64:
    """Lists count the place of an item, maps do not count the order of their entries."""
    lengths = pc.fill_null(pc.list_value_length(values), 0) if len(parts) == 1 else _lengths(values)
    sizes = np.asarray(lengths, dtype=np.int64)
    parents = np.repeat(np.arange(len(values)), sizes)
    items = _hash_parts(parts, len(parents))
    if len(parts) == 1:
        starts = np.cumsum(sizes) - sizes
        places = np.arange(len(parents)) - starts[parents]
        items = splitmix64(items ^ places.astype(np.uint64))
    summed = np.zeros(len(values), dtype=np.uint64)
    np.add.at(summed, parents, items)
    return np.where(_is_null(values), _NULL, splitmix64(summed ^ sizes.astype(np.uint64)))


def _lengths(values: pa.MapArray) -> npt.NDArray[np.int64]:
    return np.diff(np.asarray(values.offsets)).astype(np.int64)


def _is_null(values: pa.Array) -> npt.NDArray[np.bool_]:
    return np.asarray(values.is_null())
