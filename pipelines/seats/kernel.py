"""The whole allocation of one train, date and class, as a pure function of its input.

No engine, no clock, no input or output, no randomness: a retried or a speculative task gives the
same rows, because it only returns them. Order in the input does not matter beyond what is checked.
"""

from typing import NamedTuple

import numpy as np

from pipelines.seats.admission import replay
from pipelines.seats.codes import (
    AS_OF,
    BERTH,
    CHARTS,
    CONFIRMED,
    F64,
    I32,
    I64,
    NONE,
    RAC,
    ClassPlan,
    Records,
)
from pipelines.seats.desk import Desk, open_desk
from pipelines.seats.measures import FIGURES, VARIANT, count_berths, count_people
from pipelines.seats.numbering import VARIANTS, number_berths


class Outcome(NamedTuple):
    """Result for one train, date and class.

    Attributes:
        desk: statuses, reasons and lists as they ended.
        events: the events, `verdict` filled in.
        cancelled_by: event that cancelled each passenger, -1 if none.
        is_charted: charting time was reached and berths are numbered.
        berth_of: row of `plan.berths` per confirmed passenger, else -1.
        rac_of: place of each RAC passenger: 2 * row of `plan.rac_berths`, + 1 for place B; else -1.
        is_alone: 1 for an RAC passenger whose other place stays empty on the whole journey.
        split: 1 where a group sits in several bays, per request.
        use: demand and allocated passengers per segment, [2, segments].
        figures: one number per name in `FIGURES`.
        fill: sum of the fill rates of the pairs, and of their squares.
    """

    desk: Desk
    events: Records
    cancelled_by: I32
    is_charted: bool
    berth_of: I64
    rac_of: I64
    is_alone: I64
    split: I64
    use: I64
    figures: I64
    fill: F64


def allocate(
    plan: ClassPlan, requests: Records, passengers: Records, events: Records,
    variants: int = VARIANTS,
) -> Outcome:  # fmt: skip
    """Decide about every request.

    Args:
        plan: berths, quotas and times.
        requests: rows of `REQUEST`, ordered by (booked_at, request id).
        passengers: rows of `PASSENGER`; each request points to its own.
        events: rows of `EVENT` in the order in which they count.
        variants: numbering variants tried.

    Raises:
        ValueError: requests are not ordered, a journey is empty or leaves the train.
    """
    _check(plan, requests)
    events = events.copy()
    desk = open_desk(plan, requests, passengers)
    cancelled_by = np.full(len(passengers), NONE, dtype=np.int32)
    replay(desk, events, cancelled_by)
    use, figures = np.zeros((2, plan.segments), np.int64), np.zeros(len(FIGURES), np.int64)
    fill = np.zeros(2)
    places = len(plan.berths) + 2 * len(plan.rac_berths)
    count_people(requests, desk.state, desk.why, places, use, figures, fill)
    nobody = np.full(len(passengers), NONE, dtype=np.int64)
    outcome = Outcome(
        desk, events, cancelled_by, False, nobody, nobody, np.zeros_like(nobody),
        np.zeros(len(requests), np.int64), use, figures, fill,
    )  # fmt: skip
    is_charted = bool(plan.times[AS_OF] >= plan.times[CHARTS])
    return chart(outcome, variants) if is_charted else outcome


def chart(outcome: Outcome, variants: int) -> Outcome:
    """Number the berths of the confirmed and the places of the RAC passengers."""
    desk = outcome.desk
    plan, requests, passengers, states = desk.plan, desk.requests, desk.passengers, desk.state
    travels = np.flatnonzero(states["status"] == CONFIRMED)
    full = number_berths(
        requests, passengers, states, travels, plan.berths, variants, plan.segments
    )
    count_berths(
        requests, passengers, states, plan.berths, full.berth_of, full.split, outcome.figures
    )
    outcome.figures[VARIANT] = full.variant
    shares = np.flatnonzero(states["status"] == RAC)
    places = rac_places(plan.rac_berths)
    half = number_berths(requests, passengers, states, shares, places, variants)
    return outcome._replace(
        is_charted=True,
        berth_of=full.berth_of,
        rac_of=half.berth_of,
        is_alone=_alone(requests, shares, half.berth_of),
        split=full.split | half.split,
    )


def rac_places(berths: Records) -> Records:
    """Two places per RAC berth, each berth a bay of its own."""
    places = np.repeat(berths, 2).astype(BERTH)
    places["bay"] = np.arange(len(places)) // 2
    return places


def _alone(requests: Records, rows: I64, rac_of: I64) -> I64:
    """1 for each passenger of an RAC berth whose other place is empty on the whole journey."""
    alone = np.zeros(len(rac_of), dtype=np.int64)
    sitting = [
        (p, requests[r]["from_seq"], requests[r]["to_seq"])
        for r in rows
        for p in range(requests[r]["first"], requests[r]["first"] + requests[r]["size"])
        if rac_of[p] != NONE
    ]
    for p, start, stop in sitting:
        meets = (rac_of[q] == rac_of[p] ^ 1 and a < stop and start < b for q, a, b in sitting)
        alone[p] = not any(meets)
    return alone


def _check(plan: ClassPlan, requests: Records) -> None:
    """Refuse rows the kernel would misread."""
    at = requests["at"]
    if (at[1:] < at[:-1]).any():
        raise ValueError("requests are not ordered by booked_at")
    start, stop = requests["from_seq"], requests["to_seq"]
    if ((start < 0) | (start >= stop) | (stop > plan.segments)).any():
        raise ValueError("a journey is empty, reversed or leaves the train")
