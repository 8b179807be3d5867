"""Entries of records in their buckets: what is shuffled to bring a bucket together."""

import numba as nb
import numpy as np
import numpy.typing as npt

from pipelines.dedup.keys import KeyLayout, RecordKeys
from pipelines.dedup.membership import HashSet, contains
from pipelines.dedup.signatures import PREFIX_DEPTH, mix

Bool = npt.NDArray[np.bool_]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]

CAPTURE_ENTRY = np.dtype([("key", "<u8"), ("node", "<i8"), ("family", "u1"), ("probe", "u1")])
"""A record standing in one bucket by a key of its captures, which nothing cuts."""

ENTRY = np.dtype([("key", "<u8"), ("row", "<u4"), ("column", "u1"), ("probe", "u1")])
"""A record standing in one bucket: row of the store, and which stored prefix the key is made of.

`probe` entries never pair with each other.
"""

_NONE = HashSet(np.empty(0, dtype=np.uint64))


def key_entries(
    keys: RecordKeys, layout: KeyLayout, depth: int, first_row: int, skipped: Bool, every: int = 1,
    among: HashSet | None = None,
) -> npt.NDArray[np.void]:  # fmt: skip
    """Entries of a run of records in their buckets at a start depth, as an array of `ENTRY`.

    Args:
        keys: stored keys of the run.
        layout: which keys there are.
        depth: hash values in the prefix of a band, PREFIX_DEPTH or more.
        first_row: row of the store where the run starts.
        skipped: records that stand in no bucket, [records].
        every: keep the buckets whose shallow prefix is divisible by this (planning sample).
        among: keep these buckets only.
    """
    cutting = layout.cutting_bytes(PREFIX_DEPTH)[:, : depth - PREFIX_DEPTH]
    prefixes = np.asarray(keys.prefixes)
    deep = np.empty(prefixes.shape, dtype=np.uint64)
    count = _deepen(
        prefixes, np.asarray(keys.tails), cutting, layout.is_banded, skipped, np.uint64(every),
        among is not None, *(among or _NONE).arrays, deep,
    )  # fmt: skip
    entries = np.zeros(count, dtype=ENTRY)
    row, column = np.nonzero(deep)
    entries["key"], entries["row"], entries["column"] = deep[row, column], row + first_row, column
    return entries


@nb.njit(cache=True, nogil=True)
def _deepen(
    prefixes: U64, tails: U8, cutting: I64, is_banded: Bool, skipped: Bool, every: np.uint64,
    is_chosen: bool, marks: U8, slots: U64, deep: U64,
) -> int:  # fmt: skip
    """Prefixes of the wanted depth, 0 where there is no wanted bucket; returns how many are."""
    count = 0
    for row in range(prefixes.shape[0]):
        for column in range(prefixes.shape[1]):
            key = prefixes[row, column]
            deep[row, column] = 0
            if key == 0 or skipped[row] or (every > 1 and mix(key) % every != 0):
                continue
            if is_banded[column]:
                for level in range(cutting.shape[1]):
                    byte = np.uint64(tails[row, cutting[column, level]])
                    key = mix(key ^ (byte + np.uint64(1)))
            if is_chosen and not contains(key, marks, slots):
                continue
            deep[row, column] = key
            count += 1
    return count
