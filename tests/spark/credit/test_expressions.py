"""Scores as Spark expressions: equal to plain Python, no Python in the plan, never a silent score."""

import math
import random
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import functions as F

from pipelines.credit.errors import ScoringError
from pipelines.credit.expressions import (
    INVALID,
    invalid_expression,
    packed_expression,
    score_frame,
)
from pipelines.credit.samples import Sample
from pipelines.credit.scorecard import load_scorecard
from pipelines.credit.scorer import card_scores, score_row
from tests.unit.credit.example_card import example_card

HOTSPOT_LIMIT = 8_000
BIN = example_card().features[0].bins[0]
SCHEMA = "utilization double, missed double, employment string"
HOSTILE = (None, math.nan, math.inf, -math.inf, -0.0, 0.0, 1e308, 0.3, 3.0, -5.0)
WORDS = (None, "", " ", "SALARIED", "salaried", "OTHER", "x" * 5000, "SALARIED'", "NaN")


def frame(spark, rows):
    return spark.createDataFrame(rows, SCHEMA)


def outcome(card, row):
    try:
        return score_row(card, dict(zip(("utilization", "missed", "employment"), row, strict=True)))
    except ScoringError as error:
        return f"{error.code} {error.feature}"


def test_c14_two_hundred_hostile_rows_are_named_or_scored_alike(spark):
    rng, card = random.Random(0), example_card()
    rows = [(rng.choice(HOSTILE), rng.choice(HOSTILE), rng.choice(WORDS)) for _ in range(200)]
    checked = frame(spark, rows).withColumn(INVALID, F.expr(invalid_expression(card)))
    told = checked.collect()
    assert len(told) == 200
    for row, given in zip(told, rows, strict=True):
        wanted = outcome(card, given)
        assert (row[INVALID] is None) != isinstance(wanted, str)
        if isinstance(wanted, str):
            assert row[INVALID] == wanted
    scored = score_frame(checked.where(f"{INVALID} IS NULL"), card).collect()
    assert all(s["score"] is not None and math.isfinite(s["pd"]) for s in scored)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ((math.nan, 1.0, "OTHER"), "NOT_FINITE utilization"),
        ((0.1, None, "OTHER"), "MISSING_NOT_BINNED missed"),
        ((0.1, 1.0, "PILOT"), "UNSEEN_CATEGORY employment"),
    ],
)
def test_what_reaches_the_expression_unchecked_raises(spark, row, code):
    with pytest.raises(Exception, match=code):
        score_frame(frame(spark, [row]), example_card()).collect()


@pytest.mark.parametrize("partitions", [1, 2, 7])
def test_c21_c22_spark_equals_plain_python_for_any_partitions(spark, partitions):
    rng, card = random.Random(partitions), example_card()
    rows = [
        (
            rng.uniform(-1, 2),
            float(rng.randrange(6)),
            rng.choice(("SALARIED", "SELF_EMPLOYED", "OTHER")),
        )
        for _ in range(700)
    ]
    found = score_frame(frame(spark, rows).repartition(partitions), card).collect()
    for one in found:
        wanted = score_row(
            card, {name: one[name] for name in ("utilization", "missed", "employment")}
        )
        for name in ("score", "raw_score", "max_points", "other_shortfall", "pd", "risk_category"):
            assert one[name] == getattr(wanted, name)
        assert [(r["code"], r["feature"], r["bin"], r["shortfall"]) for r in one["reasons"]] == [
            (r.code, r.feature, r.bin, r.shortfall) for r in wanted.reasons
        ]


def test_c21_c22_a_hundred_thousand_rows_score_as_in_arrays(spark):
    rng, card = np.random.default_rng(5), example_card()
    rows = pd.DataFrame({
        "utilization": rng.uniform(-1, 2, 100_000), "missed": rng.integers(0, 6, 100_000).astype(float),
        "employment": rng.choice(["SALARIED", "SELF_EMPLOYED", "OTHER"], 100_000),
    })  # fmt: skip
    sample = Sample({name: rows[name].to_numpy() for name in rows}, np.zeros(len(rows), np.int64))
    # Spark would score rows in memory while it plans, interpreted; those of files are not.
    given = spark.createDataFrame(rows, SCHEMA).coalesce(2)
    found = score_frame(given, card, with_reasons=False)
    assert np.array_equal(found.toPandas()["raw_score"].to_numpy(), card_scores(card, sample))


def largest_method(df):
    """Bytecodes of the largest generated method."""
    plan = df._jdf.queryExecution().executedPlan()
    package = getattr(df.sparkSession._jvm.org.apache.spark.sql.execution.debug, "package$")
    stages = getattr(package, "MODULE$").codegenStringSeq(plan)
    return max(stages.apply(n)._3().maxMethodCodeSize() for n in range(stages.size()))


def test_k18_no_generated_method_is_too_large_to_compile(spark):
    names = [f"f{n}" for n in range(24)]
    edges = [None, *(0.05 * i for i in range(1, 16)), None]
    bins = tuple(
        replace(BIN, label=str(i), lo=lo, hi=hi, points=i)
        for i, (lo, hi) in enumerate(pairwise(edges))
    )
    one = example_card().features[0]
    card = example_card(features=tuple(replace(one, name=name, bins=bins) for name in names))
    rows = spark.range(1).select(*(F.rand(n).alias(name) for n, name in enumerate(names)))
    for with_reasons in (False, True):
        assert largest_method(score_frame(rows, card, with_reasons).drop(*names)) < HOTSPOT_LIMIT
    once = [packed_expression(card, i) for i in range(len(card.features))]
    assert largest_method(rows.select(F.expr(" + ".join(once)))) > HOTSPOT_LIMIT, "the naive form"


def test_k12_one_row_alone_scores_as_in_a_batch(spark):
    row = (0.45, 1.0, "SELF_EMPLOYED")
    alone = score_frame(frame(spark, [row]), example_card()).collect()
    batch = (
        score_frame(frame(spark, [(0.9, 5.0, "OTHER"), row]), example_card())
        .where("employment = 'SELF_EMPLOYED'")
        .collect()
    )
    assert alone == batch
    assert alone[0]["raw_score"] == 500


def test_a_reloaded_scorecard_scores_the_same(spark, tmp_path):
    card = example_card()
    again = load_scorecard(card.save(tmp_path))
    rows = [(0.1 * i, float(i % 4), "OTHER") for i in range(20)]
    assert (
        score_frame(frame(spark, rows), card).collect()
        == score_frame(frame(spark, rows), again).collect()
    )


def test_c15_the_plan_has_no_python_node(spark):
    scored = score_frame(frame(spark, [(0.1, 0.0, "OTHER")]), example_card())
    plan = scored._jdf.queryExecution().executedPlan().toString()
    assert "Python" not in plan.replace("Scan ExistingRDD", "")
    assert "ArrowEval" not in plan


def test_quotes_in_categories_are_harmless(spark):
    card = example_card()
    odd = card.features[2]
    name = "O'Neil\\ \" ; --"
    bins = (replace(odd.bins[0], categories=(name,), label=name), *odd.bins[1:])
    changed = example_card(features=(*card.features[:2], replace(odd, bins=bins)))
    found = score_frame(frame(spark, [(0.9, 5.0, name)]), changed).collect()[0]
    assert found["raw_score"] == 568 - 78 - 137 + 17
