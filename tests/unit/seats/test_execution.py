"""A task without an engine: rows in any order, numbered lists, tables of the contracts."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipelines.core.contracts import get_contract
from pipelines.core.privacy import Tokeniser
from pipelines.seats.arrange import Ages
from pipelines.seats.codes import ClassPlan
from pipelines.seats.execution import TaskSettings, allot_table, pack_table, read_packed
from pipelines.seats.generate import DAY
from pipelines.seats.plans import Plans, Train
from pipelines.seats.stage import EVENT_COLUMNS
from tests.unit.seats.samples import berths_of

ROOT = Path(__file__).parents[3]
SETTINGS = TaskSettings(Ages(60, 12, 45), Tokeniser(b"k" * 20, 1), False, 8, 0.1)
TYPES = [
    pa.int32(), pa.int32(), pa.int64(), pa.int64(), pa.string(), pa.string(), pa.int32(),
    pa.int32(), pa.int32(), pa.list_(pa.int64()), pa.string(),
]  # fmt: skip
SCHEMA = pa.schema(list(zip(EVENT_COLUMNS, TYPES, strict=True)))


def person(number, age=30, gender=1):
    return number << 16 | gender << 7 | age


def plans_of(count, berths="LB UB", rac=1):
    rows = berths_of(berths)
    plan = ClassPlan(
        3, np.array([len(rows), 0, 0, 0, 0, 0, 2 * rac, 2]), np.array([0, 0, 10**6, 10**7]), 4,
        np.arange(5), rows, berths_of(*["SL"] * rac),
    )  # fmt: skip
    train = Train("1", DAY, "Express", 2, 10**6, ("A", "B", "C", "D"), 0, ("SL",))
    return Plans([train], [0] * count, ["SL"] * count, [("S1",)] * count, [plan] * count)


def events_of(rows, keys=2, seed=None):
    rows = [*rows, *((k, 2, None, None, "", None, None, None, None, [], None) for k in range(keys))]
    if seed is not None:
        np.random.default_rng(seed).shuffle(rows)
    return pa.Table.from_pylist(
        [dict(zip(EVENT_COLUMNS, row, strict=True)) for row in rows], SCHEMA
    )


def book(key, name, at, start, stop, people, epoch=0):
    return (key, 1, at, epoch, name, "P" + name, start, stop, 0, people, None)


def cancel(key, name, at, pnr, numbers=(), epoch=0):
    return (key, 0, at, epoch, name, pnr, None, None, None, list(numbers), None)


ROWS = [
    book(0, "r9", 5, 0, 3, [person(7), person(8)]),
    book(0, "r10", 5, 0, 3, [person(1)]),
    book(0, "r2", 6, 0, 2, [person(1)]),
    cancel(0, "c1", 8, "Pr9", [8]),
    cancel(0, "c2", 9, "Pr9", [9]),
    cancel(0, "c3", 9, "Pnobody"),
    cancel(0, "c4", 3, "Pr2"),
    cancel(0, "c5", 10, "Pr9", [8]),
    cancel(0, "c7", 11, "Pr10"),
    cancel(1, "c6", 10, "Pr9"),
]


def test_every_order_of_rows_gives_the_same_bytes():
    plain = allot_table(events_of(ROWS), plans_of(2), SETTINGS)
    for seed in range(8):
        other = allot_table(events_of(ROWS, seed=seed), plans_of(2), SETTINGS)
        for kind in ("allocation", "chart", "segments", "classes"):
            assert pack_table(other[kind]) == pack_table(plain[kind]), kind


def test_passengers_keep_their_numbers_and_positions():
    tables = allot_table(events_of(ROWS), plans_of(2), SETTINGS)
    rows = tables["allocation"].to_pylist()
    found = {(row["request_id"], row["passenger_no"]): row for row in rows}
    assert found["r10", 1]["status"] == "CANCELLED"
    assert found["r9", 8]["status"] == "CANCELLED"
    assert found["r9", 8]["why_last"]["cause_id"] == "c1"
    assert found["r9", 7]["status"] == "CONFIRMED"
    assert found["r9", 7]["why_last"] == {
        "code": "PROMOTED", "pool": "GN", "segment": None, "free": None, "need": None, "cause_id": "c7",
    }  # fmt: skip
    assert (found["r9", 7]["first_position"], found["r9", 8]["first_position"]) == (1, 2)
    assert found["r2", 1]["why_first"]["code"] == "FITS_QUOTA"


def test_cancellations_that_come_to_nothing_are_told():
    tables = allot_table(events_of(ROWS), plans_of(2), SETTINGS)
    counts = dict(zip(*tables["counts"].to_pydict().values(), strict=True))
    assert counts["read"] == len(ROWS)
    assert counts["cancellations"] == 2
    reasons = sorted(tables["quarantine"]["reason"].to_pylist())
    assert reasons == [
        "ALREADY_CANCELLED", "CANCEL_BEFORE_BOOKING", "UNKNOWN_PASSENGER", "UNKNOWN_PNR", "UNKNOWN_PNR",
    ]  # fmt: skip
    assert all(
        token.startswith("t1_") for token in tables["quarantine"]["record_token"].to_pylist()
    )


@pytest.mark.parametrize("partitions", [1, 2, 7, 200])
def test_any_partitioning_gives_equal_rows(partitions):
    """ST4, without an engine: rows shuffled, keys spread over so many tasks."""
    keys = 12
    rows = [
        (k, *row[1:4], f"{row[4]}-{k}", f"{row[5]}-{k}", *row[6:])
        for k in range(keys)
        for row in ROWS
    ]
    plans = plans_of(keys)
    whole = events_of(rows, keys)
    parts: dict[str, list[pa.Table]] = {}
    shuffled = events_of(rows, keys, seed=partitions)
    place = np.array(shuffled["key"].to_pylist()) * 7919 % partitions
    for number in np.unique(place):
        for kind, table in allot_table(shuffled.filter(place == number), plans, SETTINGS).items():
            parts.setdefault(kind, []).append(table)
    for kind, table in allot_table(whole, plans, SETTINGS).items():
        if kind != "counts":
            found = pa.concat_tables(parts[kind]).to_pylist()
            assert sorted(map(str, found)) == sorted(map(str, table.to_pylist())), kind


def test_other_keys_change_nothing():
    """ST2: adding or removing other trains, dates or classes leaves a key as it was."""
    alone = allot_table(events_of(ROWS, keys=1), plans_of(3), SETTINGS)["allocation"]
    others = [book(2, f"x{n}", n, 0, 3, [person(1)]) for n in range(6)]
    beside = allot_table(events_of([*ROWS, *others], keys=3), plans_of(3), SETTINGS)["allocation"]
    ids = [row["request_id"] for row in alone.to_pylist()]
    kept = [row for row in beside.to_pylist() if row["request_id"] in ids]
    assert kept == alone.to_pylist()


def test_a_key_without_requests_is_reported():
    tables = allot_table(events_of([], keys=2), plans_of(2), SETTINGS)
    assert tables["classes"]["demand"].to_pylist() == [0, 0]
    assert tables["segments"]["utilisation"].to_pylist() == [0.0] * 6
    assert tables["chart"].num_rows == 0


def test_a_partition_of_bad_rows_only():
    bad = (None, 1, 5, 0, "r1", "P1", None, None, 0, None, "UNKNOWN_TRAIN")
    tables = allot_table(events_of([bad], keys=0), plans_of(1), SETTINGS)
    assert tables["quarantine"]["reason"].to_pylist() == ["UNKNOWN_TRAIN"]
    assert [tables[kind].num_rows for kind in ("allocation", "chart", "segments", "classes")] == [
        0
    ] * 4


def test_no_places_give_nulls_not_infinity():
    """K5."""
    empty = plans_of(1, berths="", rac=0)
    empty.plans[0].capacity[:] = 0
    tables = allot_table(events_of([book(0, "r", 5, 0, 3, [person(1)])], keys=1), empty, SETTINGS)
    rows = tables["segments"].to_pylist()
    assert {row["is_zero_capacity"] for row in rows} == {True}
    assert {row[n] for row in rows for n in ("utilisation", "load", "efficiency_score")} == {None}
    (passenger,) = tables["allocation"].to_pylist()
    assert (passenger["status"], passenger["why_first"]["code"]) == ("REJECTED", "WL_FULL")
    assert tables["classes"]["jain"].to_pylist() == [0.0]


@pytest.mark.parametrize(
    ("kind", "subject"),
    [("allocation", "Allocation"), ("chart", "ChartEntry"), ("segments", "SegmentMetrics"), ("classes", "ClassMetrics")],
)  # fmt: skip
def test_tables_have_the_columns_of_their_contract(kind, subject):
    table = read_packed(pack_table(allot_table(events_of(ROWS), plans_of(2), SETTINGS)[kind]))
    fields = [field["name"] for field in get_contract(f"rail.{subject}").tree["fields"]]
    assert table.column_names == [name for name in fields if name != "run_id"]


def test_the_kernel_reads_no_clock_and_draws_nothing():
    for module in ("kernel", "admission", "desk", "rules", "numbering", "optimum", "measures"):
        text = (ROOT / "pipelines" / "seats" / f"{module}.py").read_text()
        for word in ("import time", "np.random", "import random", "datetime", "open("):
            assert word not in text, (module, word)
