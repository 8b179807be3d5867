"""The embedded run: every payment has one outcome, and Flink decides as a plain loop does."""

import json
import re
from datetime import date
from io import StringIO
from pathlib import Path

import fastavro
import pytest

from pipelines.core.privacy import key_from_env
from pipelines.core.runlog import RunLog
from pipelines.core.wire import Wire
from pipelines.upi_fraud.build import DeciderPlan
from pipelines.upi_fraud.config import UpiConfig
from pipelines.upi_fraud.decider import Kind
from pipelines.upi_fraud.pipeline import run
from pipelines.upi_fraud.request import Request
from pipelines.upi_fraud.sources import open_source

BASE = UpiConfig()
CONFIG = BASE.model_copy(
    update={
        "generator": BASE.generator.model_copy(
            update={"payers": 800, "episodes_per_kind": 2, "corrupt_share": 0.002,
                    "late_share": 0.005, "duplicate_share": 0.01, "invalid_share": 0.005}
        )
    }
)  # fmt: skip
SIZE = "synthetic:4000"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("upi")
    request = Request(SIZE, lake=folder / "out", as_of=date(2026, 1, 1), report=folder / "report")
    log = RunLog("upi_fraud", "", date(2026, 1, 1), stream=StringIO())
    return run(CONFIG, request, log), folder


def records(path: Path):
    with path.open("rb") as file:
        return list(fastavro.reader(file))


def test_counts_add_up_and_each_kind_of_outcome_is_there(finished):
    summary, folder = finished
    counts = summary.counts
    assert counts["in"] == counts["out"] + counts["rejected"] + counts["late"] + counts["dlq"]
    assert counts["read"] == counts["in"] + counts["duplicates"]
    assert min(counts[name] for name in ("out", "rejected", "late", "dlq", "duplicates")) > 0
    assert len(records(folder / "out" / "decisions.avro")) == counts["out"]
    assert len(records(folder / "out" / "late.avro")) == counts["late"]


def test_decisions_equal_a_plain_loop(finished):
    summary, folder = finished
    found = {one["transaction_id"]: one for one in records(folder / "out" / "decisions.avro")}
    source = open_source(SIZE, None, CONFIG)
    decider, wire = (
        DeciderPlan(CONFIG, "strict", key_from_env(True), "test")(),
        Wire("upi.Decision"),
    )
    for record in source.merchants:
        decider.reference.add_merchant(record)
    states, same = {}, 0
    for raw in source.raws():
        one = decider.handle_one(raw, states)
        if one.kind <= Kind.ALERT:
            again = wire.decode(one.value)
            mine = found.pop(again["transaction_id"])
            same += mine["risk_score"] == again["risk_score"]
    assert not found
    assert same >= 0.9 * summary.counts["out"]  # without the flags of the slow path


def test_planted_frauds_are_caught(finished):
    summary, _ = finished
    kinds = [name for name in summary.metrics if name.startswith("recall_")]
    assert len(kinds) == 6
    assert all(summary.metrics[name] >= 0.5 for name in kinds)
    assert summary.metrics["flags"] > 0


def test_the_report_and_the_manifest_agree_and_name_nobody(finished):
    summary, folder = finished
    manifest = json.loads((folder / "report" / "run.json").read_text())
    assert manifest["counts"]["out"] == summary.counts["out"]
    page = (folder / "report" / "report.html").read_text()
    assert "person0" not in page
    assert f"{summary.counts['in']:,}" in page
    found = r"<h1>\d+ of \d+ fraudulent payments stopped, \d+ of [\d,]+ others questioned</h1>"
    assert re.search(found, page)
    assert b"person0" not in (folder / "out" / "decisions.avro").read_bytes()
