"""The job that docs/cookbook/add-a-job.md tells how to write runs as it stands there."""

import json
import sys

import pytest
from pyspark.sql import SparkSession

import pipelines
from pipelines.core.errors import GateError
from tests.cookbook import ROOT, write_files


@pytest.fixture(scope="module")
def job(tmp_path_factory, spark: SparkSession):
    """The folder with the written files; its package is found while the tests of this file run."""
    folder = tmp_path_factory.mktemp("cookbook")
    write_files(ROOT / "docs" / "cookbook" / "add-a-job.md", folder)
    people = [("asha", "KA"), ("ravi", "KA"), ("meena", "TN"), ("john", None)]
    spark.createDataFrame(people, "name string, state string").write.parquet(f"{folder}/people")
    pipelines.__path__.append(str(folder / "pipelines"))
    yield folder
    pipelines.__path__.remove(str(folder / "pipelines"))


@pytest.fixture
def run(job, monkeypatch, capsys):
    """Run the entry point with flags; returns exit code and error text."""

    def run(*flags: str) -> tuple[int, str]:
        from pipelines.value_count.cli import main

        monkeypatch.setattr(sys, "argv", ["value_count.py", *flags])
        code = main("Count the values of a column.")
        return code, capsys.readouterr().err

    return run


def test_it_counts_publishes_and_reports(job, run, spark):
    lake, report = job / "lake", job / "report"
    flags = ("--input", f"{job}/people", "--lake", str(lake), "--report", str(report))
    assert run(*flags, "--set", "missing_limit=0.5") == (0, "")
    told = json.loads((report / "run.json").read_text())
    assert told["counts"] == {"in": 4, "out": 3, "rejected": 1, "dlq": 0, "late": 0}
    assert told["metrics"] == {"values": 2}
    assert "3 records have 2 values" in (report / "report.html").read_text()
    rows = spark.read.format("delta").load(str(lake / "value_counts_v1")).collect()
    assert {(row["value"], row["records"]) for row in rows} == {("KA", 2), ("TN", 1)}


def test_it_refuses_what_it_cannot_use(job, run):
    assert run("--input", str(job / "nobody"))[0] == 2
    code, said = run("--input", f"{job}/people", "--set", "column=district")
    assert code == 2
    assert "it has name, state" in said
    code, said = run("--input", f"{job}/people", "--set", "missing_limit=2")
    assert (code, "missing_limit" in said) == (2, True)


def test_it_stops_at_its_gate_and_publishes_nothing(job, run):
    code, said = run("--input", f"{job}/people", "--lake", str(job / "none"))
    assert code == GateError.exit_code
    assert "1 of 4 rows have no state" in said
    assert not (job / "none").exists()


def test_a_dry_run_writes_nothing(job, run):
    flags = ("--input", f"{job}/people", "--set", "missing_limit=0.5", "--dry-run")
    assert run(*flags, "--lake", str(job / "dry"), "--report", str(job / "dry-report")) == (0, "")
    assert not (job / "dry").exists()
    assert not (job / "dry-report").exists()
