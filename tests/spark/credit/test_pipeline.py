"""Whole runs on a small generated population: train, score, watch, report."""

import json
import re
from dataclasses import replace

import pytest

from pipelines.core.errors import ConfigError, ContractError, GateError
from pipelines.credit import applications
from pipelines.credit.applications import applicants_on
from pipelines.credit.generate import AS_OF
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
from pipelines.credit.scorecard import load_scorecard
from tests.spark.credit.world import execute, published

pytestmark = pytest.mark.timeout(900)  # the shared fixture is a whole run


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
    rows = published(spark, home / "lake", SCORES).to_pylist()
    thin = [row for row in rows if row["risk_category"] == "THIN_FILE"]
    scored = [row for row in rows if row["risk_category"] != "THIN_FILE"]
    assert thin
    assert scored
    assert all(row["score"] is None and row["thin_file_reason"] != "NONE" for row in thin)
    assert all(300 <= row["score"] <= 900 for row in scored)
    assert all(0 < row["pd"] < 1 for row in scored)
    assert len(rows) == len({row["application_id"] for row in rows})
    for row in scored:
        lost = sum(reason["shortfall"] for reason in row["reasons"])
        assert row["raw_score"] == row["max_points"] - lost - row["other_shortfall"]


def test_v2_k1_two_applications_share_one_row_of_features(spark, home, done):
    scores, features = (published(spark, home / "lake", name) for name in (SCORES, FEATURES))
    customers = scores["customer_id"].to_pylist()
    assert len(set(customers)) < len(customers)
    keys = list(zip(*(features[n].to_pylist() for n in ("customer_id", "as_of_date")), strict=True))
    assert len(set(keys)) == len(keys)


def test_few_applicants_on_the_driver_are_those_that_spark_finds(spark, home, done, monkeypatch):
    lake = CreditLake(spark, str(home / "lake"))
    version = lake.published(APPLICATIONS)
    few, count = applicants_on(lake, AS_OF, version)
    monkeypatch.setattr(applications, "_FEW", 0)
    many, same = applicants_on(lake, AS_OF, version)
    assert count == same == few.count() > 0
    assert few.schema.simpleString() == many.schema.simpleString()
    assert set(few.collect()) == set(many.collect())


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
    rows, counts = published(spark, home / "lake", QUARANTINE), done[0].counts
    rejected = counts["transactions_rejected"] + counts["rejected"] + counts["tradelines_rejected"]
    assert rows.num_rows == rejected
    assert {"AMOUNT_OUT_OF_RANGE", "DUPLICATE_CONFLICT"} <= set(rows["reason"].to_pylist())


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
