"""How many pairs each plan would make, from one walk down the tree of cuts."""

from collections.abc import Sequence

import numba as nb
import numpy as np
import numpy.typing as npt

from pipelines.dedup.ordering import order_by
from pipelines.dedup.splitting import NODE_BYTES, TailArrays, Tails, sort_by_byte

Bool = npt.NDArray[np.bool_]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]


def predict_pairs(
    keys: U64, nodes: I64, tails: Tails, is_banded: Bool, forced: Sequence[int],
    sizes: Sequence[int],
) -> I64:  # fmt: skip
    """Pairs inside the leaves that `split_buckets` would leave, for many settings at once.

    Args:
        keys, nodes, tails: as for `split_buckets`.
        is_banded: entries to which forced levels apply.
        forced: levels cut whatever the size, per plan.
        sizes: largest bucket that is left whole, per plan.

    Returns:
        [forced, sizes].
    """
    order = order_by(keys)
    by_key = keys[order]
    starts = np.flatnonzero(np.append(True, by_key[1:] != by_key[:-1])[: len(keys)])
    bounds = np.append(starts, len(keys))
    pairs = np.zeros((len(forced), len(sizes)), dtype=np.int64)
    if len(starts):
        levels, limits = np.array(forced, dtype=np.int64), np.array(sizes, dtype=np.int64)
        _predict(bounds, order, nodes, tails.arrays, is_banded, levels, limits, pairs)
    return pairs


@nb.njit(cache=True, nogil=True)
def _predict(
    bounds: I64, order: I64, nodes: I64, tails: TailArrays, is_banded: Bool, forced: I64,
    sizes: I64, pairs: I64,
) -> None:  # fmt: skip
    """Cut down to the tightest plan; a node counts for every plan in which it is a leaf."""
    largest, tightest, deepest = np.diff(bounds).max(), sizes.min(), forced.max()
    scratch, bytes_ = np.empty(largest, dtype=np.int64), np.empty(largest, dtype=np.int64)
    last = tails[1].shape[1] + NODE_BYTES
    stack = [(np.int64(0), np.int64(0), np.int64(0), np.int64(0)) for _ in range(0)]
    for bucket in range(len(bounds) - 1):
        stack.append((bounds[bucket], bounds[bucket + 1], np.int64(0), np.int64(0)))
        banded = np.int64(is_banded[order[bounds[bucket]]])
        while len(stack):
            first, end, depth, above = stack.pop()
            size = end - first
            for i in range(len(forced)):
                must = banded * forced[i]
                for j in range(len(sizes)):
                    is_leaf = depth == last or (depth >= must and size <= sizes[j])
                    was_leaf = depth > must and above <= sizes[j]
                    if is_leaf and not was_leaf:
                        pairs[i, j] += size * (size - 1) // 2
            is_done = size <= tightest and depth >= banded * deepest
            if size == 1 or depth == last or is_done:
                continue
            sort_by_byte(order[first:end], depth, tails, nodes, bytes_, scratch)
            low = np.int64(0)
            for i in range(1, size + 1):
                if i < size and bytes_[i] == bytes_[low]:
                    continue
                stack.append((first + low, first + i, depth + 1, size))
                low = np.int64(i)
