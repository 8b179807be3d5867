"""The kernel against the plain oracle on random small trains, and the invariants after each event."""

import os
import random
from itertools import accumulate, pairwise, product

import numpy as np
import pytest

from pipelines.seats.measures import FIGURES
from pipelines.seats.optimum import most_seated
from tests.unit.seats.oracle import QUOTAS, Ask, Drop, Person, Shop, best_seated
from tests.unit.seats.samples import allot, tell

KEYS = 10_000
CHUNKS = 10
COMPARED = int(os.environ.get("SANGAM_ORACLE_EVERY", "10"))
"""Every train is counted a second time; one in so many is held against the oracle, event by event.

`SANGAM_ORACLE_EVERY=1 pytest tests/unit/seats/test_oracle.py` compares all 10,000.
"""


def draw_case(rng):
    """A train of 1 to 8 segments and 0 to 8 berths, requests in all quotas, some cancellations."""
    segments = rng.randint(1, 8)
    berths = rng.choices(QUOTAS, [4, 2, 1, 1, 1, 1], k=rng.randint(0, 8))
    capacity = {quota: berths.count(quota) for quota in QUOTAS}
    capacity["RAC"] = 2 * rng.randint(0, 2)
    chart_at = rng.randint(20, 59)
    shop = Shop(
        segments, capacity, rng.randint(0, 8), chart_at,
        as_of=chart_at + rng.randint(-10, 29), opens=2, tatkal_opens=10,
    )  # fmt: skip
    asks, drops = [], []
    for n in range(rng.randint(1, 15)):
        a, b = sorted(rng.sample(range(segments + 1), 2))
        people = draw_people(rng)
        (quota,) = rng.choices(QUOTAS, [50, 14, 9, 9, 9, 9])
        asks.append(Ask(f"r{rng.randint(0, 98)}-{n}", rng.randint(0, 49), a, b, quota, people))
        if rng.random() < 0.4:
            who = rng.sample(range(len(people)), rng.randint(0, len(people)))
            drops.append(Drop(f"c{n}", rng.randint(0, 59), asks[-1].id, sorted(who)))
    return shop, asks, drops


KINDS = list(
    product([5, 30, 50, 70], "FMX", [False, True], [False, True], ["NONE", "LOWER", "UPPER"])
)
WEIGHTS = list(
    accumulate(
        (1 if soldier else 4) * (1 if disabled else 4) for _, _, soldier, disabled, _ in KINDS
    )
)
"""One in five is of the military, one in five disabled; all else is equally likely."""


def draw_people(rng):
    kinds = rng.choices(KINDS, cum_weights=WEIGHTS, k=rng.randint(1, 4))
    return [Person(*kind) for kind in kinds]


