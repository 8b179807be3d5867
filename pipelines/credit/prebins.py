"""Fine bins of one attribute: a small classification tree on numbers, sorted categories otherwise.

The optimum over coarser bins is then found exactly in `binning.py`.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from pipelines.credit.samples import F64, I64, Values


@dataclass(frozen=True)
class Prebins:
    """Fine bins in order.

    Attributes:
        cuts: numbers: where one bin ends and the next begins [bins - 1]; bins are `[lo, hi)`.
        groups: categories: the names in each bin [bins]; empty for numbers.
        walls: bins that begin at a forced cut and may never be merged with the one before.
        good, bad: rows of each class in each bin [bins].
    """

    cuts: tuple[float, ...]
    groups: tuple[tuple[str, ...], ...]
    walls: frozenset[int]
    good: I64
    bad: I64


def prebin_numbers(
    values: F64, is_bad: I64, most: int, least_rows: int, forced: Sequence[float] = ()
) -> Prebins:
    """Cut a column without missing values by a tree on the Gini impurity (Breiman 1984).

    Args:
        values: finite numbers [n].
        is_bad: classes [n].
        most: leaves at most.
        least_rows: rows a leaf holds at least; the sides of a forced cut may hold fewer.
        forced: cuts that are always there, if both sides have rows.
    """
    distinct, code = np.unique(values, return_inverse=True)
    bad = np.bincount(code, weights=is_bad, minlength=len(distinct)).astype(np.float64)
    rows = np.bincount(code, minlength=len(distinct)).astype(np.float64)
    walls = sorted({int(np.searchsorted(distinct, cut)) for cut in forced} - {0, len(distinct)})
    inner = _grow(rows, bad, most, least_rows, walls)
    starts = sorted({0, *inner, *walls})
    at_forced = {int(np.searchsorted(distinct, cut)): cut for cut in forced}
    cuts = tuple(at_forced.get(s, float((distinct[s - 1] + distinct[s]) / 2)) for s in starts[1:])
    counts = [np.add.reduceat(part, starts).astype(np.int64) for part in (rows - bad, bad)]
    fixed = frozenset(i for i, start in enumerate(starts) if start in walls)
    return Prebins(cuts, (), fixed, *counts)


def prebin_categories(values: Values, is_bad: I64, most: int, least_rows: int) -> Prebins:
    """Put categories in the order of their bad rate and cut that order by the same tree."""
    names, code = np.unique(values.astype(str), return_inverse=True)
    bad = np.bincount(code, weights=is_bad, minlength=len(names)).astype(np.float64)
    rows: F64 = np.bincount(code, minlength=len(names)).astype(np.float64)
    order = np.lexsort((names, bad / rows))
    starts = sorted({0, *_grow(rows[order], bad[order], most, least_rows, [])})
    groups = tuple(tuple(sorted(part)) for part in np.split(names[order].tolist(), starts[1:]))
    sorted_counts = ((rows - bad)[order], bad[order])
    counts = [np.add.reduceat(part, starts).astype(np.int64) for part in sorted_counts]
    return Prebins((), groups, frozenset(), *counts)


def _grow(rows: F64, bad: F64, most: int, least: int, walls: Sequence[int]) -> list[int]:
    """Split the segment with the largest gain first, until there are `most` leaves."""
    edges = [0, *walls, len(rows)]
    heap: list[tuple[float, int, int, int]] = []

    def offer(lo: int, hi: int) -> None:
        found = _best_split(rows[lo:hi], bad[lo:hi], least)
        if found is not None:
            heapq.heappush(heap, (-found[0], lo, lo + found[1], hi))

    for lo, hi in pairwise(edges):
        offer(lo, hi)
    starts: list[int] = []
    while heap and len(starts) + len(edges) - 1 < most:
        _, lo, at, hi = heapq.heappop(heap)
        starts.append(at)
        offer(lo, at)
        offer(at, hi)
    return starts


def _best_split(rows: F64, bad: F64, least: int) -> tuple[float, int] | None:
    """Gain and place of the best split of a segment; None where no split helps."""
    left, left_bad = np.cumsum(rows)[:-1], np.cumsum(bad)[:-1]
    total, total_bad = rows.sum(), bad.sum()
    right, right_bad = total - left, total_bad - left_bad
    fits = np.flatnonzero((left >= least) & (right >= least))
    if not len(fits):
        return None
    impurity = _gini(left, left_bad)[fits] + _gini(right, right_bad)[fits]
    at = int(np.argmin(impurity))
    gain = float(_gini(total, total_bad) - impurity[at])
    return (gain, int(fits[at]) + 1) if gain > 0 else None


def _gini(rows: F64, bad: F64) -> F64:
    """Impurity of a node times its rows, one side of the usual sum."""
    impurity: F64 = bad * (rows - bad) / rows
    return impurity
