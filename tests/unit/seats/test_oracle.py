"""The kernel against the plain oracle on random small trains, and the invariants after each event."""

import os
from collections import Counter

import numpy as np
import pytest

from pipelines.seats.codes import CONFIRMED, EVENT, PASSENGER, RAC, REQUEST
from pipelines.seats.kernel import allocate
from pipelines.seats.measures import FIGURES
from pipelines.seats.optimum import most_seated
from tests.unit.seats.oracle import QUOTAS, Shop, best_seated
from tests.unit.seats.random_trains import Trains, rows_of
from tests.unit.seats.samples import plan_of, tell

KEYS = 10_000
CHUNKS = 10
COMPARED = int(os.environ.get("SANGAM_ORACLE_EVERY", "10"))
"""Every train is counted a second time; one in so many is held against the oracle, event by event.

`SANGAM_ORACLE_EVERY=1 pytest tests/unit/seats/test_oracle.py` compares all 10,000.
"""


def is_work_conserving(shop):
    """Invariant W: nobody waits for a place that is free; and no pool holds more than it has."""
    for quota in QUOTAS:
        for ask in shop.lists[quota]:
            assert shop.blocked(ask, quota) is not None
            assert quota != "GN" or shop.blocked(ask, "RAC") is not None
    for ask in shop.rac_list:
        assert shop.blocked(ask, "GN") is not None
    held = Counter()
    for ask in shop.asks:
        if ask.status in ("CONFIRMED", "RAC"):
            pool = "RAC" if ask.status == "RAC" else ask.quota
            held.update(dict.fromkeys(((pool, s) for s in ask.segments), ask.size))
    assert all(count <= shop.room(pool) for (pool, _), count in held.items())


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_kernel_equals_the_oracle(chunk):
    trains = Trains(chunk, KEYS // CHUNKS)
    outcomes = [allocate(*trains.arrays(number), 2) for number in range(KEYS // CHUNKS)]
    check_charts(trains, outcomes)
    for number in range(0, KEYS // CHUNKS, COMPARED):
        told, verdicts = tell(outcomes[number], *trains.ids(number))
        shop, asks, drops = trains.objects(number)
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


def check_charts(trains, outcomes):
    """The second counter: no seat-segment twice, one berth for the whole journey, nobody stands."""
    states = np.concatenate([one.desk.state for one in outcomes])
    is_charted = np.array([one.is_charted for one in outcomes])[trains.train]
    row = np.repeat(np.arange(len(states)), trains.requests["size"])
    place_in_group = np.arange(len(row)) - np.repeat(first_of(trains), trains.requests["size"])
    travels = is_charted[row] & (states["alive"][row] >> place_in_group & 1 == 1)
    for status, berths, field in (
        (CONFIRMED, trains.berths, "berth_of"), (RAC, 2 * trains.rac, "rac_of"),
    ):  # fmt: skip
        place = np.concatenate([getattr(one, field) for one in outcomes])
        sits = place >= 0
        assert (sits == (travels & (states["status"][row] == status))).all()
        assert (place[sits] < berths[trains.train[row[sits]]]).all()
        check_cells(trains, row[sits], place[sits])
    figures = dict(zip(FIGURES, np.array([one.figures for one in outcomes]).T, strict=True))
    assert not figures["stranded"].any()
    assert (figures["confirmed"] + figures["rac"] <= figures["optimum"]).all()
    assert (figures["accepted_segments"] <= figures["optimum_segments"]).all()


def first_of(trains):
    """Row of the first passenger of each request, among those of all trains."""
    return trains.requests["first"] + trains.person_begins[trains.train]


def check_cells(trains, row, place):
    """Nobody shares a place on a segment: all cells of (train, place, segment) differ."""
    start, stop = (trains.requests[name][row].astype(int) for name in ("from_seq", "to_seq"))
    width = stop - start
    segment = np.arange(width.sum()) - np.repeat(np.cumsum(width) - width - start, width)
    assert segment.max() < 8
    cells = np.repeat((trains.train[row] * 64 + place) * 8, width) + segment
    assert len(np.unique(cells)) == len(cells) > 1_000


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
    plan = plan_of(Shop(19, {**dict.fromkeys(QUOTAS, 0), "GN": 72, "RAC": 0}, 0))
    for seed in range(200):
        rng = np.random.default_rng(seed)
        is_cut = np.pad(rng.random((72, 18)) < 0.3, ((0, 0), (1, 1)), constant_values=True)
        berth, edge = np.nonzero(is_cut)
        same = berth[1:] == berth[:-1]
        journeys = np.column_stack([edge[:-1], edge[1:]])[same]
        rng.shuffle(journeys)
        rows = np.arange(len(journeys))
        requests = rows_of(REQUEST, at=rows, first=rows, from_seq=journeys[:, 0],
                           to_seq=journeys[:, 1], size=np.ones_like(rows))  # fmt: skip
        outcome = allocate(plan, requests, np.zeros(len(rows), PASSENGER),
                           rows_of(EVENT, at=rows, request=rows), 1)  # fmt: skip
        figures = dict(zip(FIGURES, outcome.figures.tolist(), strict=True))
        assert (figures["confirmed"], figures["stranded"]) == (len(rows), 0)
