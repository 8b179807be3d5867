"""Rules of bronze tables: read from YAML, judged by their counts, shown in report and Data Docs."""

from collections import Counter
from pathlib import Path

import pytest

from pipelines.core.catalogue import load_catalogue
from pipelines.core.errors import ConfigError, GateError
from pipelines.core.quality import QualityReport, validate
from pipelines.ingest.checks import BronzeRule, Found, load_rules, row_rules, suite
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


@pytest.mark.parametrize("subject", sorted({t.record for t in load_catalogue().topics.values()}))
def test_every_topic_has_rules_that_fit_its_record(subject: str) -> None:
    rules = load_rules(subject)
    assert "EVENT_ID_EMPTY" in rules
    assert {rule.action for rule in row_rules(rules)} <= {"reject", "flag"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("every: {A: {field: event_id, when: '', policy: warn}}", "when"),
        ("every: {A: {field: event_id, when: x, policy: shout}}", "policy"),
        ("evry: {}", "evry"),
        ("tables: {upi.Nothing: {}}", "upi.Nothing: there is no such contract"),
        ("tables: {upi.Label: {A: {field: colour, when: x, policy: warn}}}", "no field 'colour'"),
        ("tables: [", "rules.yaml"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_place(content: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(content)
    with pytest.raises(ConfigError, match=words):
        load_rules("upi.Label", file)


def test_a_rule_of_one_table_does_not_touch_another() -> None:
    assert "CURRENCY_FOREIGN" in load_rules("upi.Transaction")
    assert "CURRENCY_FOREIGN" not in load_rules("viewer.Event")
    assert "PRIORITY_OUT_OF_RANGE" not in load_rules("rail.Train"), "it has no priority"


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


def test_counts_add_up() -> None:
    tally = Tally(read=10, stored=6, aside=Counter({"BAD": 1}), dead=Counter({"E_BODY": 3}))
    assert tally.counts() == {"in": 10, "out": 6, "rejected": 1, "dlq": 3}
    assert tally.found().decoded == 7
