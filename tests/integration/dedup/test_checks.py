"""The gate behind the row checks: what stops a run, and what only warns."""

from typing import Any

import pytest

from pipelines.core.errors import GateError
from pipelines.core.quality import validate
from pipelines.dedup.checks import COLLAPSED, SUPERSEDED, check_batch
from pipelines.dedup.gate import gate_checks, rows_by_reason
from tests.unit.dedup.checked_rows import NOTHING, PLAN, batch


def gate(*rows: dict[str, Any], **limits: Any) -> Any:
    checked = check_batch(batch(*rows), PLAN)
    counts = {f"reason:{code}": 0 for code in (COLLAPSED, SUPERSEDED)} | checked.count(PLAN)
    counts["checked"] = counts["good"]
    ids = {row.get("id", "1") for row, good in zip(rows, checked.is_good, strict=True) if good}
    counts["ids"] = len(ids)
    report = validate(gate_checks(counts, PLAN, **limits))
    report.require(rows_by_reason(counts))
    return report


def people(number: int, **changes: Any) -> list[dict[str, Any]]:
    return [{"id": str(one), **changes} for one in range(number)]


def test_a_sound_table_passes() -> None:
    report = gate(*people(40), {"id": None})
    assert report.errors == []
    rows = {one["expectation"]: one for one in report.rows}
    assert rows["row_count"]["evaluated"] == 40
    assert rows["quarantine"] == {
        "expectation": "quarantine",
        "severity": "ERROR",
        "success": True,
        "evaluated": 41,
        "failed": 1,
        "minimum": None,
        "tolerance": 0.05,
    }


def test_quarantine_above_the_limit_stops_the_run() -> None:
    with pytest.raises(GateError, match=r"quarantine \(2 of 20\).*MISSING_ID 1, NO_EVIDENCE 1"):
        gate(*people(18), {"id": None}, {"id": "y", **NOTHING})
    assert GateError.exit_code == 3


def test_an_empty_table_stops_the_run() -> None:
    with pytest.raises(GateError, match="row_count"):
        gate()
    with pytest.raises(GateError, match=r"row_count.*INACTIVE 2"):
        gate(*people(2, status="INACTIVE"))


def test_an_all_null_column_stops_the_run() -> None:
    with pytest.raises(GateError, match=r"null:phone \(120 of 120\)"):
        gate(*people(120, phone=None))
    warned = [r["expectation"] for r in gate(*people(1, phone=None)).rows if not r["success"]]
    assert warned == ["null:phone"]


def test_ids_that_are_not_unique_stop_the_run() -> None:
    with pytest.raises(GateError, match="unique_ids"):
        gate(*people(3), *people(3))


def test_many_bad_pincodes_warn() -> None:
    report = gate(*people(10, pincode="000000"))
    warned = [one["expectation"] for one in report.rows if not one["success"]]
    assert warned == ["BAD_PINCODE", "null:pincode"]
