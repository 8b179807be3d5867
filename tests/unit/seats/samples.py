"""Small trains and requests, and the way from the oracle's objects to the kernel's arrays."""

from functools import cache

import numpy as np

from pipelines.seats.codes import (
    BERTH,
    BERTH_TYPES,
    CHILD,
    DISABLED,
    ENTITLED,
    EVENT,
    FEMALE,
    MILITARY,
    PASSENGER,
    REQUEST,
    SENIOR,
    STATUSES,
    WISHES,
    ClassPlan,
    Verdict,
    Why,
)
from pipelines.seats.kernel import allocate
from tests.unit.seats.oracle import QUOTAS, Ask, Drop, Person, Shop

__all__ = ["Ask", "Drop", "Person", "Shop", "berths_of", "plan_of", "run_kernel"]


def berths_of(*bays, coach=0):
    """Berth rows of bays given as texts, such as "LB UB"."""
    rows = [
        (coach, bay, bay + 1, 0, BERTH_TYPES.index(kind))
        for bay, kinds in enumerate(bays)
        for kind in kinds.split()
    ]
    made = np.array(rows, dtype=BERTH) if rows else np.empty(0, dtype=BERTH)
    made["berth_no"] = np.arange(1, len(made) + 1)
    return made


def plan_of(shop, bays=None):
    """Plan of an oracle's shop."""
    berths = sum(shop.capacity[q] for q in QUOTAS)
    bays = bays or [" ".join(["LB", "UB"][n % 2] for n in range(berths))]
    capacity = [*(shop.capacity[q] for q in QUOTAS), shop.capacity["RAC"], shop.cap]
    return ClassPlan(
        shop.segments, np.array(capacity), np.array([shop.opens, shop.tatkal_opens, shop.chart_at, shop.as_of]),
        4, np.arange(5), berths_of(*bays), berths_of(*["SL"] * (shop.capacity["RAC"] // 2)),
    )  # fmt: skip


def traits(person):
    return bits_of(person.age, person.gender == "F", person.is_military, person.is_disabled)


@cache
def bits_of(age, is_female, is_military, is_disabled):
    entitled = age >= 60 or is_disabled or (is_female and age >= 45)
    marks = {
        SENIOR: age >= 60, FEMALE: is_female, CHILD: age < 12,
        MILITARY: is_military, DISABLED: is_disabled, ENTITLED: entitled,
    }  # fmt: skip
    return sum(bit for bit, is_so in marks.items() if is_so)


def arrays_of(asks, drops):
    """Requests, passengers and events in the order of the rules."""
    asks = sorted(asks, key=lambda a: (a.at, a.id.encode()))
    row = {ask.id: n for n, ask in enumerate(asks)}
    requests, people = np.zeros(len(asks), dtype=REQUEST), []
    for n, ask in enumerate(asks):
        requests[n] = (
            ask.at,
            len(people),
            ask.start,
            ask.stop,
            QUOTAS.index(ask.quota),
            len(ask.people),
        )
        people += [(traits(p), WISHES.index(p.wish)) for p in ask.people]
    size = {ask.id: len(ask.people) for ask in asks}
    rows = [((a.at, 1, a.id.encode()), (a.at, row[a.id], 0, 0)) for a in asks]
    rows += [
        ((d.at, 0, d.id.encode()), (d.at, row[d.ask], sum(1 << i for i in d.who) or (1 << size[d.ask]) - 1, 0))
        for d in drops
    ]  # fmt: skip
    rows.sort(key=lambda pair: pair[0])
    events = np.array([values for _, values in rows], dtype=EVENT)
    ids = [key[2].decode() for key, _ in rows]
    return requests, np.array(people, dtype=PASSENGER), events, [a.id for a in asks], ids


def allot(shop, asks, drops=(), bays=None, variants=8):
    """Outcome of the kernel, the ids of its requests and those of its events."""
    requests, people, events, ids, event_ids = arrays_of(asks, drops)
    outcome = allocate(plan_of(shop, bays), requests, people, events, variants)
    return outcome, ids, event_ids


def run_kernel(shop, asks, drops=(), bays=None, variants=8):
    """Outcome of the kernel, and what it says of each request and cancellation."""
    outcome, ids, event_ids = allot(shop, asks, drops, bays, variants)
    return outcome, *tell(outcome, ids, event_ids)


def tell(outcome, ids, event_ids):
    """What the kernel says, in the words of the oracle."""
    told = {}
    for n, name in enumerate(ids):
        state, why = outcome.desk.state[n], outcome.desk.why[n]
        told[name] = {
            "status": STATUSES[state["status"]],
            "size": int(state["size"]),
            "position": int(state["position"]),
            "first_position": int(state["first_position"]),
            "first": reason(why[0], event_ids),
            "last": reason(why[1], event_ids),
        }
    verdicts = {
        name: Verdict(int(event["verdict"])).name
        for name, event in zip(event_ids, outcome.events, strict=True)
        if event["mask"]
    }
    return told, verdicts


def reason(row, event_ids):
    segment, cause = int(row["segment"]), int(row["cause"])
    return (
        Why(int(row["code"])).name,
        segment if segment >= 0 else None,
        event_ids[cause] if cause >= 0 else None,
    )
