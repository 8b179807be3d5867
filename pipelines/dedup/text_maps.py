"""Maps of text by field name, built from columns at once."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

TEXT_MAP = pa.map_(pa.string(), pa.string())


def pack_map(columns: Mapping[str, pa.ChunkedArray], rows: int) -> pa.Array:
    """Pack columns into one map per row, in order of the columns.

    Args:
        columns: field name -> values, anything that casts to text; a null gives no entry.
        rows: length of all columns.

    Returns:
        Map array [rows] of text by field name.
    """
    if not columns:
        return pa.MapArray.from_arrays(pa.array([0] * (rows + 1), pa.int32()), [], []).cast(
            TEXT_MAP
        )
    texts = [chunk for column in columns.values() for chunk in column.cast(pa.string()).chunks]
    # Entries lie field by field; this order brings those of one row together.
    order = np.arange(len(columns) * rows).reshape(len(columns), rows).T.ravel()
    values = pa.concat_arrays(texts or [pa.array([], pa.string())]).take(pa.array(order))
    is_filled = values.is_valid().to_numpy(zero_copy_only=False)
    fields = pa.array(order // max(rows, 1))
    keys = pa.array(list(columns)).take(fields).filter(pa.array(is_filled))
    sizes = is_filled.reshape(rows, len(columns)).sum(axis=1)
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    return pa.MapArray.from_arrays(pa.array(offsets), keys, values.drop_null())
