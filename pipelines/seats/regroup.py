"""Groups that were split in the order of boarding, brought together by exchanges between bays.

A bay seats any journeys of which no more than its berths meet on a segment (interval graphs are
perfect), so whole groups can change bays by counting alone. A split group is put into a bay as if
there were room; then whoever leaves most room moves out, alone or against another, until the bay
holds no more than it can. Nobody loses a berth by it, and no group is split that was not.
"""

from typing import NamedTuple

import numba as nb
import numpy as np

from pipelines.seats.codes import I64, LOWER_BERTH, NONE, Int
from pipelines.seats.hall import Hall, is_entitled, seat_in_bay, seating_order, travellers

_TOO_MANY = 1 << 30


class Bays(NamedTuple):
    """Who is in which bay, by counts.

    Attributes:
        bay_of: bay of each passenger, -1 for those who do not travel, [passengers].
        home: bay of each whole group, -1 for the others, [requests].
        load: passengers per bay and segment, [bays, segments].
        berths: berths per bay, [bays].
    """

    bay_of: I64
    home: I64
    load: I64
    berths: I64


@nb.njit(cache=True, nogil=True)
def reunite(hall: Hall, split: I64, segments: Int, variant: Int) -> I64:
    """Find bays for split groups and, where one was found, number all berths again.

    Args:
        hall: everybody seated; changed.
        split: 1 per split group.
        segments: of the route.
        variant: whose order of seating is kept.

    Returns:
        Which groups are still split.
    """
    bays, still = count_bays(hall, split, segments), split.copy()
    has_changed = True
    while has_changed:
        has_changed = False
        for r in hall.rows:
            if still[r] and find_bay(hall, bays, r):
                still[r] = 0
                has_changed = True
    if still.sum() == split.sum():
        return still  # nothing has moved: the berths stay as the variant chose them
    hall.berth_of[:] = NONE
    hall.free_from[:] = 0
    for r in seating_order(hall, variant):
        seat_by_bay(hall, bays, r)
    return still


@nb.njit(cache=True, nogil=True)
def count_bays(hall: Hall, split: I64, segments: Int) -> Bays:
    """The bays as they are now."""
    berths = np.diff(hall.first_berth)
    bays = Bays(
        np.full(len(hall.berth_of), NONE, dtype=np.int64),
        np.full(len(split), NONE, dtype=np.int64),
        np.zeros((len(berths), segments), dtype=np.int64),
        berths,
    )
    for r in hall.rows:
        request = hall.requests[r]
        for p in travellers(hall, r):
            bay = np.searchsorted(hall.first_berth, hall.berth_of[p], side="right") - 1
            bays.bay_of[p] = bay
            bays.load[bay, request.from_seq : request.to_seq] += 1
            bays.home[r] = NONE if split[r] else bay
    return bays


@nb.njit(cache=True, nogil=True)
def find_bay(hall: Hall, bays: Bays, r: Int) -> bool:
    """Bring a split group into the first bay that can make room for it."""
    for bay in range(len(bays.berths)):
        if hall.states[r].size <= bays.berths[bay] and gather(hall, bays, r, bay):
            return True
    return False


@nb.njit(cache=True, nogil=True)
def gather(hall: Hall, bays: Bays, r: Int, bay: Int) -> bool:
    """Put a group into a bay and make room, exchange by exchange; undone where that fails."""
    old_bays, old_home, old_load = bays.bay_of.copy(), bays.home.copy(), bays.load.copy()
    move(hall, bays, r, bay)
    excess = np.maximum(bays.load[bay] - bays.berths[bay], 0).sum()
    while excess > 0:
        one, other, there, left = best_exchange(hall, bays, r, bay, excess)
        if one == NONE:
            bays.bay_of[:], bays.home[:], bays.load[:] = old_bays, old_home, old_load
            return False
        move(hall, bays, one, there)
        if other != NONE:
            move(hall, bays, other, bay)
        excess = left
    return True


@nb.njit(cache=True, nogil=True)
def move(hall: Hall, bays: Bays, r: Int, bay: Int) -> None:
    """Put all travellers of a request into a bay."""
    start, stop = hall.requests[r].from_seq, hall.requests[r].to_seq
    for p in travellers(hall, r):
        bays.load[bays.bay_of[p], start:stop] -= 1
        bays.load[bay, start:stop] += 1
        bays.bay_of[p] = bay
    bays.home[r] = bay


