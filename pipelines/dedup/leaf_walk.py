"""The way of entries down a stored tree of cuts, see `splitting.py`."""

import numba as nb
import numpy as np
import numpy.typing as npt

from pipelines.dedup.membership import HashSet, contains
from pipelines.dedup.splitting import TailArrays, Tails, child_key, cut_byte

I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]


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


@nb.njit(cache=True, nogil=True)
def _inner(keys: U64, nodes: I64, tails: TailArrays, marks: U8, slots: U64) -> U64:
    """Cut nodes on the way of each entry to its leaf, again for each entry."""
    found, made = np.empty(len(keys) + 1, dtype=np.uint64), 0
    for i in range(len(keys)):
        key, depth = keys[i], 0
        while contains(key, marks, slots):
            if made == len(found):
                found = np.append(found, np.empty_like(found))
            found[made] = key
            made += 1
            key = child_key(key, cut_byte(i, depth, tails, nodes))
            depth += 1
    return found[:made].copy()


def inner_nodes(keys: U64, nodes: I64, tails: Tails, cuts: HashSet) -> U64:
    """Cut nodes that entries pass on the way to their leaves, sorted; see `leaf_keys`."""
    found: U64 = np.unique(_inner(keys, nodes, tails.arrays, *cuts.arrays))
    return found
