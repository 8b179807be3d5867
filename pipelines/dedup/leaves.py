"""Pairs of the records that stand together in a leaf of the split buckets."""

import numba as nb
import numpy as np
import numpy.typing as npt

from pipelines.dedup.splitting import Leaves

I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]


@nb.njit(cache=True, nogil=True)
def _emit(
    order: I64, starts: I64, nodes: I64, families: U8, probes: U8, low: I64, high: I64, seen: U8
) -> int:
    made = 0
    for leaf in range(len(starts) - 1):
        for i in range(starts[leaf], starts[leaf + 1]):
            a = nodes[order[i]]
            for j in range(i + 1, starts[leaf + 1]):
                b = nodes[order[j]]
                if a == b or (probes[order[i]] and probes[order[j]]):
                    continue
                low[made], high[made] = min(a, b), max(a, b)
                seen[made] = families[order[i]]
                made += 1
    return made


@nb.njit(cache=True, nogil=True)
def _count(order: I64, starts: I64, probes: U8) -> int:
    room = 0
    for leaf in range(len(starts) - 1):
        size = starts[leaf + 1] - starts[leaf]
        asking = np.int64(0)
        for i in range(starts[leaf], starts[leaf + 1]):
            asking += probes[order[i]]
        room += (size * (size - 1) - asking * (asking - 1)) // 2
    return room


def leaf_pairs(leaves: Leaves, nodes: I64, families: U8, probes: U8) -> tuple[I64, I64, U8]:
    """All pairs inside the leaves, smaller node first, with the key family that saw each.

    Two probe entries make no pair: one side must stand in the index.
    """
    room = _count(leaves.order, leaves.starts, probes)
    low, high = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int64)
    seen = np.empty(room, dtype=np.uint8)
    made = _emit(leaves.order, leaves.starts, nodes, families, probes, low, high, seen)
    return low[:made], high[:made], seen[:made]
