"""The pass over the rows: what stays, what is set aside, and that nothing is lost."""

import datetime
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from pipelines.core.errors import GateError
from pipelines.core.lake import Lake
from pipelines.core.privacy import Tokeniser
from pipelines.core.quality import reconcile
from pipelines.dedup.captures import CaptureLimits
from pipelines.dedup.checks import QUARANTINED, REJECTED, CheckPlan
from pipelines.dedup.config import DedupConfig
from pipelines.dedup.gate import run_counts
from pipelines.dedup.generate import write_synthetic
from pipelines.dedup.intake import open_rows, row_task
from pipelines.dedup.mapping import Mapping
from pipelines.dedup.records import ID, STATUS, RecordStage, select_columns
from pipelines.dedup.row_groups import GroupReader
from pipelines.dedup.row_stage import RowTask, Staged, stage_rows
from pipelines.dedup.sources import open_source
from pipelines.dedup.synthetic.config import SyntheticConfig

START = datetime.datetime(2025, 1, 1)
MAPPING = Mapping.model_validate(
    {
        "id": "id",
        "time": "enrolled_at",
        "status": "status",
        "fields": {"name": {"column": "name", "comparator": "given_name"}},
        "keys": [{"exact": ["name"]}],
    }
)
PLAN = CheckPlan({"name": "given_name"}, ID, datetime.date(2026, 1, 1), status_column=STATUS)
TOKENS = Tokeniser(b"a key of these tests only 0123456789", 1)


def stage(spark: SparkSession, root: Path, rows: list[dict[str, Any]], partitions: int) -> Staged:
    kind = "id string, enrolled_at timestamp, status string, name string"
    frame = spark.createDataFrame([tuple(row.values()) for row in rows], kind)
    frame = select_columns(frame.withColumn("_source", F.lit("a")), MAPPING).repartition(partitions)
    task = RowTask(PLAN, RecordStage(MAPPING, MAPPING, TOKENS, CaptureLimits()))
    return stage_rows(frame, task, Lake(spark, str(root)), "run")


def row(
    key: str | None, minute: int | None, name: str | None, status: str = "ACTIVE"
) -> dict[str, Any]:
    moment = None if minute is None else START + datetime.timedelta(minutes=minute)
    return {"id": key, "enrolled_at": moment, "status": status, "name": name}


def test_parquet_read_by_tasks_is_parquet_read_by_spark(
    spark: SparkSession, tmp_path: Path
) -> None:
    """Captures, dates, moments and nulls included."""
    blocks = SyntheticConfig(part_records=60)
    made = write_synthetic(150, tmp_path / "made", workers=1, config=blocks)
    source = open_source(spark, str(made.enrolments), DedupConfig(), None, None)
    assert len(source.files) == 3
    task = row_task(source, DedupConfig(), TOKENS, datetime.date(2026, 1, 1))
    digests = []
    for number, one in enumerate((source, replace(source, files=()))):
        lake = Lake(spark, str(tmp_path / str(number)))
        rows, doing = open_rows(one, task)
        assert (doing.read is None) == (not one.files)
        assert stage_rows(rows, doing, lake, "run").records.num_rows == 150
        digests.append(lake.listing()[1])
    assert digests[0] == digests[1]


def test_spark_reads_what_needs_a_cast(spark: SparkSession, tmp_path: Path) -> None:
    for number in range(2):
        rows = pa.table({"id": [number], "name": ["asha"]})
        pq.write_table(rows, tmp_path / f"{number}.parquet")
    files = tuple(map(str, sorted(tmp_path.glob("*.parquet"))))
    plain = MAPPING.model_copy(update={"time": None, "status": None})
    assert GroupReader.of(files, plain, "here") is None
    assert GroupReader.of(files, MAPPING, "here") is None, "columns are missing"


@pytest.mark.parametrize("partitions", [1, 3])
def test_one_id_many_rows(spark: SparkSession, tmp_path: Path, partitions: int) -> None:
    rows = [
        row("a", 1, "asha"),
        row("a", 2, "asha"),
        row(" a", None, "asha "),
        row("b", 2, "new"),
        row("b", 1, "old"),
        row("b", None, "undated"),
        row("c", 2, "asha", "INACTIVE"),
        row("c", 1, "asha"),
        row(None, 1, "asha"),
        row(None, 1, "asha"),
    ]
    done = stage(spark, tmp_path, rows, partitions)
    nodes = {TOKENS.token(name): name for name in "abc"}
    kept = {
        nodes[t]: m
        for t, m in zip(
            *(done.records[c].to_pylist() for c in ("record_token", "enrolled_at")), strict=True
        )
    }
    assert {name: moment.minute for name, moment in kept.items()} == {"a": 2, "b": 2}
    found = [(nodes.get(one["record_token"]), one["reason"]) for one in done.others.to_pylist()]
    assert sorted(found, key=str) == [
        ("a", "DUPLICATE_ROW"),
        ("a", "DUPLICATE_ROW"),
        ("b", "SUPERSEDED"),
        ("b", "SUPERSEDED"),
        ("c", "DUPLICATE_ROW"),
        ("c", "INACTIVE"),
        (None, "MISSING_ID"),
        (None, "MISSING_ID"),
    ]
    table = Lake(spark, str(tmp_path))
    assert table.read("enrolments", table.version("enrolments")).count() == 2


def slow_reason(one: dict[str, Any], group: list[dict[str, Any]]) -> str | None:
    """Oracle of the reason of one row."""
    if not (one["id"] or "").strip():
        return "MISSING_ID"
    newest = max(group, key=lambda other: other["enrolled_at"])
    if one is not newest:
        return "DUPLICATE_ROW" if one["name"] == newest["name"] else "SUPERSEDED"
    if one["status"] != "ACTIVE":
        return "INACTIVE"
    return "NO_EVIDENCE" if one["name"] is None else None


def test_accounting_on_random_tables(spark: SparkSession, tmp_path: Path) -> None:
    chance = random.Random(5)
    rows = [
        row(
            chance.choice([None, "", *map(str, range(60))]),
            minute,
            chance.choice([None, "asha", "ravi"]),
            chance.choice(["ACTIVE", "ACTIVE", "ACTIVE", "DECEASED"]),
        )
        for minute in range(150)
    ]
    done = stage(spark, tmp_path, rows, 3)
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in rows:
        groups.setdefault(one["id"] or "", []).append(one)
    expected = {one["enrolled_at"]: slow_reason(one, groups[one["id"] or ""]) for one in rows}
    found = {m.replace(tzinfo=None): None for m in done.records["enrolled_at"].to_pylist()}
    found |= {o["enrolled_at"].replace(tzinfo=None): o["reason"] for o in done.others.to_pylist()}
    assert found == expected

    counts = run_counts(done.counts, dlq=2)
    reconcile(counts)
    assert counts["read"] == 152
    reasons = list(expected.values())
    assert counts["out"] == done.counts["ids"] == reasons.count(None)
    assert counts["duplicates"] == reasons.count("DUPLICATE_ROW")
    assert counts["quarantined"] == sum(reasons.count(code) for code in QUARANTINED)
    assert counts["rejected"] == sum(reasons.count(code) for code in REJECTED)
    with pytest.raises(GateError, match="do not add up"):
        reconcile({**counts, "out": counts["out"] - 1})
