"""Whole runs on a small generated population: train, score, watch, report, again, and a later day."""

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from pyspark.sql import functions as F

from pipelines.core.errors import ConfigError, ContractError, GateError
from pipelines.core.runlog import RunLog
from pipelines.credit.applications import join_features
from pipelines.credit.config import CreditConfig
from pipelines.credit.generate import AS_OF, write_population
from pipelines.credit.intake import Tally, pick_columns
from pipelines.credit.lake import (
    APPLICATIONS,
    DAYS,
    FEATURES,
    QUARANTINE,
    SCORECARDS,
    SCORES,
    CreditLake,
)
from pipelines.credit.pipeline import run
from pipelines.credit.request import Request
from pipelines.credit.scorecard import load_scorecard

pytestmark = pytest.mark.timeout(900)  # the shared fixture is a whole run

CONFIG = CreditConfig().model_copy(
    update={
        "fit": CreditConfig().fit.model_copy(update={"min_class_rows": 50, "folds": 3}),
        "max_reject_share": 0.1,  # a single small day is delivered again below
    }
)


def execute(spark, **request):
    log = RunLog("credit_score", "", AS_OF)
    return run(spark, CONFIG, Request(**request), log)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("credit")


@pytest.fixture(scope="module")
def done(spark, home):
    folder = write_population(1200, home / "population", CONFIG)
    given = {
        "input": str(folder),
        "lake": str(home / "lake"),
        "report": home / "report",
        "as_of": AS_OF,
    }
    return execute(spark, **given), folder


def test_every_application_is_accounted_for(done):
    counts, metrics = done[0].counts, done[0].metrics
    assert counts["in"] == counts["out"] + counts["rejected"] > 500
    assert metrics["scored"] + metrics["thin_file"] + counts["for_training"] == counts["out"]
    assert counts["for_training"] > 0
    assert counts["transactions_in"] == counts["transactions_out"] + counts["transactions_rejected"]
    assert counts["transactions_duplicates"] > 0


def test_it_finds_what_there_is_to_find(done):
    metrics = done[0].metrics
    assert metrics["auc"] > 0.6
    assert metrics["auc"] <= 1
    assert metrics["gini"] == pytest.approx(2 * metrics["auc"] - 1)
    assert 0 <= metrics["ece"] <= 0.2
    assert metrics["psi_max"] is not None
    assert metrics["challenger_gain_low"] < metrics["challenger_gain_high"]


def test_c21_the_scorecard_is_the_same_bytes_in_the_file_and_in_the_table(spark, home, done):
    stored = CreditLake(spark, str(home / "lake")).read(SCORECARDS).collect()
    files = sorted((home / "lake" / "scorecards").glob("*.json"))
    assert [row["json"] for row in stored] == [file.read_text("utf-8") for file in files]
    assert load_scorecard(files[0]).sha256 == stored[0]["sha256"]


def test_c20_the_planted_disparity_shows(done):
    assert done[0].metrics["four_fifths_min"] < 0.8


def test_scores_are_complete_and_no_number_is_nan(spark, home, done):
    scores = CreditLake(spark, str(home / "lake")).read(SCORES)
    thin = F.col("risk_category") == "THIN_FILE"
    assert scores.where(thin & F.col("score").isNotNull()).count() == 0
    assert scores.where(thin & (F.col("thin_file_reason") == "NONE")).count() == 0
    assert scores.where(~thin & ~F.col("score").between(300, 900)).count() == 0
    assert scores.where(F.isnan("pd")).count() == 0
    assert scores.count() == scores.select("application_id").distinct().count()
    lost = F.aggregate("reasons.shortfall", F.lit(0), lambda a, b: a + b)
    wrong = F.col("raw_score") != F.col("max_points") - lost - F.col("other_shortfall")
    assert scores.where(~thin & wrong).count() == 0


def test_v2_k1_two_applications_share_one_row_of_features(spark, home, done):
    lake = CreditLake(spark, str(home / "lake"))
    twice = lake.read(SCORES).groupBy("customer_id").count().where("count > 1")
    assert twice.count() > 0
    rows = lake.read(FEATURES).groupBy("customer_id", "as_of_date").count()
    assert rows.where("count > 1").count() == 0


def test_c24_protected_attributes_are_in_no_table_and_no_scorecard(spark, home, done):
    lake = CreditLake(spark, str(home / "lake"))
    for table in (FEATURES, SCORES, DAYS):
        assert not {"gender", "religion", "caste_category", "state", "age_band"} & set(
            lake.read(table).columns
        )
    text = next((home / "lake" / "scorecards").glob("*.json")).read_text()
    assert not re.search(r"gender|religion|caste|state\b|age_band", text)


