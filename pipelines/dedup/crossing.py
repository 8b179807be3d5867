"""Do the two sides of a bridge look alike? The median score over the pairs that cross it."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from pipelines.core.errors import SangamError
from pipelines.dedup.bridges import Walk
from pipelines.dedup.hashing import fold

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

PairScorer = Callable[[I64, I64], F64]
"""Scores of the pairs `(node_a[i], node_b[i])`, `node_a < node_b`: one float64 each, never NaN."""


class CrossScores:
    """Scores of pairs, asked for once: what is known stays known over all rounds of the guard."""

    def __init__(self, nodes: I64, score_pairs: PairScorer) -> None:
        """Start empty.

        Args:
            nodes: sorted node ids; pairs are given as indexes into them.
            score_pairs: asked for pairs that are not known.
        """
        self.nodes, self._score_pairs = nodes, score_pairs
        self._keys, self._scores = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float64)

    def learn(self, a: I64, b: I64, scores: F64) -> None:
        """Add known scores of distinct pairs a < b."""
        keys = np.concatenate([self._keys, a * len(self.nodes) + b])
        order = np.argsort(keys, kind="stable")
        self._keys, self._scores = keys[order], np.concatenate([self._scores, scores])[order]

    def look_up(self, a: I64, b: I64) -> F64:
        """Score pairs a < b, the unknown ones in one call.

        Raises:
            SangamError: the scorer gave another number of scores or a NaN.
        """
        keys = a * len(self.nodes) + b
        new = np.setdiff1d(keys, self._keys)
        if len(new):
            new_a, new_b = np.divmod(new, len(self.nodes))
            scores = np.asarray(self._score_pairs(self.nodes[new_a], self.nodes[new_b]))
            if scores.shape != new.shape or np.isnan(scores).any():
                raise SangamError(
                    f"guard: {new.size} cross pairs came back as {scores.size} scores, "
                    f"{int(np.isnan(scores).sum())} of them NaN; the scorer must score every pair"
                )
            self.learn(new_a, new_b, scores)
        return self._scores[np.searchsorted(self._keys, keys)]


def _pick_positions(total: I64, limit: I64, keys: list[I64], seed: int) -> tuple[I64, I64]:
    """Distinct positions below `total`: all, or else one picked by hash in each of limit-1 strata.

    Returns:
        `(owner, position)`, owners ascending.
    """
    picks = np.where(total <= limit, total, limit - 1)
    owner = np.repeat(np.arange(len(total)), picks)
    stratum = np.arange(len(owner)) - np.repeat(np.cumsum(picks) - picks, picks)
    low = stratum * total[owner] // picks[owner]
    width = (stratum + 1) * total[owner] // picks[owner] - low
    words = [key[owner].astype(np.uint64) for key in keys] + [stratum.astype(np.uint64)]
    return owner, low + (fold(seed, words) % width.astype(np.uint64)).astype(np.int64)


def _group_median(group: I64, values: F64) -> F64:
    order = np.lexsort((values, group))
    ordered, count = values[order], np.bincount(group)
    first = np.cumsum(count) - count
    medians: F64 = (ordered[first + (count - 1) // 2] + ordered[first + count // 2]) / 2
    return medians


def crossing_medians(
    walk: Walk, a: I64, b: I64, bridges: I64, limit: I64, scores: CrossScores, seed: int
) -> F64:
    """Median score over the pairs that cross each bridge, the bridge itself included.

    Args:
        walk: walk over the edges `(a, b)`.
        a: smaller end of each edge.
        b: larger end.
        bridges: positions of the bridges asked about.
        limit: per bridge the most pairs to look at; where more cross, they are picked by hash,
            spread evenly over both sides.
        scores: known scores, and the way to new ones.
        seed: seed of the picks.

    Returns:
        One median per bridge.
    """
    below = walk.below[bridges]
    start, inner = walk.start[below], walk.span[below]
    outer = walk.span[start] - inner
    ends = [a[bridges], b[bridges]]
    names = [scores.nodes[end] for end in ends]  # not places, which follow from other components
    owner, position = _pick_positions(inner * outer, limit, names, seed)
    near, far = np.divmod(position, outer[owner])
    far = far + start[owner]
    far = far + np.where(far >= below[owner], inner[owner], 0)  # skip the slice of the inner side
    x, y = walk.order[below[owner] + near], walk.order[far]
    x, y = np.minimum(x, y), np.maximum(x, y)
    other = (x != ends[0][owner]) | (y != ends[1][owner])
    x, y = np.concatenate([x[other], ends[0]]), np.concatenate([y[other], ends[1]])
    group = np.concatenate([owner[other], np.arange(len(bridges))])
    return _group_median(group, scores.look_up(x, y))
