"""Micro-batches: what was decided comes out again when later events are there too."""

import json
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from pipelines.core.contracts import spark_schema
from pipelines.core.delta_files import add_constants, table_schema
from pipelines.seats.generate import DAY
from pipelines.seats.ledger import PUBLISHED, sell_table, seller
from tests.unit.seats.test_execution import SETTINGS, book, cancel, events_of, person, plans_of


def known(rows, published=None):
    """Events, and what the ledger says of them."""
    events = events_of(rows)
    told = [(published or {}).get(name) for name in events["id"].to_pylist()]
    return events.append_column(PUBLISHED, pa.array(told, pa.string()))


def decide(rows):
    told = sell_table(known(rows), plans_of(2), SETTINGS)
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


EARLY = [book(0, "r1", 5, 0, 3, [person(1), person(2)]), cancel(0, "c1", 8, "Pr1", [2])]
LATE = [book(1, "r2", 6, 1, 2, [person(1)], epoch=1), cancel(0, "c2", 4, "Pr1", epoch=1)]


def sell(published):
    notes = []
    task = seller(SimpleNamespace(value=plans_of(2)), SETTINGS, 1)
    batches = known([*EARLY, *LATE], published).to_batches()
    rows = pa.Table.from_batches(list(task(batches, notes)))
    (note,) = map(json.loads, notes)
    return rows, note


def test_a_batch_leaves_its_own_rows_in_the_shape_of_the_ledger():
    rows, note = sell({"r1": "CONFIRMED", "c1": "APPLIED"})
    assert note == {"differ": 0, "CONFIRMED": 1, "ALREADY_CANCELLED": 1}
    ledger = add_constants(rows, table_schema(spark_schema("rail.LedgerEntry")), {"run_id": "run"})
    found = {row["entry_id"]: row for row in ledger.to_pylist()}
    assert set(found) == {"r2", "c2"}
    assert {name: found["r2"][name] for name in ("kind", "pnr", "quota", "people", "batch_id")} == {
        "kind": "BOOKING", "pnr": "Pr2", "quota": "GN", "people": [person(1)], "batch_id": 1,
    }  # fmt: skip
    assert (found["c2"]["kind"], found["c2"]["quota"], found["c2"]["people"]) == (
        "CANCELLATION", "UNKNOWN", [],
    )  # fmt: skip
    assert [found[n]["applied_at"].timestamp() for n in ("r2", "c2")] == [0.006, 0.004]
    assert {row["service_date"] for row in found.values()} == {DAY}
    assert [found[n]["is_late"] for n in ("r2", "c2")] == [False, True]


@pytest.mark.parametrize("published", [{"r1": "RAC", "c1": "APPLIED"}, {"r1": "CONFIRMED"}])
def test_a_replayed_decision_that_is_not_the_published_one_is_counted(published):
    assert sell(published)[1]["differ"] == 1
