"""Entries of records in their buckets: what is shuffled to bring a bucket together."""

import numba as nb
import numpy as np
import numpy.typing as npt

from pipelines.core.packed import Records
from pipelines.dedup.keys import KeyLayout, RecordKeys
from pipelines.dedup.membership import HashSet, contains
from pipelines.dedup.signatures import PREFIX_DEPTH, mix
from pipelines.dedup.splitting import read_only

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


def key_entries(
    keys: RecordKeys, layout: KeyLayout, depth: int, first_row: int, skipped: Bool, every: int = 1
) -> Records:
    """Entries of a run of records in their buckets at a start depth, as an array of `ENTRY`.

    Args:
        keys: stored keys of the run.
        layout: which keys there are.
        depth: hash values in the prefix of a band, PREFIX_DEPTH or more.
        first_row: row of the store where the run starts.
        skipped: records that stand in no bucket, [records].
        every: keep the buckets whose shallow prefix is divisible by this (planning sample).
    """
    cutting = np.ascontiguousarray(layout.cutting_bytes(PREFIX_DEPTH)[:, : depth - PREFIX_DEPTH])
    prefixes = read_only(keys.prefixes)
    deep = np.empty(prefixes.shape, dtype=np.uint64)
    count = _deepen(
        prefixes, read_only(keys.tails), cutting, layout.is_banded, skipped, np.uint64(every), deep
    )
    entries = np.zeros(count, dtype=ENTRY)
    row, column = np.nonzero(deep)
    entries["key"], entries["row"], entries["column"] = deep[row, column], row + first_row, column
    return entries


@nb.njit(cache=True, nogil=True)
def _deepen(
    prefixes: U64, tails: U8, cutting: I64, is_banded: Bool, skipped: Bool, every: np.uint64,
    deep: U64,
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
            deep[row, column] = key
            count += 1
    return count


def entries_among(leaves: U64, first_row: int, among: HashSet) -> Records:
    """Entries of a run of records in some leaves, an array of `ENTRY`.

    Args:
        leaves: key of the leaf of each key of the records, [records, keys]; 0 = none.
        first_row: row of the store where the run starts.
        among: keys of the leaves.
    """
    row, column = _meet(leaves, *among.arrays)
    entries = np.zeros(len(row), dtype=ENTRY)
    entries["key"], entries["row"], entries["column"] = leaves[row, column], row + first_row, column
    return entries


# Only an increment needs this kernel. With its types given here it is compiled by whatever run is
# the first to import it, and so kept for the increment.
@nb.njit(
    nb.int64[:, ::1](
        nb.types.Array(nb.uint64, 2, "C", readonly=True), nb.uint8[::1], nb.uint64[::1]
    ),
    cache=True,
    nogil=True,
)
def _meet(leaves: U64, marks: U8, slots: U64) -> I64:
    """Rows and columns whose leaf stands in a set, [2, found]."""
    found, made = np.empty((2, 1024), dtype=np.int64), 0
    for row in range(leaves.shape[0]):
        for column in range(leaves.shape[1]):
            key = leaves[row, column]
            if key == 0 or not contains(key, marks, slots):
                continue
            if made == found.shape[1]:
                found = np.hstack((found, np.empty_like(found)))
            found[0, made], found[1, made] = row, column
            made += 1
    return found[:, :made].copy()
