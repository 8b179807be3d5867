"""The way of entries down a stored tree of cuts, see `splitting.py`."""

from concurrent.futures import ThreadPoolExecutor

import numba as nb
import numpy as np
import numpy.typing as npt

from pipelines.dedup.membership import HashSet, contains, stands_in
from pipelines.dedup.splitting import TailArrays, Tails, child_key, cut_byte

I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]

# Types of kernels that only an increment needs: given here, they are compiled by whatever run is
# the first to import them, and so kept for the increment.
_HASHES = nb.types.Array(nb.uint64, 1, "C", readonly=True)
_BYTES = nb.types.Array(nb.uint8, 2, "C", readonly=True)


@nb.njit(cache=True, nogil=True)
def _walk(keys: U64, nodes: I64, tails: TailArrays, marks: U8, slots: U64, out: U64) -> None:
    for i in range(len(keys)):
        key, depth = keys[i], 0
        while contains(key, marks, slots):
            key = child_key(key, cut_byte(i, depth, tails, nodes))
            depth += 1
        out[i] = key


def leaf_keys(keys: U64, nodes: I64, tails: Tails, cuts: HashSet) -> U64:
    """Walk entries down a stored tree of cuts to the keys of their leaves.

    Args:
        keys: prefix key per entry.
        nodes: record per entry.
        tails: bytes that cut the buckets.
        cuts: keys of the cut nodes.
    """
    out = np.empty_like(keys)
    _walk(keys, nodes, tails.arrays, *cuts.arrays, out)
    return out


@nb.njit(
    nb.void(
        _HASHES, nb.int64[::1], _BYTES, nb.int64[:, ::1], nb.uint32[::1], nb.uint8[::1], _HASHES,
        nb.uint64[::1],
    ),
    cache=True, nogil=True,
)  # fmt: skip
def _walk_few(
    keys: U64, nodes: I64, table: U8, positions: I64, row: U32, kind: U8, cuts: U64, out: U64
) -> None:
    tails = (table, positions, row, kind)
    for i in range(len(keys)):
        key, depth = keys[i], 0
        while stands_in(key, cuts):
            key = child_key(key, cut_byte(i, depth, tails, nodes))
            depth += 1
        out[i] = key


def few_leaf_keys(keys: U64, nodes: I64, tails: Tails, cuts: U64) -> U64:
    """`leaf_keys` of a few entries under a large plan.

    Args:
        keys, nodes, tails: as for `leaf_keys`.
        cuts: sorted keys of the cut nodes; a set of millions would take longer to make.
    """
    out = np.empty_like(keys)
    table, positions, row, kind = tails.arrays
    halves = slice(0, len(keys) // 2), slice(len(keys) // 2, None)

    def walk(part: slice) -> None:
        cutting = table, positions, row[part], kind[part]
        _walk_few(keys[part], nodes[part], *cutting, cuts, out[part])

    with ThreadPoolExecutor(len(halves)) as pool:
        list(pool.map(walk, halves))
    return out