def test_c25_the_report_stands_alone_and_names_nobody(home, done):
    html = (home / "report" / "report.html").read_text()
    manifest = json.loads((home / "report" / "run.json").read_text())
    assert manifest["counts"]["in"] == done[0].counts["in"]
    assert "default-src 'none'" in html
    assert not re.search(r"""(src|href)=["']?https?://""", html.partition("<script>")[0])
    assert not re.search(r"t0_[A-Z2-7]{26}|A-\d+-\d|T-\d+-\d", html + json.dumps(manifest))
    for part in ("Fairness", "Drift", "Scorecard", "Challenger", "Reject inference", "Model card"):
        assert part in html
    assert f"{done[0].counts['in']:,}" in html
    spent = manifest["seconds"].values()
    assert 0 < sum(spent) < 86_400, "K8: durations of a monotonic clock, no moments since 1970"


def test_quarantined_rows_equal_the_rejected_ones(spark, home, done):
    rows = CreditLake(spark, str(home / "lake")).read(QUARANTINE)
    counts = done[0].counts
    assert (
        rows.count()
        == counts["transactions_rejected"] + counts["rejected"] + counts["tradelines_rejected"]
    )
    assert {"AMOUNT_OUT_OF_RANGE", "DUPLICATE_CONFLICT"} <= {
        r["reason"] for r in rows.select("reason").distinct().collect()
    }


def test_c1_c13_a_changed_day_and_a_past_day(spark, home, done):
    """A day is delivered again with late rows: only it is replaced; the old scores come out again."""
    first, folder = done
    lake = CreditLake(spark, str(home / "lake"))
    before = {name: lake.published(name) for name in (DAYS, FEATURES, SCORES)}
    day = AS_OF - timedelta(days=20)
    raw = spark.read.parquet(str(folder / "transactions"))
    late = raw.where(F.col("transaction_date") == F.lit(day)).withColumn(
        "transaction_id", F.concat("transaction_id", F.lit("-late"))
    )
    second = home / "second"
    raw.unionByName(late.withColumn("transaction_amount_paise", F.lit(77).cast("long"))).where(
        F.col("transaction_date").between(F.lit(day - timedelta(days=1)), F.lit(day))
    ).write.parquet(str(second / "transactions"))
    for name, as_ingested in (
        ("applications", "applications_v1"),
        ("tradelines", "ref_tradelines_v1"),
        ("outcomes", "outcomes"),
    ):
        (second / as_ingested).symlink_to(folder / name)
    again = execute(spark, command="score", input=str(second), lake=str(home / "lake"), as_of=AS_OF)
    assert (again.counts["days_changed"], again.counts["days_unchanged"]) == (1, 1)
    fresh = CreditLake(spark, str(home / "lake"))
    old, new = fresh.read(DAYS, before[DAYS]), fresh.read(DAYS)
    other = F.col("transaction_date") != F.lit(day)
    kept = [c for c in old.columns if c != "run_id"]
    assert old.where(other).select(kept).exceptAll(new.where(other).select(kept)).count() == 0
    added = (
        new.agg(F.sum("txn_count")).collect()[0][0] - old.agg(F.sum("txn_count")).collect()[0][0]
    )
    assert (
        added == late.where("transaction_amount_paise BETWEEN 1 AND 1000000000000").count()
        or added > 0
    )
    checked = execute(
        spark, command="backtest", input=str(folder), lake=str(home / "lake"), as_of=AS_OF
    )
    assert (checked.metrics["scores_differing"], checked.metrics["features_differing"]) == (0, 0)
    assert checked.metrics["scores_compared"] == first.counts["out"] - first.counts["for_training"]


@pytest.fixture(scope="module")
def finished(spark, home, done):
    """What a bank's own feature table would hold: the finished features of the business day."""
    lake, day = CreditLake(spark, str(home / "lake")), F.col("as_of_date") == F.lit(AS_OF)
    applications, features = (lake.read(name).where(day) for name in (APPLICATIONS, FEATURES))
    return join_features(applications.drop("run_id", "as_of_date"), features)


def score_finished(spark, home, rows, name, kind="parquet"):
    """Score a table of finished features into a lake of its own."""
    rows.write.format(kind).save(str(home / name))
    card = next((home / "lake" / "scorecards").glob("*.json"))
    given = {
        "input": f"features:{home / name}",
        "lake": str(home / f"{name}-lake"),
        "scorecard": card,
    }
    summary = execute(spark, command="score", as_of=AS_OF, report=home / f"{name}-report", **given)
    return summary, CreditLake(spark, given["lake"])


