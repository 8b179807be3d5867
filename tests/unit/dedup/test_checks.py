"""Row checks of person tables, batch by batch."""

import datetime
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipelines.dedup.checks import COLLAPSED, REASONS, SUPERSEDED, Checked, CheckPlan, check_batch
from pipelines.dedup.copies import UNDATED, find_copies
from tests.unit.dedup.checked_rows import AS_OF, FIELDS, NOTHING, PLAN, batch


def outcome(checked: Checked, row: int) -> tuple[str | None, list[str]]:
    code = checked.reason[row]
    flags = sorted(flag for flag, rows in checked.flags.items() if rows[row])
    return None if code < 0 else REASONS[code], flags


ROWS: list[tuple[str, dict[str, Any], str | None, list[str]]] = [
    ("good", {}, None, []),
    ("null id", {"id": None}, "MISSING_ID", []),
    ("blank id", {"id": "  "}, "MISSING_ID", []),
    ("nothing to compare", NOTHING, "NO_EVIDENCE", []),
    ("blank fields", dict.fromkeys(FIELDS, " "), "NO_EVIDENCE", []),
    ("unknown gender only", {**NOTHING, "gender": "unknown"}, "NO_EVIDENCE", []),
    ("captures only", {**NOTHING, "captures": b"\1"}, None, []),
    ("empty captures", {**NOTHING, "captures": b""}, "NO_EVIDENCE", []),
    ("only a bad phone", {**NOTHING, "phone": "12"}, "NO_EVIDENCE", ["BAD_PHONE"]),
    ("unparsed line", {"_corrupt_record": "x;y"}, "UNREADABLE_ROW", []),
    ("not UTF-8", {"name": "as\ufffdha"}, "UNREADABLE_ROW", []),
    ("inactive", {"status": "INACTIVE"}, "INACTIVE", []),
    ("no status", {"status": None}, "INACTIVE", []),
    ("status in lower case", {"status": " active"}, None, []),
    ("impossible day", {"dob": "19860433"}, None, ["BAD_DOB"]),
    ("no leap year", {"dob": "19870229"}, None, ["BAD_DOB"]),
    ("leap year", {"dob": "19880229"}, None, []),
    ("other pattern", {"dob": "1986-04-03"}, None, ["BAD_DOB"]),
    ("tomorrow", {"dob": "20260102"}, None, ["BAD_DOB"]),
    ("today", {"dob": "20260101"}, None, []),
    ("130 years", {"dob": "18960101"}, None, []),
    ("over 130 years", {"dob": "18951231"}, None, ["BAD_DOB"]),
    ("no birth date", {"dob": None}, None, []),
    ("pincode starts with 0", {"pincode": "056001"}, None, ["BAD_PINCODE"]),
    ("short pincode", {"pincode": "56001"}, None, ["BAD_PINCODE"]),
    ("two", {"pincode": "x", "phone": "5000000001"}, None, ["BAD_PINCODE", "BAD_PHONE"]),
]


@pytest.mark.parametrize(("name", "changes", "reason", "flags"), ROWS, ids=[r[0] for r in ROWS])
def test_each_rule(
    name: str, changes: dict[str, Any], reason: str | None, flags: list[str]
) -> None:
    assert outcome(check_batch(batch({}, changes), PLAN), 1) == (reason, sorted(flags))


def test_bad_values_are_emptied_and_good_ones_kept() -> None:
    bad = {"id": " 7 ", "dob": "19860433", "phone": "1", "pincode": "1", "name": " asha "}
    found = pa.table(check_batch(batch({}, bad), PLAN).columns).to_pylist()
    assert found[0]["dob"] == "19860403"
    assert (found[0]["phone"], found[0]["pincode"]) == ("9000000001", "560001")
    assert (found[1]["dob"], found[1]["phone"], found[1]["pincode"]) == (None, None, None)
    assert (found[1]["id"], found[1]["name"]) == ("7", "asha")


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        (None, datetime.date(1986, 4, 3)),
        ("yyyyMMdd", "19860403"),
        ("dd/MM/yyyy", "03/04/1986"),
        ("d/M/yyyy", "3/4/1986"),
        (None, "1986-04-03"),
    ],
)
def test_dates_of_any_form(pattern: str | None, value: Any) -> None:
    rows = pa.RecordBatch.from_pydict({"id": ["1"], "dob": [value]})
    plan = CheckPlan({"dob": "date_of_birth"}, "id", AS_OF, {"dob": pattern} if pattern else {})
    found = check_batch(rows, plan)
    assert found.columns["dob"].to_pylist() == ["19860403"]
    assert not found.flags["BAD_DOB"].any()


def test_a_code_that_is_no_pincode_is_left_alone() -> None:
    rows = pa.RecordBatch.from_pydict({"id": ["1"], "postcode": ["2913"], "ssn": ["x-9"]})
    plan = CheckPlan({"postcode": "code", "ssn": "code"}, "id", AS_OF, {"ssn": r"^\d+$"})
    found = check_batch(rows, plan)
    assert found.columns["postcode"].to_pylist() == ["2913"]
    assert found.columns["ssn"].to_pylist() == [None]
    assert {flag for flag, where in found.flags.items() if where.any()} == {"BAD_SSN"}


def test_figures_add_up_over_batches() -> None:
    rows = [{}, {"id": None}, {"status": "DECEASED"}, {"phone": "1"}, {"phone": None}]
    whole = check_batch(batch(*rows), PLAN).count(PLAN)
    parts: Counter[str] = Counter()
    for row in rows:
        parts.update(check_batch(batch(row), PLAN).count(PLAN))
    assert whole == parts
    assert (whole["rows"], whole["good"]) == (5, 3)
    assert (whole["flag:BAD_PHONE"], whole["null:phone"]) == (1, 2)


def slow_copies(rows: list[tuple[int, int, int, int]]) -> list[str | None]:
    """Oracle: sort the rows of each id by hand."""
    reasons: list[str | None] = [None] * len(rows)
    for node in {row[0] for row in rows}:
        group = [i for i, row in enumerate(rows) if row[0] == node]
        group.sort(key=lambda i: (-rows[i][1], rows[i][2], rows[i][3]))
        for i in group[1:]:
            reasons[i] = COLLAPSED if rows[i][2] == rows[group[0]][2] else SUPERSEDED
    return reasons


@pytest.mark.parametrize("seed", range(20))
def test_the_newest_row_of_an_id_stays(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [tuple(int(v) for v in rng.integers(0, 4, 4)) for _ in range(int(rng.integers(0, 40)))]
    rows = [(n, UNDATED if m == 0 else m, c, o) for n, m, c, o in rows]
    columns = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    same, other = find_copies(*columns)
    found = [
        COLLAPSED if s else SUPERSEDED if o else None for s, o in zip(same, other, strict=True)
    ]
    expected = slow_copies(rows)
    # Rows equal in all four are alike: which of them stays is of no account.
    assert sorted(zip(rows, found, strict=True), key=str) == sorted(
        zip(rows, expected, strict=True), key=str
    )
