"""Bookings and cancellations in order, then the release of unused quotas at charting."""

import numba as nb
import numpy as np

from pipelines.seats.codes import (
    AS_OF,
    CANCELLED,
    CHARTS,
    CONFIRMED,
    GN,
    I32,
    I64,
    MERGED,
    NONE,
    RAC,
    RAC_POOL,
    REJECTED,
    RELEASED_CHARGE,
    TQ,
    UNKNOWN,
    WAITLIST,
    WAITLISTED,
    Int,
    Records,
    Verdict,
    Why,
)
from pipelines.seats.desk import (
    Desk,
    confirm,
    drop_moved,
    enlist,
    explain,
    first_full,
    number_lists,
    occupy,
    promote,
)
from pipelines.seats.rules import refuse, release_category

LIST_RANKS = 4
"""Release order of the lists: RAC, GN, the special quotas together, TQ."""


@nb.njit(cache=True, nogil=True)
def replay(desk: Desk, events: Records, cancelled_by: I32) -> None:
    """Apply the events in their order; `cancelled_by` gets the event per cancelled passenger."""
    for e in range(len(events)):
        if events[e].verdict == Verdict.APPLIED:
            if events[e].mask == 0:
                book(desk, events[e].request)
            else:
                events[e].verdict = cancel(desk, events, e, cancelled_by)
    if desk.plan.times[AS_OF] >= desk.plan.times[CHARTS]:
        release(desk)
    number_lists(desk)


@nb.njit(cache=True, nogil=True)
def book(desk: Desk, r: Int) -> None:
    """Confirm, give RAC, put on the waitlist, or reject."""
    request, state = desk.requests[r], desk.state[r]
    state.size = request.size
    state.alive = (1 << request.size) - 1
    reason = refuse(desk.plan, request, desk.passengers)
    if reason:
        state.status = REJECTED
        explain(desk, r, reason, NONE, NONE, NONE)
        return
    quota = request.quota
    blocked = first_full(desk, quota, r)
    if blocked == NONE:
        confirm(desk, r, quota, quota)
        explain(desk, r, Why.FITS_QUOTA, quota, NONE, NONE)
    elif quota == GN and first_full(desk, RAC_POOL, r) == NONE:
        enlist(desk, r, RAC_POOL)
        explain(desk, r, Why.FITS_RAC, GN, blocked, NONE)
    elif waiting(desk) + request.size <= desk.capacity[WAITLIST]:
        enlist(desk, r, quota)
        explain(desk, r, Why.QUOTA_FULL, quota, blocked, NONE)
    else:
        state.status = REJECTED
        explain(desk, r, Why.WL_FULL, quota, blocked, NONE)


@nb.njit(cache=True, nogil=True)
def waiting(desk: Desk) -> int:
    """Passengers on all waitlists; RAC is not among them."""
    people = 0
    for quota in range(RAC_POOL):
        people += desk.people[quota]
    return people


@nb.njit(cache=True, nogil=True)
def cancel(desk: Desk, events: Records, e: Int, cancelled_by: I32) -> int:
    """Free the places of some or all passengers of a request; returns a code of `Verdict`."""
    event, r = events[e], events[e].request
    request, state = desk.requests[r], desk.state[r]
    if event.at >= desk.plan.times[CHARTS]:
        return Verdict.AFTER_CHART.value
    if state.status == UNKNOWN:
        return Verdict.CANCEL_BEFORE_BOOKING.value
    if state.status == REJECTED:
        return Verdict.NOTHING_TO_CANCEL.value
    if event.mask & ~state.alive:
        return Verdict.ALREADY_CANCELLED.value
    leaving = 0
    for k in range(request.size):
        if event.mask >> k & 1:
            cancelled_by[request.first + k] = e
            leaving += 1
    if state.status == CONFIRMED:
        occupy(desk, state.charge, r, -leaving)
    elif state.status == RAC:
        occupy(desk, RAC_POOL, r, -leaving)
    state.alive &= ~event.mask
    state.size -= leaving
    leave(desk, r, e)
    promote(desk, e)
    return Verdict.APPLIED.value


@nb.njit(cache=True, nogil=True)
def leave(desk: Desk, r: Int, e: Int) -> None:
    """Keep the lists right after a group shrank or vanished."""
    state = desk.state[r]
    number = RAC_POOL if state.status == RAC else desk.requests[r].quota
    was_listed = state.status in (RAC, WAITLISTED)
    if state.size == 0:
        state.status = CANCELLED
        state.charge = NONE
        explain(desk, r, Why.CANCELLED, NONE, NONE, e)
    if was_listed:
        drop_moved(desk, number)


@nb.njit(cache=True, nogil=True)
def release(desk: Desk) -> None:
    """Charting: what all quotas left free is offered, per segment, to whoever still waits."""
    for quota in range(RAC_POOL):
        desk.used[MERGED] += desk.used[quota]
    order = release_order(desk)
    for r in order:
        blocked = first_full(desk, MERGED, r)
        if blocked == NONE:
            if desk.state[r].status == RAC:
                occupy(desk, RAC_POOL, r, -desk.state[r].size)
            confirm(desk, r, MERGED, RELEASED_CHARGE)
            explain(desk, r, Why.RELEASED, MERGED, NONE, NONE)
        else:
            explain(desk, r, Why.NOT_CLEARED, MERGED, blocked, NONE)
    for number in range(RAC_POOL + 1):
        drop_moved(desk, number)
    for r in order:
        may_share = desk.state[r].status == WAITLISTED and desk.requests[r].quota != TQ
        if may_share and first_full(desk, RAC_POOL, r) == NONE:
            enlist(desk, r, RAC_POOL)
            explain(desk, r, Why.RELEASED_RAC, RAC_POOL, NONE, NONE)
    for quota in range(RAC_POOL):
        drop_moved(desk, quota)


@nb.njit(cache=True, nogil=True)
def release_order(desk: Desk) -> I64:
    """Waiting requests by category, list, moment of booking and request id.

    Requests are numbered by (booked_at, request_id), so the row number stands for both.
    """
    total = desk.length.sum()
    keys = np.empty(total, dtype=np.int64)
    found = 0
    for number in range(RAC_POOL + 1):
        rank = 0 if number == RAC_POOL else 1 if number == GN else 3 if number == TQ else 2
        for k in range(desk.length[number]):
            r = desk.queue[number, k]
            request, state = desk.requests[r], desk.state[r]
            state.category = release_category(
                desk.passengers, request.first, request.size, state.alive
            )
            group = desk.plan.priority[state.category] * LIST_RANKS + rank
            keys[found] = group * len(desk.requests) + r
            found += 1
    keys.sort()
    return keys % max(len(desk.requests), 1)
