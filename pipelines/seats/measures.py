"""Figures of one train, date and class: use of the segments, fairness, distance to the optimum."""

from collections.abc import Iterable

import numba as nb
import numpy as np
import numpy.typing as npt

from pipelines.seats.codes import (
    CANCELLED,
    CONFIRMED,
    ENTITLED,
    F64,
    I64,
    LOWER_BERTH,
    NONE,
    RAC,
    UNKNOWN,
    WAITLISTED,
    Int,
    Records,
    Why,
)
from pipelines.seats.optimum import most_seated

FIGURES = (
    "places", "requests", "demand", "confirmed", "rac", "waitlisted", "rejected", "cancelled",
    "optimum", "accepted_segments", "optimum_segments", "pairs", "split_groups", "stranded",
    "wishes", "wishes_met", "entitled", "entitled_lower", "variant",
)  # fmt: skip
(
    PLACES, REQUESTS, DEMAND, _CONFIRMED, _RAC, _WAITLISTED, _REJECTED, _CANCELLED,
    OPTIMUM, ACCEPTED_SEGMENTS, OPTIMUM_SEGMENTS, PAIRS, SPLIT_GROUPS, STRANDED,
    WISHES, WISHES_MET, ENTITLED_PEOPLE, ENTITLED_LOWER, VARIANT,
) = range(len(FIGURES))  # fmt: skip


@nb.njit(cache=True, nogil=True)
def count_people(
    requests: Records, states: Records, why: Records, places: Int, use: I64, figures: I64,
    fill: F64,
) -> None:  # fmt: skip
    """Fill the figures that need no berth numbers.

    A request is valid if only the waitlist cap could refuse it. Demand of the segments counts its
    cancelled passengers too; fill rates and the optimum leave them out.

    Args:
        requests, states, why: rows of the desk.
        places: berths plus two per RAC berth.
        use: demand and allocated passengers per segment, [2, segments], added to.
        figures: one per name in `FIGURES`, added to.
        fill: sum of fill rates and sum of their squares, [2], added to.
    """
    stations = use.shape[1] + 1
    wanted = np.zeros((stations, stations), dtype=np.int64)
    given = np.zeros((stations, stations), dtype=np.int64)
    for r in range(len(requests)):
        request, state = requests[r], states[r]
        if state.status == UNKNOWN:
            continue
        held = state.size if state.status == CONFIRMED or state.status == RAC else 0
        figures[_CONFIRMED] += held if state.status == CONFIRMED else 0
        figures[_RAC] += held if state.status == RAC else 0
        figures[_WAITLISTED] += state.size if state.status == WAITLISTED else 0
        figures[_CANCELLED] += request.size - state.size
        asked = state.size if state.status != CANCELLED else 0
        if held == 0 and state.status != WAITLISTED and state.status != CANCELLED:
            figures[_REJECTED] += state.size
            if why[r, 1].code != Why.WL_FULL:
                continue
        figures[REQUESTS] += 1
        figures[DEMAND] += request.size
        figures[ACCEPTED_SEGMENTS] += held * (request.to_seq - request.from_seq)
        wanted[request.from_seq, request.to_seq] += asked
        given[request.from_seq, request.to_seq] += held
        for s in range(request.from_seq, request.to_seq):
            use[0, s] += request.size
            use[1, s] += held
    figures[PLACES] = places
    figures[OPTIMUM] = most_seated(wanted, places, False)
    figures[OPTIMUM_SEGMENTS] = most_seated(wanted, places, True)
    figures[PAIRS] = fill_rates(wanted, given, fill)


@nb.njit(cache=True, nogil=True)
def fill_rates(wanted: I64, given: I64, fill: F64) -> int:
    """Add min(given / wanted, 1) and its square over the pairs with demand; returns how many."""
    pairs = 0
    for a in range(len(wanted)):
        for b in range(a + 1, len(wanted)):
            if wanted[a, b]:
                rate = min(given[a, b] / wanted[a, b], 1.0)
                fill[0] += rate
                fill[1] += rate * rate
                pairs += 1
    return pairs


@nb.njit(cache=True, nogil=True)
def count_berths(
    requests: Records, passengers: Records, states: Records, berths: Records, berth_of: I64,
    split: I64, figures: I64,
) -> None:  # fmt: skip
    """Fill the figures of a chart: split groups, people left standing, wishes, lower berths."""
    for r in range(len(requests)):
        if states[r].status != CONFIRMED:
            continue
        figures[SPLIT_GROUPS] += split[r]
        for k in range(requests[r].size):
            p = requests[r].first + k
            if not states[r].alive >> k & 1:
                continue
            if berth_of[p] == NONE:
                figures[STRANDED] += 1
                continue
            kind = berths[berth_of[p]].kind
            if passengers[p].wish > 0:
                figures[WISHES] += 1
                figures[WISHES_MET] += kind == passengers[p].wish - 1
            if passengers[p].traits & ENTITLED:
                figures[ENTITLED_PEOPLE] += 1
                figures[ENTITLED_LOWER] += kind == LOWER_BERTH


def jain_index(count: float, total: float, squares: float) -> float | None:
    """Jain's fairness index (sum x)^2 / (n * sum x^2): 1 if all are equal, 1/n if one has all.

    Returns:
        None without any demand; 0 if there is demand and nobody got anything.
    """
    if not count:
        return None
    return total * total / (count * squares) if squares else 0.0


def jain_of(rates: Iterable[float]) -> float | None:
    """Jain's index of single fill rates."""
    values = np.asarray(list(rates), dtype=np.float64)
    return jain_index(len(values), float(values.sum()), float((values**2).sum()))


def segment_shares(
    demand: I64, allocated: I64, places: I64, epsilon: float
) -> tuple[npt.NDArray[np.float64], ...]:
    """Utilisation, load and efficiency score; NaN stands for null where there are no places."""
    has_places = places > 0
    safe = np.where(has_places, places, 1)
    utilisation = np.where(has_places, demand / safe, np.nan)
    load = np.where(has_places, allocated / safe, np.nan)
    return utilisation, load, 1.0 / (utilisation + epsilon)
