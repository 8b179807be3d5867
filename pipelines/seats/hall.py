"""The berths of one class while they are given out: who sits where, who comes next, which berth."""

from typing import NamedTuple

import numba as nb
import numpy as np

from pipelines.seats.codes import ENTITLED, I64, LOWER_BERTH, NONE, Int, Records

SHORT_FIRST, NEAR_END, ENTITLED_FIRST = 4, 2, 1
"""Bits of a variant: order by length, choice of bay, entitlement before size."""


class Hall(NamedTuple):
    """Berths of one class and who sits where.

    Attributes:
        requests, passengers, states: as in the desk.
        rows: the requests that travel.
        berths: rows of `BERTH`, the berths of a bay next to each other.
        first_berth: first berth of each bay, and the end, [bays + 1].
        free_from: station from which each berth is free, [berths].
        berth_of: berth of each passenger, -1 while standing, [passengers].
    """

    requests: Records
    passengers: Records
    states: Records
    rows: I64
    berths: Records
    first_berth: I64
    free_from: I64
    berth_of: I64


@nb.njit(cache=True, nogil=True)
def bay_begins(berths: Records) -> I64:
    """Row of the first berth of each bay, and how many berths there are."""
    begins, bays = np.empty(len(berths) + 1, dtype=np.int64), 0
    for k in range(len(berths)):
        if k == 0 or berths[k].bay != berths[k - 1].bay:
            begins[bays] = k
            bays += 1
    begins[bays] = len(berths)
    return begins[: bays + 1].copy()


@nb.njit(cache=True, nogil=True)
def travellers(hall: Hall, r: Int) -> I64:
    """Passengers of a request who have not cancelled."""
    request, state = hall.requests[r], hall.states[r]
    group = np.empty(state.size, dtype=np.int64)
    found = 0
    for k in range(request.size):
        if state.alive >> k & 1:
            group[found] = request.first + k
            found += 1
    return group


@nb.njit(cache=True, nogil=True)
def seating_order(hall: Hall, variant: Int) -> I64:
    """Requests by station of boarding, then as the variant says, then by moment of booking."""
    keys = np.empty(len(hall.rows), dtype=np.int64)
    for k, r in enumerate(hall.rows):
        request, state = hall.requests[r], hall.states[r]
        plain = 1 - is_entitled(hall, r)
        small = 7 - state.size
        who = plain * 8 + small if variant & ENTITLED_FIRST else small * 2 + plain
        end = request.to_seq if variant & SHORT_FIRST else 255 - request.to_seq
        keys[k] = ((request.from_seq * 16 + who) * 256 + end) << 32 | r
    keys.sort()
    return keys & 0xFFFFFFFF


@nb.njit(cache=True, nogil=True)
def is_entitled(hall: Hall, r: Int) -> int:
    """1 if a traveller of the group is entitled to a lower berth."""
    request, alive = hall.requests[r], hall.states[r].alive
    for k in range(request.size):
        if alive >> k & 1 and hall.passengers[request.first + k].traits & ENTITLED:
            return 1
    return 0


@nb.njit(cache=True, nogil=True)
def seat_in_bay(hall: Hall, bay: Int, group: I64, start: Int, stop: Int) -> None:
    """Give each passenger of a group a free berth of the bay, the neediest first.

    Rounds: those entitled to a lower berth, wishes for one, other wishes, then everybody else, who
    leave lower berths to the last.
    """
    for need in range(5):
        for p in group:
            if hall.berth_of[p] == NONE:
                berth = choose_berth(hall, bay, p, start, need)
                if berth != NONE:
                    hall.berth_of[p] = berth
                    hall.free_from[berth] = stop


@nb.njit(cache=True, nogil=True)
def choose_berth(hall: Hall, bay: Int, p: Int, start: Int, need: Int) -> int:
    """First free berth of the bay that fits the round, -1 if there is none."""
    passenger = hall.passengers[p]
    if need == 0 and not passenger.traits & ENTITLED:
        return NONE
    if need == 1 and passenger.wish - 1 != LOWER_BERTH:
        return NONE
    for k in range(hall.first_berth[bay], hall.first_berth[bay + 1]):
        if hall.free_from[k] <= start:
            kind = hall.berths[k].kind
            is_lower = kind == LOWER_BERTH
            if need <= 1 and is_lower:
                return k
            if need == 2 and kind == passenger.wish - 1:
                return k
            if need == 4 or (need == 3 and not is_lower):
                return k
    return NONE
