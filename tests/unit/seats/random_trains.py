"""Small trains drawn a thousand at once: as arrays for the kernel, as objects for the oracle."""

from itertools import product

import numpy as np

from pipelines.seats.codes import EVENT, PASSENGER, REQUEST, WISHES, ClassPlan
from tests.unit.seats.oracle import QUOTAS, Ask, Drop, Person, Shop
from tests.unit.seats.samples import berths_of, traits

OPENS, TATKAL_OPENS = 2, 10
KINDS = list(
    product([5, 30, 50, 70], "FMX", [False, True], [False, True], ["NONE", "LOWER", "UPPER"])
)
TRAITS = np.array([traits(Person(*kind)) for kind in KINDS])
WISHED = np.array([WISHES.index(wish) for *_, wish in KINDS])
SHARES = np.array([(1 if kind[2] else 4) * (1 if kind[3] else 4) for kind in KINDS], float)
SHARES /= SHARES.sum()
"""One passenger in five is of the military, one in five disabled; all else is equally likely."""
BERTH_SHARES = np.array([4, 2, 1, 1, 1, 1]) / 10
ASKED_SHARES = np.array([50, 14, 9, 9, 9, 9]) / 100
BERTHS = [berths_of(*[["LB", "UB"][n % 2] for n in range(count)]) for count in range(9)]
RAC_BERTHS = [berths_of(*["SL"] * count) for count in range(3)]


def rows_of(dtype, **columns):
    """A record array of columns."""
    made = np.zeros(len(next(iter(columns.values()))), dtype)
    for name, values in columns.items():
        made[name] = values
    return made


def begins_of(counts):
    """Where the rows of each train begin, and where the last ends."""
    return np.concatenate([[0], np.cumsum(counts)])