@nb.njit(cache=True, nogil=True)
def best_exchange(
    hall: Hall, bays: Bays, r: Int, bay: Int, excess: Int
) -> tuple[int, int, int, Int]:
    """Who should leave a bay that holds too many, who comes instead if anybody, and the other bay.

    Returns:
        The one who leaves, the one who comes or -1, the other bay, and how much is still too much;
        the first is -1 where nothing helps.
    """
    chosen, instead, where, least = NONE, NONE, NONE, excess
    lacks = np.empty((len(bays.berths), 3), dtype=np.int64)
    for one in hall.rows:
        if one == r or bays.home[one] != bay or not relieves(hall, bays, one, bay):
            continue
        for there in range(len(bays.berths)):
            lacks[there] = shortage(hall, bays, one, there)
            if there != bay and lacks[there, 0] <= 0:
                left = excess + excess_change(hall, bays, one, NONE, bay, there)
                if left < least:
                    chosen, instead, where, least = one, NONE, there, left
        for other in hall.rows:
            there = bays.home[other]
            if there != NONE and there != bay and makes_room(hall, other, lacks[there]):
                left = excess + excess_change(hall, bays, one, other, bay, there)
                if left < least:
                    chosen, instead, where, least = one, other, there, left
    return chosen, instead, where, least


@nb.njit(cache=True, nogil=True)
def shortage(hall: Hall, bays: Bays, one: Int, there: Int) -> tuple[int, int, int]:
    """Berths that a bay lacks at most for a group, and the first and last segment where it does."""
    most, first, last = 0, NONE, NONE
    for s in range(hall.requests[one].from_seq, hall.requests[one].to_seq):
        lack = bays.load[there, s] + hall.states[one].size - bays.berths[there]
        if lack > 0:
            first = s if first == NONE else first
            most, last = max(most, lack), s
    return most, first, last


@nb.njit(cache=True, nogil=True)
def makes_room(hall: Hall, other: Int, lack: I64) -> bool:
    """Whether a group, if it went, would leave what a bay lacks, on every segment where it does."""
    request = hall.requests[other]
    is_there = request.from_seq <= lack[1] and lack[2] < request.to_seq
    return bool(0 < lack[0] <= hall.states[other].size and is_there)


@nb.njit(cache=True, nogil=True)
def relieves(hall: Hall, bays: Bays, one: Int, bay: Int) -> bool:
    """Whether a journey covers a segment on which its bay holds too many."""
    for s in range(hall.requests[one].from_seq, hall.requests[one].to_seq):
        if bays.load[bay, s] > bays.berths[bay]:
            return True
    return False


@nb.njit(cache=True, nogil=True)
def excess_change(hall: Hall, bays: Bays, one: Int, other: Int, bay: Int, there: Int) -> int:
    """How an exchange changes what a bay holds too much; large if the other bay would overflow."""
    start, stop = hall.requests[one].from_seq, hall.requests[one].to_seq
    leaving, coming, first, last = hall.states[one].size, 0, stop, stop
    if other != NONE:
        coming = hall.states[other].size
        first, last = hall.requests[other].from_seq, hall.requests[other].to_seq
    change = 0
    for s in range(min(start, first), max(stop, last)):
        people = coming * (first <= s < last) - leaving * (start <= s < stop)
        if people < 0 and bays.load[there, s] - people > bays.berths[there]:
            return _TOO_MANY
        over = bays.load[bay, s] - bays.berths[bay]
        change += max(over + people, 0) - max(over, 0)
    return change


@nb.njit(cache=True, nogil=True)
def seat_by_bay(hall: Hall, bays: Bays, r: Int) -> None:
    """Give the travellers of a request berths in their bays."""
    start, stop = hall.requests[r].from_seq, hall.requests[r].to_seq
    group = travellers(hall, r)
    if len(group) == 1 and is_entitled(hall, r):
        move(hall, bays, r, lower_bay(hall, bays, bays.bay_of[group[0]], start, stop))
    for p in group:
        if hall.berth_of[p] == NONE:
            bay = bays.bay_of[p]
            seat_in_bay(hall, bay, group[bays.bay_of[group] == bay], start, stop)


@nb.njit(cache=True, nogil=True)
def lower_bay(hall: Hall, bays: Bays, bay: Int, start: Int, stop: Int) -> Int:
    """A bay with a lower berth free: the given one first, then any with room, else the given."""
    if has_lower(hall, bay, start):
        return bay
    for there in range(len(bays.berths)):
        has_room = bays.load[there, start:stop].max() < bays.berths[there]
        if has_room and has_lower(hall, there, start):
            return there
    return bay


@nb.njit(cache=True, nogil=True)
def has_lower(hall: Hall, bay: Int, start: Int) -> bool:
    """Whether a lower berth of a bay is free from a station on."""
    for k in range(hall.first_berth[bay], hall.first_berth[bay + 1]):
        if hall.berths[k].kind == LOWER_BERTH and hall.free_from[k] <= start:
            return True
    return False
