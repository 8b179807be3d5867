"""The way of entries down a stored tree of cuts, see `splitting.py`."""

from concurrent.futures import ThreadPoolExecutor

import numba as nb
import numpy as np
import numpy.typing as npt

from pipelines.dedup.membership import HashSet, contains, stands_in
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
def _way(keys: U64, nodes: I64, tails: TailArrays, cuts: U64, leaves: U64) -> U64:
    """Walk to the leaves; returns the cut nodes on the way of each entry, again for each."""
    found, made = np.empty(len(keys) + 1, dtype=np.uint64), 0
    for i in range(len(keys)):
        key, depth = keys[i], 0
        while stands_in(key, cuts):
            if made == len(found):
                found = np.append(found, np.empty_like(found))
            found[made] = key
            made += 1
            key = child_key(key, cut_byte(i, depth, tails, nodes))
            depth += 1
        leaves[i] = key
    return found[:made].copy()


def way_down(keys: U64, nodes: I64, tails: Tails, cuts: U64) -> tuple[U64, U64]:
    """The leaves of a few entries under a large plan, and the cut nodes that they pass.

    Args:
        keys, nodes, tails: as for `leaf_keys`.
        cuts: sorted keys of the cut nodes; a set of millions would take longer to make.

    Returns:
        Key of the leaf of each entry; cut nodes, sorted, each once.
    """
    leaves = np.empty_like(keys)
    table, positions, row, kind = tails.arrays
    halves = slice(0, len(keys) // 2), slice(len(keys) // 2, None)

    def walk(part: slice) -> U64:
        cutting = table, positions, row[part], kind[part]
        return _way(keys[part], nodes[part], cutting, cuts, leaves[part])

    with ThreadPoolExecutor(len(halves)) as pool:
        inner = np.concatenate(list(pool.map(walk, halves)))
    return leaves, np.unique(inner)