class Trains:
    """Trains of 1 to 8 segments and 0 to 8 berths, requests in all quotas, some cancellations.

    The rows of a train stand together, in the order in which they count.
    """

    def __init__(self, seed, count):
        rng = np.random.default_rng(seed)
        self.segments = rng.integers(1, 9, count)
        self.berths, self.rac = rng.integers(0, 9, count), rng.integers(0, 3, count)
        quotas, cap = rng.multinomial(self.berths, BERTH_SHARES), rng.integers(0, 9, count)
        self.capacity = np.column_stack([quotas, 2 * self.rac, cap])
        charts = rng.integers(20, 60, count)
        opens = [np.full(count, time) for time in (OPENS, TATKAL_OPENS)]
        self.times = np.column_stack([*opens, charts, charts + rng.integers(-10, 30, count)])
        asked = rng.integers(1, 16, count)
        self.train = np.repeat(np.arange(count), asked)
        self.ask_begins = begins_of(asked)
        self._draw_asks(rng, np.arange(len(self.train)) - self.ask_begins[self.train])
        self._draw_drops(rng)
        self._line_up()

    def _draw_asks(self, rng, number):
        train, count = self.train, len(self.train)
        stations = self.segments[train] + 1
        one = rng.integers(0, stations)
        other = (one + rng.integers(1, stations)) % stations
        names = [f"r{a}-{b}" for a, b in zip(rng.integers(0, 99, count), number, strict=True)]
        at, name = rng.integers(0, 50, count), np.array(names, "S")
        order = np.lexsort((np.unique(name, return_inverse=True)[1], at, train))
        self.names = name[order]
        size = rng.integers(1, 5, count)
        self.person_begins = begins_of(np.bincount(train, size, len(self.segments)).astype(int))
        first = np.cumsum(size) - size
        self.requests = rows_of(
            REQUEST, at=at[order], first=first - self.person_begins[train], size=size,
            from_seq=np.minimum(one, other)[order], to_seq=np.maximum(one, other)[order],
            quota=rng.choice(6, count, p=ASKED_SHARES),
        )  # fmt: skip
        self.kinds = rng.choice(len(KINDS), size.sum(), p=SHARES)
        self.people = rows_of(PASSENGER, traits=TRAITS[self.kinds], wish=WISHED[self.kinds])

    def _draw_drops(self, rng):
        """Two requests in five are cancelled, for some of the passengers or (mask 0) for all."""
        self.dropped = np.flatnonzero(rng.random(len(self.train)) < 0.4)
        size = self.requests["size"][self.dropped]
        places = np.where(np.arange(4) < size[:, None], rng.random((len(size), 4)), 2)
        is_one = places.argsort().argsort() < rng.integers(0, size + 1)[:, None]
        self.mask = (is_one << np.arange(4)).sum(axis=1)
        self.drop_at = rng.integers(0, 60, len(size))

    def _line_up(self):
        """Events of each train: by time, cancellations first, then by name."""
        place = self.dropped - self.ask_begins[self.train[self.dropped]]
        self.drop_names = np.char.add(b"c", place.astype("S"))
        train = np.concatenate([self.train, self.train[self.dropped]])
        row = np.concatenate([np.arange(len(self.train)), self.dropped])
        everybody = (1 << self.requests["size"][self.dropped]) - 1
        mask = np.where(self.mask, self.mask, everybody)
        events = rows_of(
            EVENT, at=np.concatenate([self.requests["at"], self.drop_at]),
            request=row - self.ask_begins[train],
            mask=np.concatenate([np.zeros(len(self.train), int), mask]),
        )  # fmt: skip
        name = np.concatenate([self.names, self.drop_names])
        rank = np.unique(name, return_inverse=True)[1]
        order = np.lexsort((rank, events["mask"] == 0, events["at"], train))
        self.events, self.event_names = events[order], name[order]
        self.event_begins = begins_of(np.bincount(train, minlength=len(self.segments)))

    def arrays(self, number):
        """Plan, requests, passengers and events of a train."""
        a, b = self.ask_begins[number : number + 2]
        p, q = self.person_begins[number : number + 2]
        e, f = self.event_begins[number : number + 2]
        plan = ClassPlan(
            int(self.segments[number]), self.capacity[number], self.times[number], 4, np.arange(5),
            BERTHS[self.berths[number]], RAC_BERTHS[self.rac[number]],
        )  # fmt: skip
        return plan, self.requests[a:b], self.people[p:q], self.events[e:f]

    def ids(self, number):
        """Names of the requests and of the events of a train, in their order."""
        asks = self.names[slice(*self.ask_begins[number : number + 2])]
        events = self.event_names[slice(*self.event_begins[number : number + 2])]
        return [[name.decode() for name in names.tolist()] for names in (asks, events)]

    def objects(self, number):
        """Shop, requests and cancellations of a train."""
        *quotas, rac, cap = self.capacity[number].tolist()
        opens, tatkal, chart_at, as_of = self.times[number].tolist()
        shop = Shop(
            int(self.segments[number]), dict(zip([*QUOTAS, "RAC"], [*quotas, rac], strict=True)),
            cap, chart_at, as_of, opens, tatkal,
        )  # fmt: skip
        begin, end = self.ask_begins[number : number + 2].tolist()
        asks = [self._ask(row, self.person_begins[number]) for row in range(begin, end)]
        return shop, asks, [self._drop(n) for n in range(*self.dropped.searchsorted([begin, end]))]

    def _drop(self, n):
        who = [k for k in range(4) if self.mask[n] >> k & 1]
        ask = self.names[self.dropped[n]].decode()
        return Drop(self.drop_names[n].decode(), int(self.drop_at[n]), ask, who)

    def _ask(self, row, begin):
        at, first, start, stop, quota, size = self.requests[row].tolist()
        people = [Person(*KINDS[kind]) for kind in self.kinds[begin + first : begin + first + size]]
        return Ask(self.names[row].decode(), at, start, stop, QUOTAS[quota], people)
