"""Micro-batches: what was decided comes out again when later events are there too."""

import numpy as np
import pytest

from pipelines.seats.ledger import sell_table
from tests.unit.seats.test_execution import SETTINGS, book, cancel, events_of, person, plans_of


def decide(rows):
    told = sell_table(events_of(rows), plans_of(2), SETTINGS)
    return {
        one["entry_id"]: (one["decision"], one["position"])
        for one in told.select(["entry_id", "decision", "position"]).to_pylist()
        if one["entry_id"]
    }


def test_a_cancellation_that_overtakes_its_booking_stays_unknown():
    early = [cancel(0, "c1", 8, "Pr1")]
    assert decide(early) == {"c1": ("UNKNOWN_PNR", None)}
    late = [book(0, "r1", 5, 0, 3, [person(1)], epoch=1), cancel(0, "c2", 9, "Pr1", epoch=1)]
    assert decide([*early, *late]) == {
        "c1": ("UNKNOWN_PNR", None), "r1": ("CONFIRMED", None), "c2": ("APPLIED", None),
    }  # fmt: skip
    in_one = [cancel(0, "c1", 3, "Pr1"), book(0, "r1", 5, 0, 3, [person(1)])]
    assert decide(in_one)["c1"] == ("CANCEL_BEFORE_BOOKING", None)


@pytest.mark.parametrize("seed", range(40))
def test_decisions_of_a_batch_do_not_change_with_the_next_ones(seed):
    """Bookings and cancellations in any order, over several batches."""
    rng = np.random.default_rng(seed)
    rows, before = [], {}
    for epoch in range(4):
        for n in range(int(rng.integers(1, 8))):
            at, name = int(rng.integers(0, 30)), f"{epoch}{n}"
            start = int(rng.integers(0, 3))
            people = [person(k + 1) for k in range(int(rng.integers(1, 3)))]
            if rng.random() < 0.6:
                rows.append(book(0, f"r{name}", at, start, 3, people, epoch))
            else:
                pnr = f"Pr{rng.integers(0, 4)}{rng.integers(0, 5)}"
                rows.append(cancel(0, f"c{name}", at, pnr, epoch=epoch))
        decided = decide(rows)
        assert before.items() <= decided.items()
        before = decided
