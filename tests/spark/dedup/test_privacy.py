"""No identifier of the input leaves in a report, a manifest, a log or a set-aside row."""

import json
import re

import pytest

from pipelines.core.privacy import key_from_env

RUN = re.compile(r"(?<!\d)(?:\d{10}|\d{12})(?!\d)")


@pytest.fixture(scope="module")
def identifiers(customers) -> set[str]:
    found = set(RUN.findall(customers.path.read_text()))
    assert len(found) > 400, "ids and phones"
    return found


def outputs(done) -> dict[str, str]:
    texts = {name: (done.report / name).read_text("utf-8") for name in ("report.html", "run.json")}
    for table in ("quarantine", "review_queue", "candidate_edges", "clusters", "runs"):
        texts[table] = done.table(table).to_json(default_handler=str)
    return texts


def test_no_identifier_in_any_output(customer_run, identifiers) -> None:
    for name, text in outputs(customer_run).items():
        leaked = {value for value in identifiers if value in text}
        assert not leaked, f"{name} shows {len(leaked)} identifiers"


def test_ids_are_stored_nowhere(customer_run, customers) -> None:
    enrolments = customer_run.table("enrolments").to_json(default_handler=str)
    ids = set(re.findall(r"^(\d{12}),", customers.path.read_text(), re.MULTILINE))
    assert not {name for name in ids if name in enrolments}
    assert customers.identity_number not in enrolments
    flags = customer_run.table("enrolments")["dq_flags"].explode().value_counts()
    assert flags["IDENTITY_NUMBER_IN_TEXT"] == 1


def test_quarantine_holds_tokens_instead_of_values(customer_run) -> None:
    rows = customer_run.table("quarantine")
    assert not {"full_name", "born", "mobile", "occupation"} & set(rows.columns)
    tokens = rows["record_token"].dropna()
    assert tokens.str.fullmatch(r"t1_[A-Z2-7]{26}").all()


def test_tokens_are_keyed(customer_run, customers) -> None:
    expected = {key_from_env(False).token(name) for name in customers.groups["script"]}
    assert expected <= set(customer_run.table("enrolments")["record_token"])


def test_markup_in_a_name_stays_text(customer_run) -> None:
    """D32: a name is data on the page, never a tag."""
    page = (customer_run.report / "report.html").read_text("utf-8")
    assert "<script>alert" not in page.lower()
    assert "alert(1)" not in page


def test_the_manifest_is_plain_json(customer_run) -> None:
    manifest = json.loads((customer_run.report / "run.json").read_text())
    assert manifest["metrics"]["f1"] is None
    assert manifest["counts"]["in"] == customer_run.summary.counts["in"]
