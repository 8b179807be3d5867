"""The booking desk: places counted per pool and segment, waiting lists, and moves between them.

A journey from station a to b holds the segments a to b - 1; a group fits a pool when every one of
them has room for the whole group. Which berth it gets is decided much later, at charting: holding
counts instead of berths refuses nobody whom a seating could take (Frederiksen, Larsen 2003).
"""

from typing import NamedTuple

import numba as nb
import numpy as np

from pipelines.seats.codes import (
    CONFIRMED,
    GN,
    I64,
    MERGED,
    NONE,
    RAC,
    RAC_POOL,
    REASON,
    STATE,
    WAITLISTED,
    ClassPlan,
    Int,
    Records,
    Why,
)

LISTS = 7
"""A waitlist per quota, and the RAC list at `RAC_POOL`."""


class Desk(NamedTuple):
    """Everything that changes while events are replayed.

    Attributes:
        plan: capacities and times.
        capacity: berths per quota, RAC places, all berths (`MERGED`), the waitlist cap, [9].
        requests, passengers: input rows.
        state: outcome of each request, rows of `STATE`.
        why: reason of its first and of its last status, rows of `REASON`, [requests, 2].
        used: places held per pool and segment, int64 [8, segments].
        queue: requests in each list in order of entry, int64 [7, requests].
        length, people: requests and passengers in each list, int64 [7].
    """

    plan: ClassPlan
    capacity: I64
    requests: Records
    passengers: Records
    state: Records
    why: Records
    used: I64
    queue: I64
    length: I64
    people: I64


def open_desk(plan: ClassPlan, requests: Records, passengers: Records) -> Desk:
    """An empty desk for one train, date and class."""
    count = len(requests)
    state = np.zeros(count, dtype=STATE)
    state["charge"] = NONE
    why = np.zeros((count, 2), dtype=REASON)
    for name in REASON.names or ():
        why[name] = NONE
    merged = plan.capacity[:RAC_POOL].sum()
    capacity = np.concatenate((plan.capacity[: RAC_POOL + 1], [merged], plan.capacity[-1:]))
    return Desk(
        plan,
        capacity,
        requests,
        passengers,
        state,
        why,
        np.zeros((MERGED + 1, plan.segments), dtype=np.int64),
        np.empty((LISTS, count), dtype=np.int64),
        np.zeros(LISTS, dtype=np.int64),
        np.zeros(LISTS, dtype=np.int64),
    )


@nb.njit(cache=True, nogil=True)
def first_full(desk: Desk, pool: Int, r: Int) -> int:
    """First segment of the journey without room for the whole group, -1 if it fits."""
    free = desk.capacity[pool] - desk.state[r].size
    for s in range(desk.requests[r].from_seq, desk.requests[r].to_seq):
        if desk.used[pool, s] > free:
            return s
    return NONE


@nb.njit(cache=True, nogil=True)
def occupy(desk: Desk, pool: Int, r: Int, places: Int) -> None:
    """Take places on the journey of a request, or give them back if negative."""
    for s in range(desk.requests[r].from_seq, desk.requests[r].to_seq):
        desk.used[pool, s] += places


@nb.njit(cache=True, nogil=True)
def explain(desk: Desk, r: Int, code: Int, pool: Int, segment: Int, cause: Int) -> None:
    """Keep the reason of the status now; the first one is kept beside it."""
    why = desk.why[r, 1]
    why.code, why.pool, why.segment, why.cause = code, pool, segment, cause
    why.free, why.need = NONE, NONE
    if segment != NONE:
        why.free = desk.capacity[pool] - desk.used[pool, segment]
        why.need = desk.state[r].size
    if desk.why[r, 0].code == NONE:
        desk.why[r, 0] = why


@nb.njit(cache=True, nogil=True)
def confirm(desk: Desk, r: Int, pool: Int, charge: Int) -> None:
    """Give a request its places in a pool."""
    occupy(desk, pool, r, desk.state[r].size)
    desk.state[r].status = CONFIRMED
    desk.state[r].charge = charge


@nb.njit(cache=True, nogil=True)
def enlist(desk: Desk, r: Int, number: Int) -> None:
    """Put a request at the end of a list; a place in the RAC list comes with places on board."""
    state = desk.state[r]
    if number == RAC_POOL:
        occupy(desk, RAC_POOL, r, state.size)
    state.status = RAC if number == RAC_POOL else WAITLISTED
    if state.first_position == 0:
        state.first_position = desk.people[number] + 1
    desk.queue[number, desk.length[number]] = r
    desk.length[number] += 1
    desk.people[number] += state.size


@nb.njit(cache=True, nogil=True)
def drop_moved(desk: Desk, number: Int) -> None:
    """Take out of a list whoever no longer has its status, and keep the order of the others."""
    stays = RAC if number == RAC_POOL else WAITLISTED
    kept = people = 0
    for k in range(desk.length[number]):
        r = desk.queue[number, k]
        if desk.state[r].status == stays:
            desk.queue[number, kept] = r
            kept += 1
            people += desk.state[r].size
    desk.length[number], desk.people[number] = kept, people


@nb.njit(cache=True, nogil=True)
def promote(desk: Desk, cause: Int) -> None:
    """Move waiting requests into places that became free, in order, once through each list.

    Capacity only shrinks while this runs, so a second pass would find nothing.
    """
    for k in range(desk.length[RAC_POOL]):
        r = desk.queue[RAC_POOL, k]
        if first_full(desk, GN, r) == NONE:
            occupy(desk, RAC_POOL, r, -desk.state[r].size)
            confirm(desk, r, GN, GN)
            explain(desk, r, Why.PROMOTED, GN, NONE, cause)
    drop_moved(desk, RAC_POOL)
    for quota in range(RAC_POOL):
        for k in range(desk.length[quota]):
            r = desk.queue[quota, k]
            if first_full(desk, quota, r) == NONE:
                confirm(desk, r, quota, quota)
                explain(desk, r, Why.PROMOTED, quota, NONE, cause)
            elif quota == GN and first_full(desk, RAC_POOL, r) == NONE:
                enlist(desk, r, RAC_POOL)
                explain(desk, r, Why.PROMOTED_RAC, RAC_POOL, NONE, cause)
        drop_moved(desk, quota)


@nb.njit(cache=True, nogil=True)
def number_lists(desk: Desk) -> None:
    """Give each request its place in its list: per passenger, from 1, without gaps."""
    for number in range(LISTS):
        position = 1
        for k in range(desk.length[number]):
            state = desk.state[desk.queue[number, k]]
            state.position = position
            position += state.size
