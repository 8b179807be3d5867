"""From a command line to a request and a summary: the way all jobs share."""

import importlib
import json
import sys
from argparse import Namespace
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines.core.config import JobConfig
from pipelines.core.errors import GateError
from pipelines.core.job import job_main, make_request, sets_key
from pipelines.core.summary import begin_summary

PACKAGES = ("dedup", "credit", "seats", "upi_fraud", "viewers", "ingest")
NEEDED = {"ingest": ["--topic", "upi.transactions.v1"]}


class DemoConfig(JobConfig):
    rows: int = 3


@dataclass(frozen=True)
class Request:
    input: str
    as_of: date = field(default_factory=lambda: date(2024, 2, 29))
    dry_run: bool = False
    report: Path | None = None


def add_flags(add):
    add("--input", default="people")
    add("--rows", metavar="N", **sets_key("rows", int))


@pytest.fixture
def call(monkeypatch, capsys):
    """Run a small job with flags; returns its code, its output and what its function was given."""
    seen = []

    def run(config, request, open_log):
        log = open_log()
        seen.extend((config, request, log))
        summary = begin_summary("demo", config, request.as_of, "d", {})
        log.name(summary)
        if config.rows > 8:
            raise GateError("too many rows")
        with log.step("count"):
            summary.counts = {"in": config.rows, "out": config.rows}
        log.close(summary)
        log.write_report(summary, request.report, lambda page: page.write_text("page"))
        return summary

    def call(*flags):
        seen.clear()
        monkeypatch.setattr(sys, "argv", ["demo.py", *flags])
        code = job_main("demo", "Doc.", "demo_config:DemoConfig", Request, add_flags, run)
        return code, capsys.readouterr(), list(seen)

    monkeypatch.setitem(sys.modules, "demo_config", SimpleNamespace(DemoConfig=DemoConfig))
    return call


def test_flags_become_configuration_request_log_and_table(call, tmp_path):
    report = tmp_path / "report"
    report.mkdir()
    flags = ("--rows", "5", "--report", str(report), "--as-of", "2026-01-02", "--log", "json")
    code, said, (config, request, log) = call(*flags)
    assert code == 0, said.err
    assert config.rows == 5
    assert config.provenance == {"rows": "--set rows=5"}
    assert request == Request("people", date(2026, 1, 2), False, report)
    assert (log.style, log.as_of) == ("json", date(2026, 1, 2))
    assert json.loads(said.out)["counts"]["in"] == 5
    told = json.loads((report / "run.json").read_text())
    assert list(told["seconds"]) == ["count", "report"]
    assert told["total_seconds"] > 0
    assert (report / "report.html").read_text() == "page"
    assert {json.loads(line)["run_id"] for line in said.err.splitlines()} == {told["run_id"]}


def test_a_failure_has_its_code_and_a_wrong_value_its_name(call, tmp_path):
    code, said, _ = call("--rows", "9", "--report", str(tmp_path))
    assert (code, said.err) == (GateError.exit_code, "Error: too many rows\n")
    assert call("--set", "rows=x")[0] == 2
    with pytest.raises(SystemExit):
        call("--rows", "many")


def test_what_was_not_said_keeps_the_default_of_its_field():
    said = Namespace(input="people", as_of=None, dry_run=True, report=None, more=1)
    assert make_request(Request, said) == Request("people", dry_run=True)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_field_of_a_request_has_a_flag(package, monkeypatch, tmp_path, capsys):
    """And the job's own function gets that request, with the folder of the report."""
    cli = importlib.import_module(f"pipelines.{package}.cli")
    given = []
    monkeypatch.setattr(cli, "_run", lambda *parts: given.append(parts) or 1 / 0)
    monkeypatch.setattr(
        sys, "argv", [f"{cli.JOB}.py", *NEEDED.get(package, ()), "--report", str(tmp_path)]
    )
    assert cli.main("About.") == 1
    assert "ZeroDivisionError" in capsys.readouterr().err
    config, request, open_log = given[0]
    assert isinstance(config, JobConfig)
    assert request.report == tmp_path
    assert {one.name for one in fields(request)} >= {"as_of", "dry_run", "report"}
    assert open_log().job == cli.JOB
