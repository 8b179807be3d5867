"""Berth numbers at charting.

Requests are placed in the order of boarding, so a berth that is free where a journey begins is free
for the rest of it, and admission made sure that there are enough: any choice of free berth is safe
(left-edge colouring of intervals; Carlisle, Lloyd 1995). The choice is spent on comfort: groups in
one bay, lower berths for those entitled to them, wishes. Eight variants are tried, the best kept;
groups that it splits are then brought together where others can make room.
"""

from typing import NamedTuple

import numba as nb
import numpy as np

from pipelines.seats.codes import I64, LOWER_BERTH, NONE, Int, Records
from pipelines.seats.hall import (
    NEAR_END,
    Hall,
    bay_begins,
    is_entitled,
    seat_in_bay,
    seating_order,
    travellers,
)
from pipelines.seats.regroup import reunite

VARIANTS = 8
SPLITS_PER_COACH = 2
"""Split groups at which no further variant is looked at (the specification's limit)."""
Rank = tuple[int, int, int]
_FAR = 1 << 20


class Numbered(NamedTuple):
    """Chosen variant.

    Attributes:
        berth_of: berth of each passenger, -1 for those who do not travel or have none.
        split: 1 where the group of the request sits in several bays, [requests].
        variant: number of the variant, from 1.
    """

    berth_of: I64
    split: I64
    variant: int


def number_berths(
    requests: Records, passengers: Records, states: Records, rows: I64, berths: Records,
    variants: int = VARIANTS, segments: int = 0,
) -> Numbered:  # fmt: skip
    """Give every travelling passenger a berth for the whole journey.

    Args:
        requests, passengers, states: rows of the desk after charting.
        rows: requests that travel on these berths.
        berths: the berths, ordered by coach, bay and number; two equal rows are the two places of
            an RAC berth.
        variants: how many variants are tried, 1 to 8.
        segments: of the route; 0 leaves split groups as they are.

    Returns:
        The variant with the fewest split groups, then most wishes met, then lowest number.
    """
    if not len(rows):
        nobody = np.full(len(passengers), NONE, dtype=np.int64)
        return Numbered(nobody, np.zeros(len(requests), dtype=np.int64), 1)
    first_berth = bay_begins(berths)
    found: list[tuple[Rank, Hall, Numbered]] = []
    for variant in range(variants):
        hall = Hall(
            requests, passengers, states, rows, berths, first_berth,
            np.zeros(len(berths), dtype=np.int64),
            np.full(len(passengers), NONE, dtype=np.int64),
        )  # fmt: skip
        split = np.zeros(len(requests), dtype=np.int64)
        wishes, met = seat_all(hall, variant, split)
        found.append(_ranked(hall, split, variant + 1, met))
        if found[-1][0][0] == 0 and wishes == met:
            break
    found.sort(key=lambda one: one[0])
    return reunite_groups(found, segments) if segments else found[0][2]


def _ranked(hall: Hall, split: I64, number: int, met: int) -> tuple[Rank, Hall, Numbered]:
    """A variant with its rank: fewest split groups, then most wishes met, then lowest number."""
    rank = (int(split.sum()), -met, number)
    return rank, hall, Numbered(hall.berth_of, split, number)


def reunite_groups(found: list[tuple[Rank, Hall, Numbered]], segments: int) -> Numbered:
    """Bring split groups together, in the best variant first, and stop where few stay split."""
    rank, hall, best = found[0]
    if not rank[0]:
        return best
    tolerated = SPLITS_PER_COACH * len(np.unique(hall.berths["coach"]))
    for (splits, *_), hall, numbered in found:
        if not splits:
            break
        split = reunite(hall, numbered.split, segments, numbered.variant - 1)
        again = _ranked(hall, split, numbered.variant, count_wishes(hall)[1])
        if again[0] < rank:
            rank, best = again[0], again[2]
        if rank[0] <= tolerated:
            break
    return best


@nb.njit(cache=True, nogil=True)
def seat_all(hall: Hall, variant: Int, split: I64) -> tuple[int, int]:
    """Seat all groups in the order of a variant; returns wishes expressed and wishes met."""
    for r in seating_order(hall, variant):
        seat_group(hall, r, variant, split)
    return count_wishes(hall)


@nb.njit(cache=True, nogil=True)
def count_wishes(hall: Hall) -> tuple[int, int]:
    """Wishes expressed and wishes met."""
    wishes = met = 0
    for r in hall.rows:
        first = hall.requests[r].first
        for p in range(first, first + hall.requests[r].size):
            wish, berth = hall.passengers[p].wish, hall.berth_of[p]
            if berth != NONE and wish > 0:
                wishes += 1
                met += hall.berths[berth].kind == wish - 1
    return wishes, met


@nb.njit(cache=True, nogil=True)
def seat_group(hall: Hall, r: Int, variant: Int, split: I64) -> None:
    """Put a group into one bay, or, where no bay has room, into as few as possible."""
    request, group = hall.requests[r], travellers(hall, r)
    bay = one_bay(hall, r, len(group), variant)
    if bay != NONE:
        seat_in_bay(hall, bay, group, request.from_seq, request.to_seq)
        return
    split[r] = 1
    coach, seated = NONE, 0
    while seated < len(group):
        bay, free = roomiest_bay(hall, request.from_seq, coach)
        if bay == NONE:
            return  # admission holds no more journeys than berths: not reached after charting
        coach = hall.berths[hall.first_berth[bay]].coach
        part = group[seated : seated + free]
        seat_in_bay(hall, bay, part, request.from_seq, request.to_seq)
        seated += len(part)


@nb.njit(cache=True, nogil=True)
def one_bay(hall: Hall, r: Int, size: Int, variant: Int) -> int:
    """Best bay that takes the whole group, -1 if none does.

    The smallest sufficient bay, or the one whose travellers leave nearest to the group's own end;
    groups entitled to a lower berth look first where one is free.
    """
    start, stop = hall.requests[r].from_seq, hall.requests[r].to_seq
    entitled = is_entitled(hall, r)
    best, best_cost = NONE, 1 << 60
    for bay in range(len(hall.first_berth) - 1):
        free, has_lower, end = 0, 0, NONE
        for k in range(hall.first_berth[bay], hall.first_berth[bay + 1]):
            if hall.free_from[k] <= start:
                free += 1
                has_lower |= hall.berths[k].kind == LOWER_BERTH
            else:
                end = max(end, hall.free_from[k])
        if free < size:
            continue
        distance = 0
        if variant & NEAR_END:
            distance = _FAR if end == NONE else abs(end - stop)
        lacks = entitled * (1 - has_lower)
        cost = ((lacks * 2 * _FAR + distance) * _FAR) + free
        if cost < best_cost:
            best, best_cost = bay, cost
    return best


@nb.njit(cache=True, nogil=True)
def roomiest_bay(hall: Hall, start: Int, coach: Int) -> tuple[int, int]:
    """Bay with most free berths, in the given coach if it has any; -1 and 0 if all are full."""
    best, most, best_rank = NONE, 0, 0
    for bay in range(len(hall.first_berth) - 1):
        free = 0
        for k in range(hall.first_berth[bay], hall.first_berth[bay + 1]):
            free += hall.free_from[k] <= start
        rank = free + _FAR * (free > 0 and hall.berths[hall.first_berth[bay]].coach == coach)
        if rank > best_rank:
            best, most, best_rank = bay, free, rank
    return best, most