@pytest.mark.parametrize("kind", ["delta", "avro"])
def test_finished_features_score_as_the_day_did(spark, home, done, finished, kind):
    """Delta is scored by the tasks that read it, Avro by the expressions."""
    summary, lake = score_finished(spark, home, finished, f"finished-{kind}", kind)
    stored = CreditLake(spark, str(home / "lake")).read(SCORES)
    names = [name for name in stored.columns if name != "run_id"]
    one, other = stored.select(names), lake.read(SCORES).select(names)
    assert one.exceptAll(other).count() == other.exceptAll(one).count() == 0
    assert summary.counts["in"] == summary.counts["out"] == one.count()
    assert summary.metrics["thin_file"] == done[0].metrics["thin_file"] > 0


def test_finished_features_with_faults_are_set_aside_by_name(spark, home, done, finished):
    best = finished.where("thin_file_reason = 'NONE'").orderBy("application_id").limit(4).persist()
    ids = [row[0] for row in best.select("application_id").collect()]
    faults = {
        "customer_id": ("1234 5678 9012", "IDENTITY_NUMBER"),
        "application_id": (" ", "MISSING_KEY"),
        "thin_file_reason": ("YOUNG", "UNKNOWN_SYMBOL thin_file_reason"),
    }
    changed = {
        name: F.when(F.col("application_id") == place, value).otherwise(F.col(name))
        for place, (name, (value, _)) in zip(ids, faults.items(), strict=False)
    }
    summary, lake = score_finished(spark, home, best.withColumns(changed), "faults")
    assert (summary.counts["in"], summary.counts["out"], summary.counts["rejected"]) == (4, 1, 3)
    aside = {row["reason"]: row["record_token"] for row in lake.read(QUARANTINE).collect()}
    assert aside.keys() == {code for _, code in faults.values()}
    assert aside["IDENTITY_NUMBER"] is None


def test_finished_features_that_cannot_be_trusted_stop_the_run(spark, home, done, finished):
    few = finished.orderBy("application_id").limit(3)
    with pytest.raises(GateError, match="occurs twice"):
        score_finished(spark, home, few.unionByName(few), "twice")
    with pytest.raises(ContractError, match="the column thin_file_reason is missing"):
        score_finished(spark, home, few.drop("thin_file_reason"), "short")
    with pytest.raises(ConfigError, match="for `score`"):
        execute(spark, command="train", input=f"features:{home / 'twice'}", as_of=AS_OF)
    with pytest.raises(ConfigError, match="no such folder"):
        execute(spark, command="score", input="features:nowhere", as_of=AS_OF)


def test_days_with_known_content_are_not_aggregated_again(spark, home, done):
    lake = CreditLake(spark, str(home / "lake"))
    before, given = (
        lake.published(DAYS),
        {"input": str(home / "second"), "lake": str(home / "lake")},
    )
    again = execute(spark, command="score", as_of=AS_OF, **given)
    assert (again.counts["days_changed"], again.counts["days_unchanged"]) == (0, 2)
    assert CreditLake(spark, str(home / "lake")).published(DAYS) == before


def test_a_dry_run_writes_nothing(spark, home, done):
    summary = execute(
        spark,
        command="score",
        input=str(done[1]),
        lake=str(home / "none"),
        as_of=AS_OF,
        dry_run=True,
    )
    assert summary.status == "dry_run"
    assert not (home / "none").exists()


def test_bad_usage_is_named(spark, home, done):
    with pytest.raises(ConfigError, match="--as-of"):
        execute(spark, command="score", input=str(done[1]), lake=str(home / "x"))
    with pytest.raises(ConfigError, match="no folder applications"):
        execute(spark, command="score", input=str(home / "lake"), as_of=AS_OF)
    with pytest.raises(ConfigError, match="synthetic:N"):
        execute(spark, input="synthetic:many")


def test_a_missing_column_is_named_with_its_table(spark):
    frame = spark.createDataFrame([("a",)], "application_id string")
    with pytest.raises(ContractError, match="applications: the column customer_id is missing"):
        pick_columns(
            frame, "credit.LoanApplication", ("application_id", "customer_id"), "applications"
        )
    with pytest.raises(ContractError, match=r"applications\.tenure_months"):
        pick_columns(
            spark.createDataFrame([("x",)], "tenure_months string"),
            "credit.LoanApplication",
            ("tenure_months",),
            "applications",
        )


def test_c23_a_lost_row_stops_the_run():
    tally = Tally("transactions", 100, 0, 100)
    tally.require(0.01)
    with pytest.raises(GateError, match="99 out"):
        replace(tally, out=99).require(0.01)
    with pytest.raises(GateError, match="AMOUNT 5"):
        Tally("transactions", 100, 0, 95, {"AMOUNT": 5}).require(0.01)
