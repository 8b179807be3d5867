"""One coach without an engine: our kernel, and groups seated at booking."""

import time

import numpy as np
import numpy.typing as npt

from pipelines.seats.codes import (
    BERTH,
    BERTH_TYPES,
    CONFIRMED,
    EVENT,
    PASSENGER,
    REQUEST,
    ClassPlan,
    Records,
)
from pipelines.seats.kernel import Outcome, allocate
from pipelines.seats.measures import FIGURES
from pipelines.seats.synthetic.demand import GROUP_SHARES
from pipelines.seats.synthetic.trains import make_coach

I64 = npt.NDArray[np.int64]
STOPS = 10


def sleeper_berths(count: int = 72) -> Records:
    """Berths of a sleeper coach, none kept for RAC."""
    coach = make_coach("SL", "S1")["berths"][:count]
    rows = [
        (0, b["bay"] - 1, b["bay"], b["berth_no"], BERTH_TYPES.index(b["berth_type"]))
        for b in coach
    ]
    return np.array(rows, dtype=BERTH)


def run_kernel(starts: I64, stops: I64, sizes: I64, stations: int) -> Outcome:
    """Allot and chart one coach: GN only, no waitlist."""
    berths = sleeper_berths()
    plan = ClassPlan(
        stations - 1,
        np.array([len(berths), 0, 0, 0, 0, 0, 0, 0], dtype=np.int64),
        np.array([0, 0, 10**9, 10**10], dtype=np.int64),
        4,
        np.arange(5, dtype=np.int64),
        berths,
        berths[:0],
    )
    count = len(starts)
    requests, events = np.zeros(count, dtype=REQUEST), np.zeros(count, dtype=EVENT)
    for name, values in (
        ("at", np.arange(count)),
        ("first", np.cumsum(sizes) - sizes),
        ("from_seq", starts),
        ("to_seq", stops),
        ("size", sizes),
    ):
        requests[name] = values
    events["at"] = events["request"] = np.arange(count)
    return allocate(plan, requests, np.zeros(int(sizes.sum()), dtype=PASSENGER), events)


def allot_individuals(
    starts: I64, stops: I64, berths: int, stations: int
) -> tuple[int, int, int, int]:
    """Accepted journeys, their segments, and both in the optimum."""
    outcome = run_kernel(starts, stops, np.ones(len(starts), dtype=np.int64), stations)
    found = dict(zip(FIGURES, outcome.figures.tolist(), strict=True))
    assert found["stranded"] == 0
    assert found["places"] == berths
    return (
        found["confirmed"], found["accepted_segments"], found["optimum"],
        found["optimum_segments"],
    )  # fmt: skip


def group_coach(rng: np.random.Generator, load: float) -> tuple[I64, I64, I64]:
    """Groups that ask for `load` times the berth-segments of a sleeper coach."""
    wanted = load * 72 * (STOPS - 1)
    ends = np.sort(rng.integers(0, STOPS, (2000, 2)), axis=1)
    ends = ends[ends[:, 0] < ends[:, 1]]
    sizes = 1 + rng.choice(len(GROUP_SHARES), len(ends), p=GROUP_SHARES)
    used = np.cumsum((ends[:, 1] - ends[:, 0]) * sizes)
    count = int(np.searchsorted(used, wanted))
    return ends[:count, 0].copy(), ends[:count, 1].copy(), sizes[:count].astype(np.int64)


def allot_groups(
    starts: I64, stops: I64, sizes: I64
) -> tuple[int, int, npt.NDArray[np.bool_], float]:
    """Split groups, stranded passengers, who travels, and the seconds it took."""
    began = time.perf_counter()
    outcome = run_kernel(starts, stops, sizes, STOPS)
    spent = time.perf_counter() - began
    found = dict(zip(FIGURES, outcome.figures.tolist(), strict=True))
    travels = outcome.desk.state["status"] == CONFIRMED
    return found["split_groups"], found["stranded"], travels, spent


def seat_groups_at_booking(starts: I64, stops: I64, sizes: I64) -> tuple[int, int]:
    """The same groups with berths fixed at booking: one bay if one fits, else any free berths.

    Admission is by counts, as in ours, so that the same groups travel; a passenger for whom no
    single berth is free on the whole journey stays without one.
    """
    berths = sleeper_berths()
    taken = np.zeros((len(berths), STOPS - 1), dtype=np.bool_)
    load = np.zeros(STOPS - 1, dtype=np.int64)
    split = stranded = 0
    for start, stop, size in zip(starts, stops, sizes, strict=True):
        if (load[start:stop] + size > len(berths)).any():
            continue
        load[start:stop] += size
        free = ~taken[:, start:stop].any(axis=1)
        per_bay = np.bincount(berths["bay"], weights=free)
        fitting = np.flatnonzero(per_bay >= size)
        if len(fitting):
            bay = fitting[np.argmin(per_bay[fitting])]
            chosen = np.flatnonzero(free & (berths["bay"] == bay))[:size]
        else:
            chosen = np.flatnonzero(free)[:size]
            split += 1
            stranded += int(size - len(chosen))
        taken[chosen, start:stop] = True
    return split, stranded
