"""The dedup job end to end: FEBRL, and a table that only a YAML file describes."""

import json
from collections import Counter

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from pipelines.core.privacy import key_from_env
from pipelines.dedup.config import DedupConfig
from pipelines.dedup.evaluate import evaluate
from pipelines.dedup.evaluation_input import label_run, read_run
from pipelines.dedup.sources import open_source

FEBRL = {
    "febrl1": (1_000, 500, 500, 2),
    "febrl2": (5_000, 1_934, 4_000, 6),
    "febrl3": (5_000, 6_538, 2_000, 6),
    "febrl4": (10_000, 5_000, 5_000, 2),
}


@pytest.mark.parametrize("name", FEBRL)
def test_febrl_counts(spark: SparkSession, name: str) -> None:
    source = open_source(spark, name, DedupConfig(), None, None)
    records, pairs, entities, largest = FEBRL[name]
    sizes = Counter(source.truth["entity"])
    assert source.frame.count() == len(source.truth) == records
    assert source.truth["id"].is_unique
    assert sum(size * (size - 1) // 2 for size in sizes.values()) == pairs
    assert (len(sizes), max(sizes.values())) == (entities, largest)
    assert "soc_sec_id" not in source.mapping.fields
    if name == "febrl3":
        assert Counter(sizes.values())[1] == 835


def test_soc_sec_id_only_when_asked_for(spark: SparkSession) -> None:
    source = open_source(spark, "febrl1", DedupConfig(use_soc_sec_id=True), None, None)
    assert "soc_sec_id" in source.mapping.fields
    assert ("soc_sec_id",) in {key.exact for key in source.mapping.keys}


def test_febrl1_is_solved(febrl1) -> None:
    metrics = febrl1.summary.metrics
    assert (metrics["f1"], metrics["precision"], metrics["recall"]) == (1.0, 1.0, 1.0)
    assert (metrics["clusters"], metrics["duplicates_found"]) == (500, 500)
    assert len(febrl1.clusters()) == 500


def test_counts_reconcile_with_the_tables(febrl1) -> None:
    counts = febrl1.summary.counts
    assert counts["in"] == counts["out"] == len(febrl1.table("enrolments")) == 1_000
    assert counts["rejected"] == counts["quarantined"] == 0
    clusters = febrl1.table("clusters")
    assert clusters["record_token"].nunique() == len(clusters) == 1_000
    published = febrl1.table("runs").iloc[-1]
    assert published["counts"] == counts or dict(published["counts"]) == counts


def test_spark_reads_what_was_published(febrl1) -> None:
    path = str(febrl1.lake / "candidate_edges_v1")
    keys = ["token_a", "token_b"]
    columns = [*keys, "families", "levels", "score_bits", "run_id"]
    rows = febrl1.session.read.format("delta").load(path).select(columns).toPandas()
    ours = febrl1.table("candidate_edges")[columns]
    left, right = (one.sort_values(keys, ignore_index=True) for one in (rows, ours))
    left["families"], right["families"] = (one["families"].map(list) for one in (left, right))
    pd.testing.assert_frame_equal(left, right)


def test_the_lake_is_evaluated_as_the_run_was(febrl1, tmp_path) -> None:
    truth = open_source(febrl1.session, "febrl1", DedupConfig(), None, None).truth
    names = {"id": "record_id", "entity": "entity_id"}
    truth.rename(columns=names)[[*names.values()]].to_csv(tmp_path / "truth.csv", index=False)
    run, unlabelled = label_run(read_run(str(febrl1.lake)), tmp_path / "truth.csv")
    assert unlabelled == 0
    found = evaluate(run).metrics()
    told = febrl1.summary.metrics
    assert {name: found[name] for name in ("f1", "fpir", "fnir")} == {
        name: told[name] for name in ("f1", "fpir", "fnir")
    }


def test_run_json_and_report(febrl1) -> None:
    manifest = json.loads((febrl1.report / "run.json").read_text())
    assert manifest["status"] == "done"
    assert manifest["metrics"]["f1"] == 1.0
    assert {"records", "plan", "compare", "train", "cluster"} <= manifest["seconds"].keys()
    assert "<html" in (febrl1.report / "report.html").read_text("utf-8")[:500]


def test_custom_table_by_mapping_alone(customer_run, customers) -> None:
    """D33: full name, birth place, occupation and dates of another format."""
    tokeniser = key_from_env(False)
    planted = {
        kind: frozenset(tokeniser.token(name) for name in ids)
        for kind, ids in customers.groups.items()
    }
    found = customer_run.clusters()
    missed = {kind for kind, tokens in planted.items() if tokens not in found}
    assert not missed
    assert found == set(planted.values()), "nobody else was merged"


def test_custom_table_keeps_rows_with_bad_fields(customer_run) -> None:
    rows = customer_run.table("enrolments").set_index("given_name")
    for name in ("wrong", "future", "ancient"):
        emptied = rows.loc[[name]]  # the same person may stand there again, with a good date
        emptied = emptied[emptied["dob"].isna()]
        assert len(emptied) == 1
        assert "BAD_DOB" in emptied["dq_flags"].iloc[0]
    assert rows.loc["missing", "dob"] is None
    assert "BAD_DOB" not in rows.loc["missing", "dq_flags"]
    assert customer_run.summary.metrics["f1"] is None, "without labels there is no F1"


def test_a_dry_run_writes_nothing(deduplicate) -> None:
    done = deduplicate("febrl1", dry_run=True)
    assert done.summary.status == "dry_run"
    assert 0 < done.summary.metrics["pairs_predicted"] <= done.summary.metrics["pairs_budget"]
    assert not done.lake.exists()
