"""Rules of bronze tables: read from YAML, and the counts they give."""

from collections import Counter
from pathlib import Path

import pytest

from pipelines.core.catalogue import load_catalogue
from pipelines.core.errors import ConfigError
from pipelines.ingest.checks import load_rules, row_rules
from pipelines.ingest.result import Tally


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


def test_counts_add_up() -> None:
    tally = Tally(read=10, stored=6, aside=Counter({"BAD": 1}), dead=Counter({"E_BODY": 3}))
    assert tally.counts() == {"in": 10, "out": 6, "rejected": 1, "dlq": 3}
    assert tally.found().decoded == 7
