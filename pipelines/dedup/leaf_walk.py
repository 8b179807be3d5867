"""The way of entries down a stored tree of cuts, see `splitting.py`."""

from dataclasses import dataclass

import numba as nb
import numpy as np
import numpy.typing as npt

from pipelines.dedup.splitting import TailArrays, Tails, child_key, cut_byte

I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]


@nb.njit(cache=True, nogil=True)
def _is_cut(key: np.uint64, cuts: U64, filter_bits: U8) -> bool:
    """Whether a node is cut; the table of `CutNodes` says no to nearly all others at one look."""
    if not filter_bits[key & np.uint64(len(filter_bits) - 1)]:
        return False
    at = np.searchsorted(cuts, key)
    return bool(at < len(cuts) and cuts[at] == key)


@nb.njit(cache=True, nogil=True)
def _walk(keys: U64, nodes: I64, tails: TailArrays, cuts: U64, filter_bits: U8, out: U64) -> None:
    for i in range(len(keys)):
        key, depth = keys[i], 0
        while _is_cut(key, cuts, filter_bits):
            key = child_key(key, cut_byte(i, depth, tails, nodes))
            depth += 1
        out[i] = key


@dataclass(frozen=True)
class CutNodes:
    """Cut nodes of a plan with a table that says no to nearly all other nodes at one look.

    Attributes:
        keys: sorted keys of the cut nodes.
        table: 1 where the low bits of a key are those of a cut node; a power of two long.
    """

    keys: U64
    table: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, keys: U64) -> "CutNodes":
        """Make the table."""
        table = np.zeros(1 << max(10, int(len(keys) * 8).bit_length()), dtype=np.uint8)
        table[keys & np.uint64(len(table) - 1)] = 1
        return cls(keys, table)


def leaf_keys(keys: U64, nodes: I64, tails: Tails, cuts: CutNodes) -> U64:
    """Walk entries down a stored tree of cuts to the keys of their leaves.

    Args:
        keys: prefix key per entry.
        nodes: record per entry.
        tails: bytes that cut the buckets.
        cuts: the cut nodes.
    """
    out = np.empty_like(keys)
    _walk(keys, nodes, tails.arrays, np.asarray(cuts.keys), np.asarray(cuts.table), out)
    return out


@nb.njit(cache=True, nogil=True)
def _inner(keys: U64, nodes: I64, tails: TailArrays, cuts: U64, filter_bits: U8) -> U64:
    """Cut nodes on the way of each entry to its leaf, again for each entry."""
    found, made = np.empty(len(keys) + 1, dtype=np.uint64), 0
    for i in range(len(keys)):
        key, depth = keys[i], 0
        while _is_cut(key, cuts, filter_bits):
            if made == len(found):
                found = np.append(found, np.empty_like(found))
            found[made] = key
            made += 1
            key = child_key(key, cut_byte(i, depth, tails, nodes))
            depth += 1
    return found[:made].copy()


def inner_nodes(keys: U64, nodes: I64, tails: Tails, cuts: CutNodes) -> U64:
    """Cut nodes that entries pass on the way to their leaves, sorted; see `leaf_keys`."""
    found: U64 = np.unique(
        _inner(keys, nodes, tails.arrays, np.asarray(cuts.keys), np.asarray(cuts.table))
    )
    return found
