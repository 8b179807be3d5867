"""Seat at booking: the policies that fix a berth when a journey is booked, for comparison."""

from itertools import pairwise

import numba as nb
import numpy as np
import numpy.typing as npt

I64 = npt.NDArray[np.int64]


@nb.njit(cache=True)
def seat_at_booking(starts: I64, stops: I64, berths: int, stations: int, best_fit: bool) -> I64:
    """Berth of each journey in order of booking, -1 where it is refused.

    First-fit takes the first berth that is free on the whole journey; best-fit the one whose gap
    around the journey is the smallest (Boyar, Larsen 1999).
    """
    taken = np.zeros((berths, stations - 1), dtype=np.bool_)
    chosen = np.full(len(starts), -1, dtype=np.int64)
    for n in range(len(starts)):
        best_gap = stations + 1
        for berth in range(berths):
            if taken[berth, starts[n] : stops[n]].any():
                continue
            if not best_fit:
                chosen[n] = berth
                break
            left, right = starts[n], stops[n]
            while left > 0 and not taken[berth, left - 1]:
                left -= 1
            while right < stations - 1 and not taken[berth, right]:
                right += 1
            if right - left < best_gap:
                best_gap, chosen[n] = right - left, berth
        if chosen[n] >= 0:
            taken[chosen[n], starts[n] : stops[n]] = True
    return chosen


def accommodating(rng: np.random.Generator, berths: int, stations: int) -> tuple[I64, I64]:
    """Journeys that fill every berth: each line is cut at random, the pieces are shuffled."""
    pieces = []
    for _ in range(berths):
        cuts = np.sort(rng.choice(np.arange(1, stations - 1), rng.integers(1, 7), replace=False))
        edges = [0, *cuts.tolist(), stations - 1]
        pieces += list(pairwise(edges))
    order = rng.permutation(len(pieces))
    ends = np.array(pieces, dtype=np.int64)[order]
    return ends[:, 0].copy(), ends[:, 1].copy()


def overload(rng: np.random.Generator, berths: int, stations: int, load: float) -> tuple[I64, I64]:
    """Random journeys that ask for `load` times the berth-segments there are."""
    wanted = load * berths * (stations - 1)
    ends = np.sort(rng.integers(0, stations, (int(wanted), 2)), axis=1)
    ends = ends[ends[:, 0] < ends[:, 1]]
    count = int(np.searchsorted(np.cumsum(ends[:, 1] - ends[:, 0]), wanted))
    return ends[:count, 0].copy(), ends[:count, 1].copy()
