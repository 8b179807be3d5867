"""The second counter finds what is planted in a file, and nothing in a right one."""

import numpy as np
import pyarrow as pa
import pytest

from pipelines.seats.recount import count_allocation, count_chart, count_segments

JOURNEY = {
    "train_id": "12001", "travel_class": "SL", "pnr": "t1_A", "passenger_no": 1, "coach_id": "S1",
    "berth_no": 1, "place": "FULL", "from_seq": 0, "to_seq": 3,
}  # fmt: skip
RIGHT = [
    JOURNEY,
    {**JOURNEY, "pnr": "t1_B", "from_seq": 3, "to_seq": 70},  # begins where the first one ends
    {**JOURNEY, "pnr": "t1_C", "berth_no": 7, "place": "A"},
    {**JOURNEY, "pnr": "t1_D", "berth_no": 7, "place": "B", "from_seq": 1},
    {**JOURNEY, "pnr": "t1_E", "coach_id": "S2"},
    {**JOURNEY, "pnr": "t1_F", "travel_class": "A3", "from_seq": 2, "to_seq": 5},
]


def chart(*more):
    figures, people = count_chart(pa.Table.from_pylist([*RIGHT, *more]))
    return figures.set_index(["train_id", "travel_class"]), people


def test_a_right_chart():
    figures, people = chart()
    found = figures[["people", "twice", "berths", "start", "stop"]].to_dict("index")
    assert found == {
        ("12001", "A3"): {"people": 1, "twice": 0, "berths": 1, "start": 2, "stop": 5},
        ("12001", "SL"): {"people": 5, "twice": 0, "berths": 3, "start": 0, "stop": 70},
    }
    assert len(people) == len(set(people.tolist())) == 6


@pytest.mark.parametrize(
    ("planted", "segments"),
    [
        ({"from_seq": 2, "to_seq": 4}, 4),  # two segments, on both halves of the berth
        ({"from_seq": 69, "to_seq": 70}, 2),  # a segment beyond the 64th
        ({"berth_no": 7, "place": "A", "from_seq": 2}, 1),  # half a berth, one segment
        ({"berth_no": 7, "place": "B", "from_seq": 0, "to_seq": 1}, 0),  # that half is free there
        ({"berth_no": 7, "from_seq": 0, "to_seq": 2}, 3),  # a whole berth over two halves
        ({"train_id": "12002"}, 0),
    ],
)
def test_segments_held_twice(planted, segments):
    figures, _ = chart({**JOURNEY, "pnr": "t1_Z", **planted})
    assert figures["twice"].sum() == segments


def test_held_twice_equals_counting_cell_by_cell():
    """Fifty trains in one chart: what one train holds is not counted with another's."""
    rng, rows, expected = np.random.default_rng(5), [], {}
    for train in range(50):
        cells, name = {}, f"{train:05}"
        for n in range(12):
            start, place = int(rng.integers(0, 6)), str(rng.choice(["FULL", "A", "B"]))
            row = {"pnr": f"t{n}", "berth_no": int(rng.integers(1, 4)), "place": place}
            row |= {"train_id": name, "from_seq": start, "to_seq": start + 2}
            rows.append({**JOURNEY, **row})
            for half in "AB" if place == "FULL" else place:
                for segment in (start, start + 1):
                    cell = (row["berth_no"], half, segment)
                    cells[cell] = cells.get(cell, 0) + 1
        expected[name] = sum(held - 1 for held in cells.values())
    figures, _ = count_chart(pa.Table.from_pylist(rows))
    assert figures.set_index("train_id")["twice"].to_dict() == expected


def test_a_passenger_on_two_berths_and_a_changed_one():
    twice = chart({**JOURNEY, "berth_no": 2})[1]
    assert len(twice) - len(set(twice.tolist())) == 1
    prints = [chart({**JOURNEY, "pnr": pnr, "berth_no": 2})[0]["fingerprint"] for pnr in "YZ"]
    assert prints[0]["12001", "A3"] == prints[1]["12001", "A3"]
    assert prints[0]["12001", "SL"] != prints[1]["12001", "SL"]


def status(name, position=None, quota="GN", **changes):
    row = {"train_id": "12001", "travel_class": "SL", "pnr": f"t{name}{position}{quota}"}
    named = {"passenger_no": 1, "status": name, "quota": quota, "position": position}
    return {**row, **named, **changes}


LISTS = [
    status("CONFIRMED"), status("RAC", 2), status("RAC", 1, "GN"), status("WAITLISTED", 1),
    status("WAITLISTED", 1, "TQ"), status("WAITLISTED", 2, "TQ"), status("CANCELLED"),
    status("WAITLISTED", 1, travel_class="A3"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("planted", "gaps"),
    [
        ([], 0),
        ([status("RAC", 4)], 1),  # the third place is missing
        ([status("WAITLISTED", 2, pnr="other"), status("RAC", 2, pnr="other")], 1),  # taken twice
        ([status("WAITLISTED", 0, "TQ"), status("WAITLISTED", 3, travel_class="A3")], 2),
    ],
)
def test_gaps_in_the_lists(planted, gaps):
    figures, _ = count_allocation(pa.Table.from_pylist([*LISTS, *planted]))
    assert figures["gaps"].sum() == gaps
    rac = sum(one["status"] == "RAC" for one in planted)
    assert figures.set_index("travel_class")["people"].to_dict() == {"A3": 0, "SL": 3 + rac}


def test_the_fingerprints_of_chart_and_allocation_agree():
    booked = [{**status("CONFIRMED"), **row} for row in RIGHT]
    figures, _ = count_allocation(pa.Table.from_pylist([*booked, *LISTS[3:]]))
    assert figures["fingerprint"].tolist() == chart()[0]["fingerprint"].tolist()


def test_overfull_segments_and_figures_that_are_no_numbers():
    row = {
        "train_id": "12001", "travel_class": "SL", "allocated": 3, "places": 3, "utilisation": 1.0,
        "load": 1.0, "efficiency_score": 0.5,
    }  # fmt: skip
    empty = {**row, "utilisation": None, "load": None, "efficiency_score": None}
    found = []
    for planted in ({}, {"allocated": 4}, {"load": np.nan}, {"utilisation": np.inf}):
        rows = pa.Table.from_pylist([row, empty, {**row, **planted}])
        found.append(count_segments(rows)[0][["overfull", "odd"]].to_numpy().tolist())
    assert found == [[[0, 0]], [[1, 0]], [[0, 1]], [[0, 1]]]
