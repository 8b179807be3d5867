"""Finished features, as a bank has them in a table of its own, scored by the job."""

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F

from pipelines.core.errors import ConfigError, ContractError, GateError
from pipelines.credit.applications import join_features
from pipelines.credit.generate import AS_OF
from pipelines.credit.lake import APPLICATIONS, FEATURES, QUARANTINE, SCORES, CreditLake
from tests.spark.credit.world import execute, plain_rows, published

pytestmark = pytest.mark.timeout(900)  # the shared fixture is a whole run


@pytest.fixture(scope="module")
def finished(spark, home, done):
    """What a bank's own feature table would hold: the finished features of the business day."""
    lake, day = CreditLake(spark, str(home / "lake")), F.col("as_of_date") == F.lit(AS_OF)
    applications, features = (lake.read(name).where(day) for name in (APPLICATIONS, FEATURES))
    joined = join_features(applications.drop("run_id", "as_of_date"), features).toArrow()
    return joined.sort_by("application_id")


def write_finished(spark, table, folder, kind):
    """Write rows as Parquet, or as what only Spark writes."""
    if kind == "parquet":
        folder.mkdir()
        pq.write_table(table, folder / "part-0.parquet")
    else:
        spark.createDataFrame(table).write.format(kind).save(str(folder))


def score_finished(spark, home, table, name, kind="parquet"):
    """Score a table of finished features into a lake of its own."""
    write_finished(spark, table, home / name, kind)
    card = next((home / "lake" / "scorecards").glob("*.json"))
    given = {
        "input": f"features:{home / name}",
        "lake": str(home / f"{name}-lake"),
        "scorecard": card,
    }
    summary = execute(spark, command="score", as_of=AS_OF, report=home / f"{name}-report", **given)
    return summary, home / f"{name}-lake"


@pytest.mark.parametrize("kind", ["delta", "avro"])
def test_finished_features_score_as_the_day_did(spark, home, done, finished, kind):
    """Delta is scored by the tasks that read it, Avro by the expressions."""
    summary, lake = score_finished(spark, home, finished, f"finished-{kind}", kind)
    one, other = (published(spark, place, SCORES) for place in (home / "lake", lake))
    assert one.num_rows > 0
    assert plain_rows(one) == plain_rows(other)
    assert summary.counts["in"] == summary.counts["out"] == one.num_rows
    assert summary.metrics["thin_file"] == done[0].metrics["thin_file"] > 0


def test_finished_features_with_faults_are_set_aside_by_name(spark, home, done, finished):
    best = finished.filter(pc.field("thin_file_reason") == "NONE").slice(0, 4)
    faults = {
        "customer_id": ("1234 5678 9012", "IDENTITY_NUMBER"),
        "application_id": (" ", "MISSING_KEY"),
        "thin_file_reason": ("YOUNG", "UNKNOWN_SYMBOL thin_file_reason"),
    }
    for place, (name, (value, _)) in enumerate(faults.items()):
        values = best[name].to_pylist()
        values[place] = value
        best = best.set_column(best.column_names.index(name), name, pa.array(values))
    summary, lake = score_finished(spark, home, best, "faults")
    assert (summary.counts["in"], summary.counts["out"], summary.counts["rejected"]) == (4, 1, 3)
    aside = {
        row["reason"]: row["record_token"] for row in published(spark, lake, QUARANTINE).to_pylist()
    }
    assert aside.keys() == {code for _, code in faults.values()}
    assert aside["IDENTITY_NUMBER"] is None


def test_finished_features_that_cannot_be_trusted_stop_the_run(spark, home, done, finished):
    few = finished.slice(0, 3)
    with pytest.raises(GateError, match="occurs twice"):
        score_finished(spark, home, pa.concat_tables([few, few]), "twice")
    with pytest.raises(ContractError, match="the column thin_file_reason is missing"):
        score_finished(spark, home, few.drop_columns(["thin_file_reason"]), "short")
    with pytest.raises(ConfigError, match="for `score`"):
        execute(spark, command="train", input=f"features:{home / 'twice'}", as_of=AS_OF)
    with pytest.raises(ConfigError, match="no such folder"):
        execute(spark, command="score", input="features:nowhere", as_of=AS_OF)
