"""Optimal binning: of all ways to merge fine bins, the one with the most information.

The bins keep a trend of the bad rate and a least size. With at most a few dozen fine bins the
optimum is exact by dynamic programming over (first, last) fine bin of the last coarse bin, the
problem that Navas-Palencia (2020, "Optimal binning: mathematical programming formulation") states
as a mixed-integer program.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from pipelines.credit.prebins import Prebins
from pipelines.credit.samples import F64, I64
from pipelines.credit.woe import information_values

Trend = Literal["auto", "rising", "falling", "peak", "valley"]
Solution = tuple[float, tuple[int, ...]]

NOTHING: Solution = (-np.inf, ())
_FLAT = 1e-12


@dataclass(frozen=True)
class Merged:
    """The best bins: `starts` are the fine bins they begin with, `value` their information."""

    starts: tuple[int, ...]
    trend: Trend
    value: float


@dataclass(frozen=True)
class _Costs:
    """What a merged bin of the fine bins i..j would be; arrays [bins, bins], i <= j."""

    value: F64
    rate: F64
    is_allowed: npt.NDArray[np.bool_]

    def flipped(self) -> "_Costs":
        """The same bins read from right to left."""
        value, rate, is_allowed = self.value.T, self.rate.T, self.is_allowed.T
        return _Costs(np.flip(value), np.flip(rate), np.flip(is_allowed))

    def negated(self) -> "_Costs":
        """The same with the opposite order of bad rates."""
        return _Costs(self.value, -self.rate, self.is_allowed)


def merge_bins(
    fine: Prebins, goods: int, bads: int, least_rows: int, trend: Trend, turn_gain: float
) -> Merged | None:
    """Find the coarse bins.

    Args:
        fine: fine bins without the missing values.
        goods, bads: rows of each class in the sample, missing values included.
        least_rows: rows of a bin at least; a side of a forced cut may hold fewer.
        trend: order of the points along the attribute: `rising`, `falling`, one turn (`peak`,
            `valley`), or `auto`, the best of the four.
        turn_gain: `auto` takes a turn only if it adds this share of information.

    Returns:
        None where no two bins can be told apart under the constraints.
    """
    costs = _costs(fine, goods, bads, least_rows)
    made = {
        "rising": _best_chain(costs.negated()),
        "falling": _best_chain(costs),
        "peak": _best_turn(costs.negated()),
        "valley": _best_turn(costs),
    }
    name = _choose(made, turn_gain) if trend == "auto" else trend
    value, starts = made[name]
    return Merged(starts, name, value) if len(starts) > 1 else None


def _choose(made: dict[str, Solution], turn_gain: float) -> Trend:
    straight: Trend = "rising" if made["rising"][0] >= made["falling"][0] else "falling"
    turned: Trend = "peak" if made["peak"][0] >= made["valley"][0] else "valley"
    is_worth_it = made[turned][0] > (1 + turn_gain) * made[straight][0] + _FLAT
    return turned if is_worth_it else straight


def _costs(fine: Prebins, goods: int, bads: int, least_rows: int) -> _Costs:
    bins = len(fine.good)
    good, bad = (_sums(part) for part in (fine.good, fine.bad))
    rows = good + bad
    sides = [0, *sorted(fine.walls), bins]
    side = np.searchsorted(sides, np.arange(bins), side="right")
    is_side = np.zeros((bins, bins), dtype=np.bool_)
    for lo, hi in pairwise(sides):
        is_side[lo, hi - 1] = bins > hi - lo
    upper = np.triu(np.ones((bins, bins), dtype=np.bool_))
    is_allowed = upper & (side[:, None] == side[None, :]) & ((rows >= least_rows) | is_side)
    rate = np.divide(bad, rows, out=np.zeros(rows.shape), where=rows > 0)
    value = information_values(good, bad, goods, bads)
    return _Costs(np.where(upper, value, 0.0), rate, is_allowed)


def _sums(counts: I64) -> I64:
    """Sum of the fine bins i..j at [i, j]."""
    total = np.append(0, np.cumsum(counts))
    sums: I64 = np.maximum(total[None, 1:] - total[:-1, None], 0)
    return sums


def _chains(costs: _Costs) -> tuple[F64, I64]:
    """Best value of a chain of bins with rising bad rates that ends with bin i..j, and its parent.

    Returns:
        Value [i, j] (minus infinity: not possible) and first fine bin of the bin before (-1: none).
    """
    bins = len(costs.value)
    best = np.full((bins, bins), -np.inf)
    parent = np.full((bins, bins), -1)
    best[0] = np.where(costs.is_allowed[0], costs.value[0], -np.inf)
    for last in range(1, bins):
        firsts = 1 + np.flatnonzero(costs.is_allowed[1 : last + 1, last])
        follows = costs.rate[:last, firsts - 1] <= costs.rate[firsts, last]
        chains = np.where(follows, best[:last, firsts - 1], -np.inf)
        parent[firsts, last] = chains.argmax(axis=0)
        best[firsts, last] = costs.value[firsts, last] + chains.max(axis=0)
    return best, parent


def _trace(best: F64, parent: I64, last: int) -> Solution:
    """The best chain over the fine bins 0..last."""
    first = int(np.argmax(best[: last + 1, last]))
    value = float(best[first, last])
    if value == -np.inf:
        return NOTHING
    starts = []
    while True:
        starts.append(first)
        if not first:
            return value, tuple(reversed(starts))
        first, last = int(parent[first, last]), first - 1


def _best_chain(costs: _Costs) -> Solution:
    best, parent = _chains(costs)
    return _trace(best, parent, len(best) - 1)


def _best_turn(costs: _Costs) -> Solution:
    """Bad rates that rise up to some bin and fall after it; any two such chains may meet."""
    bins = len(costs.value)
    up, down = _chains(costs), _chains(costs.flipped())
    found = NOTHING
    for last in range(bins - 1):
        (left, starts), (right, mirrored) = _trace(*up, last), _trace(*down, bins - 2 - last)
        if left + right > found[0]:
            found = (left + right, starts + _unflip(mirrored, bins, last + 1))
    return found


def _unflip(mirrored: tuple[int, ...], bins: int, begin: int) -> tuple[int, ...]:
    """First fine bins of bins that were found from right to left."""
    ends = sorted(bins - start for start in mirrored)
    return (begin, *ends[:-1])