def is_work_conserving(shop):
    """Invariant W: nobody waits for a place that is free; and no pool holds more than it has."""
    for quota in QUOTAS:
        for ask in shop.lists[quota]:
            assert shop.blocked(ask, quota) is not None
            assert quota != "GN" or shop.blocked(ask, "RAC") is not None
    for ask in shop.rac_list:
        assert shop.blocked(ask, "GN") is not None
    for pool in (*QUOTAS, "RAC"):
        assert all(shop.held(pool, s) <= shop.room(pool) for s in range(shop.segments))


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_kernel_equals_the_oracle(chunk):
    rng = random.Random(chunk)  # quicker at single numbers than numpy
    for number in range(KEYS // CHUNKS):
        shop, asks, drops = draw_case(rng)
        outcome, ids, event_ids = allot(shop, asks, drops, variants=2)
        check_chart(outcome)
        if number % COMPARED:
            continue
        told, verdicts = tell(outcome, ids, event_ids)
        shop.after_each = is_work_conserving
        shop.run(asks, drops)
        places = shop.positions()
        for ask in asks:
            expected = {
                "status": ask.status, "size": ask.size, "position": places.get(ask.id, 0),
                "first_position": ask.first_position, "first": ask.first, "last": ask.last,
            }  # fmt: skip
            assert told[ask.id] == expected, (chunk, number, ask)
        assert verdicts == {drop.id: drop.verdict for drop in drops}


def check_chart(outcome):
    """The second counter: no seat-segment twice, one berth for the whole journey, nobody stands."""
    desk = outcome.desk
    plan = desk.plan
    berths, halves = outcome.berth_of.tolist(), outcome.rac_of.tolist()
    taken, shared = set(), set()
    for request, state in zip(desk.requests.tolist(), desk.state.tolist(), strict=True):
        _, first, start, stop, _, size = request
        status, alive = state[:2]
        for p in range(first, first + size):
            travels = outcome.is_charted and alive >> (p - first) & 1
            assert (berths[p] >= 0) == bool(travels and status == 1)
            assert (halves[p] >= 0) == bool(travels and status == 2)
            for held, place in ((taken, berths[p]), (shared, halves[p])):
                cells = {(place, s) for s in range(start, stop)} if place >= 0 else set()
                assert not held & cells
                held |= cells
    assert max(taken, default=(-1,))[0] < len(plan.berths)
    assert max(shared, default=(-1,))[0] < 2 * len(plan.rac_berths)
    figures = dict(zip(FIGURES, outcome.figures.tolist(), strict=True))
    assert figures["stranded"] == 0
    assert figures["confirmed"] + figures["rac"] <= figures["optimum"]
    assert figures["accepted_segments"] <= figures["optimum_segments"]


def test_optimum_equals_every_subset_tried():
    rng = np.random.default_rng(3)
    for _ in range(60):
        stations, berths = int(rng.integers(2, 8)), int(rng.integers(0, 4))
        journeys = [
            tuple(sorted(rng.choice(stations, 2, replace=False).tolist()))
            for _ in range(int(rng.integers(0, 10)))
        ]
        demand = np.zeros((stations, stations), np.int64)
        for a, b in journeys:
            demand[a, b] += 1
        found = most_seated(demand, berths, False), most_seated(demand, berths, True)
        assert found == best_seated(journeys, berths)


def greedy_count(journeys, berths):
    """Most intervals on so many berths: drop the one that ends last wherever it is too full."""
    kept = []
    for a, b in sorted(journeys):
        kept.append((a, b))
        if sum(s <= a < e for s, e in kept) > berths:
            kept.remove(max((j for j in kept if j[0] <= a < j[1]), key=lambda j: j[1]))
    return len(kept)


def test_optimum_equals_the_greedy_one_on_larger_trains():
    rng = np.random.default_rng(4)
    for _ in range(20):
        stations, berths = 20, int(rng.integers(1, 30))
        ends = np.sort(rng.integers(0, stations, (200, 2)), axis=1)
        journeys = [(int(a), int(b)) for a, b in ends if a < b]
        demand = np.zeros((stations, stations), np.int64)
        for a, b in journeys:
            demand[a, b] += 1
        assert most_seated(demand, berths, False) == greedy_count(journeys, berths)


def test_individuals_that_can_be_seated_are_all_accepted():
    """ST16: cut each berth's line at random, shuffle: everybody gets a berth."""
    for seed in range(200):
        rng = np.random.default_rng(seed)
        journeys = []
        for _ in range(72):
            cuts = np.flatnonzero(rng.random(18) < 0.3) + 1
            edges = [0, *cuts.tolist(), 19]
            journeys += list(pairwise(edges))
        rng.shuffle(journeys)
        shop = Shop(19, {**dict.fromkeys(QUOTAS, 0), "GN": 72, "RAC": 0}, 0)
        asks = [Ask(f"r{n:04}", n, int(a), int(b)) for n, (a, b) in enumerate(journeys)]
        outcome, _, _ = allot(shop, asks, variants=1)
        figures = dict(zip(FIGURES, outcome.figures.tolist(), strict=True))
        assert (figures["confirmed"], figures["stranded"]) == (len(asks), 0)
