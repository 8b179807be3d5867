"""The true pairs of a block of records."""

import numpy as np
import pyarrow as pa

from pipelines.dedup.synthetic.addresses import Columns
from pipelines.dedup.synthetic.duplicates import KINDS
from pipelines.dedup.synthetic.streams import I64


def pair_rows(rows: Columns, ids: pa.StringArray) -> pa.Table:
    """All pairs of records of one person, id_a < id_b, sorted.

    The kind of a pair is the kind of its later record; of two later records the kind that changes
    more (exact < noisy < moved < identity_change).

    Args:
        rows: person, ordinal and kind per record.
        ids: enrolment_id per record.

    Returns:
        Columns id_a, id_b, kind.
    """
    left, right = _pair(rows["person"], rows["ordinal"])
    kind = np.maximum(rows["kind"][left], rows["kind"][right])
    texts = np.asarray(ids.to_numpy(zero_copy_only=False)).astype(np.bytes_)
    rank = np.argsort(np.argsort(texts, kind="stable"), kind="stable")
    is_ordered = rank[left] < rank[right]
    low, high = np.where(is_ordered, left, right), np.where(is_ordered, right, left)
    order = np.lexsort((rank[high], rank[low]))
    return pa.table(
        {
            "id_a": ids.take(pa.array(low[order])),
            "id_b": ids.take(pa.array(high[order])),
            "kind": pa.array(KINDS).take(pa.array(kind[order])),
        }
    )


def _pair(person: I64, ordinal: I64) -> tuple[I64, I64]:
    """Rows of each pair: people stand in order of person and ordinal, 0 to 2."""
    by_person = np.lexsort((ordinal, person))
    sorted_person = person[by_person]
    pairs = []
    for gap in range(1, int(ordinal.max(initial=0)) + 1):
        same = np.flatnonzero(sorted_person[gap:] == sorted_person[:-gap])
        pairs.append((by_person[same], by_person[same + gap]))
    left = [pair[0] for pair in pairs] or [np.zeros(0, dtype=np.int64)]
    right = [pair[1] for pair in pairs] or [np.zeros(0, dtype=np.int64)]
    return np.concatenate(left), np.concatenate(right)
