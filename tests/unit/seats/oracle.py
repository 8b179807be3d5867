"""The rules of the spec in plain Python with lists and dicts; slow, obvious, and no code of the job."""

from dataclasses import dataclass, field

QUOTAS = ["GN", "TQ", "LD", "SS", "DF", "HP"]
CATEGORIES = ["SENIOR", "LADIES", "MILITARY", "DISABILITY", "REGULAR"]


@dataclass
class Person:
    age: int = 30
    gender: str = "M"
    is_military: bool = False
    is_disabled: bool = False
    wish: str = "NONE"
    gone: str | None = None


@dataclass
class Ask:
    id: str
    at: int
    start: int
    stop: int
    quota: str = "GN"
    people: list = field(default_factory=lambda: [Person()])
    status: str = ""
    first: tuple = ()
    last: tuple = ()
    first_position: int = 0

    @property
    def size(self):
        return sum(p.gone is None for p in self.people)

    @property
    def travelling(self):
        return [p for p in self.people if p.gone is None]

    @property
    def segments(self):
        return range(self.start, self.stop)


@dataclass
class Drop:
    id: str
    at: int
    ask: str
    who: list = field(default_factory=list)
    verdict: str = ""


@dataclass
class Shop:
    """Capacities by pool, `RAC` in places."""

    segments: int
    capacity: dict
    cap: int
    chart_at: int = 10**9
    as_of: int = 10**10
    opens: int = 0
    tatkal_opens: int = 0
    asks: list = field(default_factory=list)
    lists: dict = field(default_factory=dict)
    rac_list: list = field(default_factory=list)
    after_each: object = None

    def held(self, pool, segment):
        holders = [a for a in self.asks if a.start <= segment < a.stop and a.status]
        if pool == "RAC":
            return sum(a.size for a in holders if a.status == "RAC")
        if pool == "MERGED":
            return sum(a.size for a in holders if a.status == "CONFIRMED")
        return sum(a.size for a in holders if a.status == "CONFIRMED" and a.quota == pool)

    def room(self, pool):
        return sum(self.capacity[q] for q in QUOTAS) if pool == "MERGED" else self.capacity[pool]

    def blocked(self, ask, pool):
        for s in ask.segments:
            if self.held(pool, s) + ask.size > self.room(pool):
                return s
        return None

    def run(self, asks, drops):
        self.lists = {q: [] for q in QUOTAS}
        events = [((a.at, 1, a.id.encode()), a) for a in asks]
        events += [((d.at, 0, d.id.encode()), d) for d in drops]
        for _, event in sorted(events, key=lambda pair: pair[0]):
            if isinstance(event, Ask):
                self.asks.append(event)
                self.book(event)
            else:
                event.verdict = self.cancel(event)
            if self.after_each:
                self.after_each(self)
        if self.as_of >= self.chart_at:
            self.chart()
        return self

    def set(self, ask, status, code, segment=None, cause=None):
        ask.status = status
        ask.last = (code, segment, cause)
        ask.first = ask.first or ask.last

    def enter(self, ask, queue):
        ask.first_position = ask.first_position or 1 + sum(a.size for a in queue)
        queue.append(ask)

    def book(self, ask):
        if reason := self.refusal(ask):
            return self.set(ask, "REJECTED", reason)
        segment = self.blocked(ask, ask.quota)
        if segment is None:
            return self.set(ask, "CONFIRMED", "FITS_QUOTA")
        if ask.quota == "GN" and self.blocked(ask, "RAC") is None:
            self.enter(ask, self.rac_list)
            return self.set(ask, "RAC", "FITS_RAC", segment)
        if sum(a.size for q in QUOTAS for a in self.lists[q]) + ask.size <= self.cap:
            self.enter(ask, self.lists[ask.quota])
            return self.set(ask, "WAITLISTED", "QUOTA_FULL", segment)
        return self.set(ask, "REJECTED", "WL_FULL", segment)

    def refusal(self, ask):
        people = ask.people
        if ask.at >= self.chart_at:
            return "AFTER_CHART"
        if ask.at < self.opens:
            return "TOO_EARLY"
        if ask.quota == "TQ" and len(people) > 4:
            return "TATKAL_GROUP_SIZE"
        if ask.quota == "TQ" and ask.at < self.tatkal_opens:
            return "TATKAL_NOT_OPEN"
        fits = {
            "GN": True,
            "TQ": True,
            "SS": all(p.age >= 60 for p in people),
            "LD": self.is_ladies(people),
            "DF": any(p.is_military for p in people),
            "HP": any(p.is_disabled for p in people) and len(people) <= 2,
        }
        return None if fits[ask.quota] else "QUOTA_NOT_ELIGIBLE"

    @staticmethod
    def is_ladies(people):
        return all(p.gender == "F" or p.age < 12 for p in people) and any(
            p.gender == "F" for p in people
        )

    def cancel(self, drop):
        ask = next((a for a in self.asks if a.id == drop.ask), None)
        if drop.at >= self.chart_at:
            return "AFTER_CHART"
        if ask is None:
            return "CANCEL_BEFORE_BOOKING"
        if ask.status == "REJECTED":
            return "NOTHING_TO_CANCEL"
        people = [ask.people[i] for i in drop.who] or ask.people
        if any(p.gone for p in people):
            return "ALREADY_CANCELLED"
        for p in people:
            p.gone = drop.id
        if not ask.size:
            for queue in (self.rac_list, *self.lists.values()):
                if ask in queue:
                    queue.remove(ask)
            self.set(ask, "CANCELLED", "CANCELLED", None, drop.id)
        self.promote(drop.id)
        return "APPLIED"

    def promote(self, cause):
        for ask in list(self.rac_list):
            if self.blocked(ask, "GN") is None:
                self.rac_list.remove(ask)
                self.set(ask, "CONFIRMED", "PROMOTED", None, cause)
        for quota in QUOTAS:
            for ask in list(self.lists[quota]):
                if self.blocked(ask, quota) is None:
                    self.lists[quota].remove(ask)
                    self.set(ask, "CONFIRMED", "PROMOTED", None, cause)
                elif quota == "GN" and self.blocked(ask, "RAC") is None:
                    self.lists[quota].remove(ask)
                    self.enter(ask, self.rac_list)
                    self.set(ask, "RAC", "PROMOTED_RAC", None, cause)

    def category(self, ask):
        people = ask.travelling
        if all(p.age >= 60 for p in people):
            return "SENIOR"
        if self.is_ladies(people):
            return "LADIES"
        if any(p.is_military for p in people):
            return "MILITARY"
        return "DISABILITY" if any(p.is_disabled for p in people) else "REGULAR"

    def chart(self):
        ranked = [(0, a) for a in self.rac_list] + [
            ({"GN": 1, "TQ": 3}.get(q, 2), a) for q in QUOTAS for a in self.lists[q]
        ]
        ranked.sort(
            key=lambda x: (CATEGORIES.index(self.category(x[1])), x[0], x[1].at, x[1].id.encode())
        )
        for _, ask in ranked:
            segment = self.blocked(ask, "MERGED")
            if segment is None:
                for queue in (self.rac_list, *self.lists.values()):
                    if ask in queue:
                        queue.remove(ask)
                self.set(ask, "CONFIRMED", "RELEASED")
            else:
                self.set(ask, ask.status, "NOT_CLEARED", segment)
        for _, ask in ranked:
            waits = ask.status == "WAITLISTED" and ask.quota != "TQ"
            if waits and self.blocked(ask, "RAC") is None:
                self.lists[ask.quota].remove(ask)
                self.enter(ask, self.rac_list)
                self.set(ask, "RAC", "RELEASED_RAC")

    def positions(self):
        found = {}
        for queue in (self.rac_list, *self.lists.values()):
            place = 1
            for ask in queue:
                found[ask.id] = place
                place += ask.size
        return found


def best_seated(journeys, berths):
    """Most journeys, and most segments, that fit on so many berths; every subset is tried."""
    most = longest = 0
    for chosen in range(1 << len(journeys)):
        some = [j for n, j in enumerate(journeys) if chosen >> n & 1]
        ends = {s for j in some for s in range(*j)}
        if all(sum(a <= s < b for a, b in some) <= berths for s in ends):
            most = max(most, len(some))
            longest = max(longest, sum(b - a for a, b in some))
    return most, longest
