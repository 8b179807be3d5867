"""Whole tables scored by the tasks that read them: equal to the expressions, and to nothing else."""

from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F

from pipelines.core.delta_tables import Place
from pipelines.core.lake_read import read_version
from pipelines.credit.bulk import find_points, score_stored
from pipelines.credit.expressions import INVALID, finish_scores, invalid_expression, score_frame
from pipelines.credit.generate import AS_OF
from pipelines.credit.stored_features import StoredFeatures
from tests.unit.credit.example_card import example_card
from tests.unit.credit.random_card import random_card, random_column

ID = "customer_id"


def random_table(seed, rows=400):
    """A card, and values of which some have no bin."""
    rng = Random(seed)
    card = random_card(rng)
    columns = {one.name: random_column(rng, one, rows) for one in card.features}
    return card, pa.table({ID: [f"c{n}" for n in range(rows)], **columns})


def write_table(table, folder):
    """Two files of small row groups, and what no reader may take for rows."""
    folder.mkdir()
    half = table.num_rows // 2
    pq.write_table(table.slice(0, half), folder / "part-0.parquet", row_group_size=70)
    pq.write_table(table.slice(half), folder / "part-1.parquet", row_group_size=1000)
    (folder / "_SUCCESS").touch()
    pq.write_table(table, folder / ".part-2.parquet")
    return folder


def open_stored(folder, card, keep=(ID,), as_of=None):
    return StoredFeatures.open(Place(str(folder)), card, keep, as_of)


@pytest.mark.parametrize("seed", range(4))
def test_random_cards_and_hostile_files_give_what_the_expressions_give(spark, tmp_path, seed):
    card, table = random_table(seed)
    folder = write_table(table, tmp_path / "t")
    stored = open_stored(folder, card)
    assert stored.rows == table.num_rows
    found = find_points(spark, stored, card, [ID])
    rows = spark.read.parquet(str(folder)).withColumn(INVALID, F.expr(invalid_expression(card)))
    assert sorted(found.select(ID, INVALID).collect()) == sorted(rows.select(ID, INVALID).collect())
    good = f"{INVALID} IS NULL"
    names = [one.name for one in card.features]
    wanted = score_frame(rows.where(good).select(ID, *names), card).drop(*names)
    scored = finish_scores(found.where(good), card, [ID], with_reasons=True)
    assert scored.schema.simpleString() == wanted.schema.simpleString()
    assert sorted(scored.collect()) == sorted(wanted.collect())


@pytest.fixture
def plain(tmp_path):
    """The example card, and rows that all have a score."""
    rng = Random(1)
    table = pa.table(
        {
            ID: [f"c{n}" for n in range(300)],
            "utilization": [rng.uniform(-1, 2) for _ in range(300)],
            "missed": [rng.randrange(6) for _ in range(300)],
            "employment": [rng.choice(["SALARIED", "SELF_EMPLOYED", "OTHER"]) for _ in range(300)],
        }
    )
    return example_card(), table, write_table(table, tmp_path / "t")


@pytest.mark.parametrize("with_reasons", [True, False])
def test_a_table_without_faults_scores_as_the_expressions_do(spark, plain, with_reasons):
    card, table, folder = plain
    scored = score_stored(spark, open_stored(folder, card), card, [ID], with_reasons)
    names = [one.name for one in card.features]
    wanted = score_frame(spark.read.parquet(str(folder)), card, with_reasons).drop(*names)
    assert scored.columns == wanted.columns
    assert sorted(scored.collect()) == sorted(wanted.collect())
    assert scored.count() == table.num_rows


def test_a_value_without_a_bin_stops_with_its_code_and_feature(spark, plain, tmp_path):
    card, table, _ = plain
    words = ["SALARIED"] * 299 + ["PILOT"]
    folder = write_table(table.set_column(3, "employment", pa.array(words)), tmp_path / "bad")
    with pytest.raises(Exception, match="UNSEEN_CATEGORY employment: 'PILOT'"):
        score_stored(spark, open_stored(folder, card), card).collect()


def test_delta_gives_the_rows_of_its_newest_version_only(spark, plain, tmp_path):
    card, _, folder = plain
    path = str(tmp_path / "delta")
    rows = spark.read.parquet(str(folder))
    rows.write.format("delta").save(path)
    rows.where("missed < 3").write.format("delta").mode("overwrite").save(path)
    stored = open_stored(path, card)
    found = {row[ID] for row in score_stored(spark, stored, card, [ID]).collect()}
    assert found == {row[ID] for row in rows.where("missed < 3").collect()}
    assert stored.rows == len(found)
    versions = [read_version(spark, Place(path), number).count() for number in (0, 1)]
    assert versions == [rows.count(), len(found)]


def test_a_table_by_day_gives_the_rows_of_the_day(spark, plain, tmp_path):
    card, _, folder = plain
    rows = spark.read.parquet(str(folder)).withColumn(
        "as_of_date",
        F.when(F.col("missed") < 2, F.lit(AS_OF)).otherwise(F.date_sub(F.lit(AS_OF), 1)),
    )
    for kind in ("delta", "parquet"):
        path = str(tmp_path / kind)
        rows.write.format(kind).partitionBy("as_of_date").save(path)
        found = score_stored(spark, open_stored(path, card, as_of=AS_OF), card, [ID]).collect()
        assert {row[ID] for row in found} == {r[ID] for r in rows.where("missed < 2").collect()}
    path = str(tmp_path / "delta")
    by_delta = spark.read.format("delta").load(path)
    by_files = read_version(spark, Place(path), 0)
    assert by_files.schema == by_delta.schema
    assert sorted(by_files.collect()) == sorted(by_delta.collect()) != []


def test_what_only_spark_can_read_is_left_to_it(spark, plain, tmp_path):
    card, _, folder = plain
    deleted = str(tmp_path / "deleted")
    rows = spark.read.parquet(str(folder)).coalesce(1)
    rows.write.format("delta").option("delta.enableDeletionVectors", "true").save(deleted)
    spark.sql(f"DELETE FROM delta.`{deleted}` WHERE missed = 3")  # noqa: S608
    assert open_stored(deleted, card) is None
    left = read_version(spark, Place(deleted), 1)
    assert left.count() == rows.where("missed != 3").count() < rows.count()


def test_columns_that_need_a_cast_or_are_not_there_are_left_to_spark(plain, tmp_path):
    card, table, _ = plain
    count = table.num_rows
    odd = {
        "missed": table["missed"].cast(pa.decimal128(21, 2)),
        "utilization": pa.repeat(pa.scalar(True), count),
        "employment": pa.repeat(pa.scalar(1, pa.int32()), count),
    }
    for name, column in odd.items():
        changed = table.set_column(table.column_names.index(name), name, column)
        assert open_stored(write_table(changed, tmp_path / name), card) is None, name
    short = write_table(table.drop_columns(["missed"]), tmp_path / "short")
    assert open_stored(short, card) is None
    by_word = tmp_path / "word"
    pq.write_to_dataset(table, by_word, partition_cols=["employment"])
    assert open_stored(by_word, card) is None
    dated = table.append_column("as_of_date", pa.repeat(pa.scalar(AS_OF), count))
    dated = write_table(dated, tmp_path / "dated")
    assert open_stored(dated, card, as_of=AS_OF) is None
    assert open_stored(dated, card) is not None
