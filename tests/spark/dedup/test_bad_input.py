"""Section 10 of the specification: what is refused, with which exit code, and what goes on."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.core.cli import main_guard
from pipelines.core.errors import ConfigError, GateError
from pipelines.dedup.config import DedupConfig
from pipelines.dedup.sources import open_source

ROOT = Path(__file__).parents[3]
HEAD = "id,first,last,dob\n"
MAPPING = """
id: id
fields:
  first: {column: first, comparator: given_name}
  last: {column: last, comparator: surname}
  dob: {column: dob, comparator: date_of_birth}
keys:
  - {signature: person, fields: [first, last, dob]}
"""


@pytest.fixture
def table(tmp_path: Path):
    def write(rows: str, mapping: str = MAPPING) -> dict[str, str | Path]:
        (tmp_path / "people.csv").write_text(HEAD + rows, "utf-8")
        (tmp_path / "people.yaml").write_text(mapping, "utf-8")
        return {"name": str(tmp_path / "people.csv"), "mapping": tmp_path / "people.yaml"}

    return write


def exit_code(call) -> int:
    return main_guard(lambda: call() and None, debug=False)


def test_missing_file(deduplicate, tmp_path: Path, capsys) -> None:
    assert exit_code(lambda: deduplicate(str(tmp_path / "nowhere.csv"))) == 2
    told = capsys.readouterr().err
    assert re.search("nowhere.csv.*no such file", told)
    assert "Traceback" not in told


def test_missing_column(deduplicate, table) -> None:
    wrong = table("1,a,b,1990-01-02\n", MAPPING.replace("column: last", "column: family"))
    with pytest.raises(
        ConfigError, match=r"people.yaml: fields.last.column: family .*id, first, last, dob"
    ):
        deduplicate(**wrong)


@pytest.mark.parametrize(
    ("key", "kind", "needed"),
    [
        ("fields.last.column", "array<string>", "text, a number or a date"),
        ("id", "struct<a: int>", "text, a number or a date"),
        ("time", "int", "a timestamp, a date or ISO 8601 text"),
        ("captures", "string", "an array of structs with iris_code"),
    ],
)
def test_wrong_type(spark, tmp_path: Path, key: str, kind: str, needed: str) -> None:
    kinds = {"id": "string", "first": "string", "last": "string", "dob": "date"}
    column = {"fields.last.column": "last"}.get(key, key)
    kinds |= {column: kind}
    schema = ", ".join(f"{name}: {told}" for name, told in kinds.items())
    spark.createDataFrame([], schema).write.parquet(str(tmp_path / "people.parquet"))
    extra = "" if column in ("id", "last") else f"{key}: {column}\n"
    (tmp_path / "people.yaml").write_text(extra + MAPPING, "utf-8")
    name = str(tmp_path / "people.parquet")
    with pytest.raises(ConfigError, match=rf"people.yaml: {key}: column {column} is .*{needed}"):
        open_source(spark, name, DedupConfig(), tmp_path / "people.yaml", None)


def test_unknown_comparator(deduplicate, table) -> None:
    wrong = table(
        "1,a,b,1990-01-02\n", MAPPING.replace("comparator: surname", "comparator: sirname")
    )
    with pytest.raises(ConfigError, match=r"people.yaml: fields.last.*sirname.*'surname'"):
        deduplicate(**wrong)


def test_unknown_table_gets_a_proposal(deduplicate, table) -> None:
    with pytest.raises(ConfigError, match=r"(?s)needs --mapping FILE.*id: id.*comparator: surname"):
        deduplicate(table("1,Asha,Rao,1990-01-02\n")["name"])


def test_empty_table(deduplicate, table, capsys) -> None:
    call = table("")
    assert exit_code(lambda: deduplicate(**call)) == 3
    assert "row_count" in capsys.readouterr().err


def test_corrupt_avro(deduplicate, table, tmp_path: Path, capsys) -> None:
    (tmp_path / "people.avro").write_bytes(b"Obj\x01 this is no Avro file")
    call = table("") | {"name": str(tmp_path / "people.avro")}
    assert exit_code(lambda: deduplicate(**call)) == 2
    assert "people.avro" in capsys.readouterr().err


def test_too_many_quarantined_rows(deduplicate, table) -> None:
    rows = "".join(f"{n},First{n},Last{n},1990-01-02\n" for n in range(8))
    with pytest.raises(GateError, match="MISSING_ID"):
        deduplicate(**table(rows + ",No,Id,1990-01-02\n,No,Id2,1990-01-02\n"))


def test_one_record_with_an_empty_column(deduplicate, table) -> None:
    done = deduplicate(**table("1,Asha,Rao,\n"))
    assert done.summary.metrics["duplicates_estimated"] == pytest.approx(0, abs=1e-3)
    assert (done.summary.counts["out"], done.summary.metrics["clusters"]) == (1, 1)
    assert done.summary.metrics["duplicates_found"] == 0
    assert done.summary.metrics["reduction_ratio"] is None


def test_all_records_equal(deduplicate, table) -> None:
    done = deduplicate(**table("".join(f"{n},Asha,Rao,1990-01-02\n" for n in range(40))))
    assert (done.summary.metrics["clusters"], done.summary.metrics["pairs_compared"]) == (1, 39)
    assert len(done.table("candidate_edges")) == 39


def test_bad_rows_of_the_customers(customer_run, customers) -> None:
    counts, bad = customer_run.summary.counts, customers.bad
    assert counts["read"] == customers.rows
    assert counts["duplicates"] == bad["DUPLICATE_ROW"]
    assert (
        counts["in"] == counts["out"] + counts["rejected"] == customers.rows - counts["duplicates"]
    )
    quarantine = customer_run.table("quarantine")
    found = quarantine["reason"].value_counts().to_dict()
    assert found == {
        code: bad[code] for code in ("NO_EVIDENCE", "MISSING_ID", "SUPERSEDED", "UNREADABLE_ROW")
    }
    assert counts["quarantined"] == len(quarantine)
    flags = customer_run.table("enrolments")["dq_flags"].explode().value_counts()
    assert (flags["BAD_DOB"], flags["BAD_PHONE"]) == (bad["BAD_DOB"], bad["BAD_PHONE"])


def test_an_empty_column_of_a_large_table_stops_the_run(deduplicate, table) -> None:
    """Something broke upstream: nobody means to compare a column without any value."""
    rows = "".join(f"{n},First{n},Last{n},\n" for n in range(120))
    with pytest.raises(GateError, match=r"null:dob \(120 of 120\)"):
        deduplicate(**table(rows))


def test_exit_code_of_the_command(tmp_path: Path) -> None:
    command = [
        sys.executable,
        str(ROOT / "jobs" / "dedup.py"),
        "--set",
        "score.match_posteriors=.9",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=150)
    assert done.returncode == 2, done.stderr
    assert "match_posteriors" in done.stderr
    assert "Traceback" not in done.stderr
