"""The counts of a run as the library of checks judges them, shown in report and Data Docs."""

from collections import Counter
from pathlib import Path

import pytest

from pipelines.core.errors import GateError
from pipelines.core.quality import QualityReport, validate
from pipelines.ingest.checks import BronzeRule, Found, suite
from pipelines.ingest.report.quality import make_section
from pipelines.ingest.result import Tally

RULES = {
    "BAD": BronzeRule(field="event_id", when="true", policy="quarantine"),
    "ODD": BronzeRule(field="source", when="true", policy="warn", tolerance=0.1),
    "WRONG": BronzeRule(field="source", when="true", policy="fail"),
}


def verdicts(found: Found, limit: float = 0.05) -> dict[str, bool]:
    rows = validate(suite(RULES, found, limit)).rows
    return {row["expectation"]: row["success"] for row in rows}


def test_the_suite_fails_by_share() -> None:
    fine = verdicts(Found(1000, Counter({"BAD": 50, "ODD": 100}), 50))
    assert fine == {"row_count": True, "quarantine": True, "BAD": True, "ODD": True, "WRONG": True}
    bad = verdicts(Found(1000, Counter({"BAD": 51, "ODD": 101}), 51))
    assert bad == {
        "row_count": True, "quarantine": False, "BAD": False, "ODD": False, "WRONG": True,
    }  # fmt: skip


def test_too_many_rows_set_aside_stop_the_run_and_warnings_do_not() -> None:
    warned = validate(suite(RULES, Found(1000, Counter({"ODD": 900}), 0), 0.05))
    warned.require({})
    stopped = validate(suite(RULES, Found(1000, Counter({"BAD": 200}), 200), 0.05))
    with pytest.raises(GateError, match=r"quarantine \(200 of 1000\)"):
        stopped.require({"BAD": 200})


def test_an_empty_table_fails_the_row_count() -> None:
    assert not verdicts(Found(0, Counter(), 0))["row_count"]


def test_data_docs_need_nothing_from_outside(tmp_path: Path) -> None:
    docs = tmp_path / "report" / "data_docs.html"
    validate(suite(RULES, Found(1000, Counter({"BAD": 51}), 51), 0.05), docs)
    page = docs.read_text()
    assert "BAD" in page
    assert "Failed" in page
    assert "<script" not in page
    assert "<link" not in page
    assert "<img" not in page


def test_the_section_shows_every_rule_and_links_the_docs() -> None:
    tally = Tally(read=1000, stored=949, aside=Counter({"BAD": 51}))
    checks = suite(RULES, tally.found(), 0.05)
    section = make_section(validate(checks), tally)
    assert section.title == "2 of 5 quality checks failed"
    assert "data_docs.html" in str(section.blocks)
    assert "5.100 %" in str(section.blocks)
    assert make_section(QualityReport(), tally).title == "Nothing to judge"
