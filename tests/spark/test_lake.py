"""Delta tables: published versions, idempotence, killed runs, digests."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from pipelines.core.delta_files import table_schema
from pipelines.core.errors import ConfigError, GateError
from pipelines.core.lake import Lake
from pipelines.core.lake_arrow import exchange_rows, merge_driver_rows, publish_run, write_rows
from pipelines.core.lake_format import Written
from pipelines.core.summary import RunSummary


@pytest.fixture
def root(tmp_path: Path) -> str:
    return str(tmp_path / "lake")


def people(spark: SparkSession, rows: Sequence[tuple[Any, ...]], run: str = "r1") -> DataFrame:
    frame = spark.createDataFrame(list(rows), "id string, name string, tags map<string, int>")
    return frame.withColumn("run_id", F.lit(run))


TABLE = (
    T.StructType()
    .add("id", T.StringType())
    .add("name", T.StringType())
    .add("tags", T.MapType(T.StringType(), T.IntegerType()))
    .add("run_id", T.StringType())
)


def table(rows: Sequence[tuple[Any, ...]], run: str = "r1") -> pa.Table:
    columns = zip(*((*row, run) for row in rows), strict=True)
    schema = table_schema(TABLE)
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema)


def publish(lake: Lake, run: str = "r1") -> dict[str, Any]:
    summary = RunSummary("tests", run, date(2026, 1, 1))
    publish_run(lake, summary)
    return summary.tables


def names(frame: DataFrame) -> list[str]:
    return sorted(str(row["name"]) for row in frame.select("name").collect())


A, B, C = ("1", "asha", {"x": 1, "y": 2}), ("2", "ravi", {}), ("3", None, None)


def test_nothing_is_read_before_it_is_published(spark: SparkSession, root: str) -> None:
    lake = Lake(spark, root)
    assert not lake.exists("people")
    with pytest.raises(ConfigError, match="no table people"):
        lake.version("people")
    lake.write("people", people(spark, [A]))
    assert lake.exists("people")
    assert lake.published("people") is None
    with pytest.raises(ConfigError, match="no run has published people"):
        lake.read("people")
    publish(lake)
    assert names(Lake(spark, root).read("people")) == ["asha"]


def test_counts_that_do_not_add_up_publish_nothing(spark: SparkSession, root: str) -> None:
    lake = Lake(spark, root)
    lake.write("people", people(spark, [A]))
    summary = RunSummary("tests", "r1", date(2026, 1, 1), counts={"in": 2, "out": 1})
    with pytest.raises(GateError, match="do not add up: in 2, out 1"):
        publish_run(lake, summary)
    assert lake.published("people") is None


def test_publishing_what_has_not_changed_adds_no_row(spark: SparkSession, root: str) -> None:
    lake = Lake(spark, root)
    written = lake.write("people", people(spark, [A]))
    told = {"people": {"version": written.version, "digest": str(written.digest)}}
    assert publish(lake, "r1") == told
    again = Lake(spark, root)
    again.write("people", people(spark, [A], run="r2"))
    assert publish(again, "r2") == told
    assert spark.read.format("delta").load(again.path("runs")).count() == 1


def test_same_content_publishes_no_new_version(spark: SparkSession, root: str) -> None:
    lake = Lake(spark, root)
    first = lake.write("people", people(spark, [A, B, C]))
    publish(lake)
    again = Lake(spark, root)
    shuffled = people(spark, [C, B, A], run="r2").repartition(7)
    second = again.write("people", shuffled)
    assert second == Written(first.version, first.digest, is_new=False)
    assert again.version("people") == first.version
    third = again.write("people", people(spark, [A, B]))
    assert third.is_new
    assert third.version == first.version + 1


def test_killed_between_tables_keeps_the_old_version(spark: SparkSession, root: str) -> None:
    lake = Lake(spark, root)
    lake.write("people", people(spark, [A]))
    lake.write("places", people(spark, [B]))
    publish(lake)

    broken = people(spark, [C]).withColumn("name", F.expr("raise_error('killed')").cast("string"))
    killed = Lake(spark, root)
    killed.write("people", people(spark, [A, B]))
    with pytest.raises(Exception, match="killed"):
        killed.write("places", broken)

    after = Lake(spark, root)
    assert after.version("people") > after.published("people")  # staged, not published
    assert names(after.read("people")) == ["asha"]
    assert names(after.read("places")) == ["ravi"]


def test_rerun_after_a_kill_equals_a_clean_run(spark: SparkSession, tmp_path: Path) -> None:
    def first_run(lake: Lake) -> Lake:
        write_rows(lake, "people", table([A, B]), TABLE)
        publish(lake)
        return Lake(spark, lake.root)

    def merge(lake: Lake, rows: Sequence[tuple[Any, ...]]) -> Written:
        return merge_driver_rows(lake, "people", table(rows), TABLE, ["id"])

    killed = first_run(Lake(spark, str(tmp_path / "killed")))
    merge(killed, [("9", "stray", {}), ("1", "wrong", {})])

    clean = first_run(Lake(spark, str(tmp_path / "clean")))
    results = []
    for lake in (Lake(spark, killed.root), clean):
        results.append(merge(lake, [C, ("2", "ravi k", {})]))
        publish(lake, "r2")
        assert names(lake.read("people")) == ["None", "asha", "ravi k"]
    assert results[0].digest == results[1].digest


def test_append_drops_what_was_never_published(spark: SparkSession, root: str) -> None:
    Lake(spark, root).write("people", people(spark, [A]), "append")
    lake = Lake(spark, root)
    lake.write("people", people(spark, [B]), "append")
    last = lake.write("people", people(spark, [C]), "append")
    publish(lake)
    assert names(lake.read("people")) == ["None", "ravi"]
    assert last.digest == lake.digest(people(spark, [B, C]))


def test_merge_touches_changed_rows_only(spark: SparkSession, root: str) -> None:
    def merge(rows: Sequence[tuple[Any, ...]], run: str) -> Written:
        return merge_driver_rows(lake, "people", table(rows, run), TABLE, ["id"])

    lake = Lake(spark, root)
    merge([A, B], "r1")
    same = merge([A], "r2")
    assert same.version == lake.version("people") == 0
    done = merge([A, ("2", "new", None), C], "r2")
    found = lake.read("people", done.version)
    runs = {row["id"]: row["run_id"] for row in found.collect()}
    assert runs == {"1": "r1", "2": "r2", "3": "r2"}
    other = Lake(spark, f"{root}-other")
    whole = write_rows(other, "people", table([A, ("2", "new", None), C]), TABLE)
    assert done.digest == whole.digest


def test_old_versions_and_changes_stay_readable(spark: SparkSession, root: str) -> None:
    lake = Lake(spark, root)
    for rows in ([A], [A, B], [C]):
        last = lake.write("people", people(spark, rows))
    assert names(lake.read("people", 1)) == ["asha", "ravi"]
    assert last.version == lake.version("people") == 2
    changes = spark.read.format("delta").option("readChangeFeed", "true")
    feed = changes.option("startingVersion", 2).load(lake.path("people"))
    assert {row["_change_type"] for row in feed.collect()} == {"insert", "delete"}


def test_newest_run_wins_whatever_the_row_order(spark: SparkSession, root: str) -> None:
    lake = Lake(spark, root)
    for run, rows in (("z", [A]), ("a", [B])):
        lake.write("people", people(spark, rows))
        publish(lake, run)
    assert lake.published("people") == 1
    lake.write("places", people(spark, [C]))
    publish(lake, "m")  # people is listed again although this run did not write it
    assert lake.read("runs").where("run_id = 'm'").first()["table_versions"]["people"] == 1


def test_digest_sees_content_only(spark: SparkSession, root: str) -> None:
    lake = Lake(spark, root)
    base = lake.digest(people(spark, [A, B, C]))
    assert base == lake.digest(people(spark, [B, C, A], run="other").repartition(5))
    reordered = people(spark, [("1", "asha", {"y": 2, "x": 1}), B, C])
    assert base == lake.digest(reordered.select("tags", "run_id", "name", "id"))
    for other in ([A, B], [A, B, C, C], [A, B, (None, "3", None)], [A, B, ("3", "", None)]):
        assert lake.digest(people(spark, other)) != base
    assert lake.digest(people(spark, [])) == 0


def test_digest_tells_nulls_and_columns_apart(spark: SparkSession, root: str) -> None:
    lake = Lake(spark, root)
    columns = "p string, q string, r array<string>, s array<string>"
    left = spark.createDataFrame([(None, "a", ["x"], ["y"])], columns)
    right = spark.createDataFrame([("a", None, ["x", "y"], [])], columns)
    naive = F.xxhash64("p", "q", "r", "s")
    assert left.select(naive).first() == right.select(naive).first()  # the trap
    assert lake.digest(left) != lake.digest(right)


def test_tables_have_few_files(spark: SparkSession, root: str) -> None:
    lake = Lake(spark, root, files=2)
    lake.write("people", people(spark, [A, B, C] * 20).repartition(12))
    assert len(list(Path(lake.path("people")).glob("*.parquet"))) <= 2


PEOPLE = T.StructType().add("id", T.StringType()).add("name", T.StringType())


def plain(rows: Sequence[tuple[str, str]]) -> pa.Table:
    return pa.table({name: [row[i] for row in rows] for i, name in enumerate(PEOPLE.names)})


@pytest.mark.parametrize(
    ("gone", "new", "is_new"),
    [
        ([False] * 3, [("4", "mira")], True),
        ([True, False, True], [("1", "usha"), ("4", "mira")], True),
        ([True] * 3, [], True),
        ([False, True, False], [("2", "ravi")], False),
    ],
    ids=["only added", "exchanged", "emptied", "the same again"],
)
def test_an_exchange_leaves_what_writing_all_would(
    spark: SparkSession, root: str, tmp_path: Path, gone: list[bool], new: Any, is_new: bool
) -> None:
    old = [("1", "asha"), ("2", "ravi"), ("3", "lata")]
    lake = Lake(spark, root)
    write_rows(lake, "people", plain(old), PEOPLE)
    publish(lake)
    killed = Lake(spark, root)
    write_rows(killed, "people", plain([("9", "never published")]), PEOPLE, "append")
    lake = Lake(spark, root)
    written = exchange_rows(lake, "people", lake.arrow("people"), gone, plain(new), PEOPLE)
    assert written.is_new == is_new
    left = [row for row, is_gone in zip(old, gone, strict=True) if not is_gone] + list(new)
    other = Lake(spark, str(tmp_path / "other"))
    assert written.digest == write_rows(other, "people", plain(left), PEOPLE).digest
    publish(lake, "r2")
    assert sorted(map(tuple, Lake(spark, root).read("people").collect())) == sorted(left)
