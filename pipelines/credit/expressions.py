"""A scorecard as Spark SQL: no Python worker scores, and no value slips through without a bin.

Every feature becomes one expression that yields a packed integer (`packing.py`). Codes and labels
of reasons are looked up in one constant table, only for the few that are told. What follows from a
raw score and the greatest integers, `finish_scores`, is the same for scores made in arrays.

Three things cost most, and none of them is the scorecard. A method beyond 8,000 bytecodes is
interpreted, at a tenth of the rate: every packed integer is used twice, and Spark evaluates what is
used twice in a method of its own, so none grows that long. Checked arithmetic on integers calls a
closure and boxes its result: points are added as doubles, which hold such sums exactly. A cast of
an array makes its structs anew: the constant table has the type of the column.
"""

import json
from collections.abc import Sequence
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.credit.calibration import probability_table
from pipelines.credit.packing import (
    CODES,
    PLACES,
    SHIFT,
    packed_bins,
    packed_codes,
    reason_slots,
    told_codes,
)
from pipelines.credit.scorecard import CardFeature, Scorecard

RAW_SCORE, INVALID = "raw_score", "invalid"

_LARGEST = "1.7976931348623157E308D"

REASON_TYPE = "array<struct<code:string,feature:string,bin:string,shortfall:int>>"


def quote(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def number(value: float) -> str:
    """A SQL double literal of the same bits."""
    return f"{value!r}D"


def constant(values: Any, kind: str) -> Column:
    """Nested values as one literal, folded once; Spark plans long at a literal for each.

    It is not part of an SQL text either, which Spark would read letter by letter.
    """
    return F.from_json(F.lit(json.dumps(values)), kind)


def bin_expression(feature: CardFeature, results: Sequence[str], otherwise: Sequence[str]) -> str:
    """The result of the bin a value is in.

    Args:
        feature: the feature.
        results: SQL result of each bin.
        otherwise: SQL result of each of `CODES`.
    """
    missing, broken, unseen = otherwise
    absent = feature.missing_bin
    if absent is not None:
        missing = results[absent]
    known = [(one, result) for one, result in zip(feature.bins, results, strict=True)
             if not one.is_missing]  # fmt: skip
    column = f"`{feature.name}`"
    if feature.kind == "category":
        found = unseen
        for one, result in reversed(known):
            names = ", ".join(quote(name) for name in one.categories)
            found = f"IF({column} IN ({names}), {result}, {found})"
    else:
        column = f"double({column})"
        halves = _halves(column, feature.cuts, [result for _, result in known])
        # Neither NaN, which Spark puts above every number, nor infinity passes this.
        found = f"IF(abs({column}) <= {_LARGEST}, {halves}, {broken})"
    return f"IF({column} IS NULL, {missing}, {found})"


def _halves(column: str, cuts: Sequence[float], results: Sequence[str]) -> str:
    """Binary search for the bin of a number; neighbours with one result are one."""
    if len(set(results)) == 1:
        return results[0]
    middle = len(cuts) // 2
    left = _halves(column, cuts[:middle], results[: middle + 1])
    right = _halves(column, cuts[middle + 1 :], results[middle + 1 :])
    return f"IF({column} < {number(cuts[middle])}, {left}, {right})"


def packed_expression(card: Scorecard, index: int) -> str:
    """The packed integer of a feature, never null; negative for a value without a bin."""
    results, otherwise = packed_bins(card, index), packed_codes(index)
    return bin_expression(card.features[index], [*map(str, results)], [*map(str, otherwise)])


def invalid_expression(card: Scorecard) -> str:
    """The first reason why a row cannot be scored, as `CODE feature`; null if it can."""
    checks = [
        bin_expression(
            feature, ["NULL"] * len(feature.bins),
            [quote(f"{code} {feature.name}") for code in CODES],
        )
        for feature in card.features
    ]  # fmt: skip
    return f"coalesce({', '.join(checks)}, string(NULL))"


def score_frame(df: DataFrame, card: Scorecard, with_reasons: bool = True) -> DataFrame:
    """Add the score columns to rows that `invalid_expression` let pass.

    A row that it would not pass raises an error with the code and the name of the feature.

    Args:
        df: a column per feature of the scorecard.
        card: the scorecard.
        with_reasons: also `reasons` and `other_shortfall`.

    Returns:
        The frame with `score`, `raw_score`, `max_points`, `pd`, `risk_category`, and the reasons.
    """
    kept = [F.col(f"`{name}`") for name in df.columns]
    packed = [packed_expression(card, i) for i in range(len(card.features))]
    raw = F.expr(_raw_score(card, packed)).alias(RAW_SCORE)
    if not with_reasons:
        return finish_scores(df.select(*kept, raw), card, df.columns, with_reasons)
    ranked = F.expr(f"sort_array(array({', '.join(packed)}))").alias("_ranked")
    worst = [
        F.expr(f"element_at(_ranked, -{k})").alias(name)
        for k, name in enumerate(worst_names(card), start=1)
    ]
    found = df.select(*kept, raw, ranked).select(*kept, RAW_SCORE, *worst)
    return finish_scores(found, card, df.columns, with_reasons)


def worst_names(card: Scorecard) -> list[str]:
    """Columns of the greatest packed integers, the greatest first."""
    return [f"_worst_{k}" for k in range(1, reason_slots(card) + 1)]


def finish_scores(
    found: DataFrame, card: Scorecard, keep: Sequence[str], with_reasons: bool
) -> DataFrame:
    """The score columns that follow from `raw_score`, and the reasons from `worst_names`.

    Args:
        found: those columns, none of them null.
        card: the scorecard.
        keep: other columns of the result.
        with_reasons: also `reasons` and `other_shortfall`.
    """
    columns = [*(F.col(f"`{name}`") for name in keep), *_score_columns(card)]
    if not with_reasons:
        return found.select(columns)
    shown = _points(worst_names(card))
    rest = F.expr(f"int({card.max_points}D - {RAW_SCORE} - ({shown}))").alias("other_shortfall")
    return found.select(*columns, _reasons(card), rest)


def _points(packed: Sequence[str]) -> str:
    """Sum of shortfalls."""
    return " + ".join(f"double(shiftright({one}, {SHIFT}))" for one in packed)


def _raw_score(card: Scorecard, packed: Sequence[str]) -> str:
    """Best points less what was lost; a negative code raises what it stands for."""
    told = map(quote, told_codes(card))
    error = f"raise_error(element_at(array({', '.join(told)}), -least({', '.join(packed)}, 0)))"
    raw = f"int({card.max_points}D - ({_points(packed)}))"
    return f"IF(({' | '.join(packed)}) >= 0, {raw}, int({error}))"


def _score_columns(card: Scorecard) -> list[Column]:
    scale, lowest = card.scale, card.min_points
    score = f"least({scale.highest}, greatest({scale.lowest}, raw_score))"
    bands = " ".join(
        f"WHEN raw_score >= {least} THEN {quote(name)}" for least, name in scale.bands[:-1]
    )
    table = constant(probability_table(card.calibration, lowest, card.max_points), "array<double>")
    return [
        F.expr(score).alias("score"),
        F.col("raw_score"),
        F.lit(card.max_points).alias("max_points"),
        F.element_at(table, F.expr(f"raw_score - {lowest - 1}")).alias("pd"),
        F.expr(f"CASE {bands} ELSE {quote(scale.bands[-1][1])} END").alias("risk_category"),
    ]


def _reasons(card: Scorecard) -> Column:
    """The greatest packed integers as reasons; those without a shortfall are left out."""
    rows = [
        {"code": feature.code, "feature": feature.name, "bin": one.label,
         "shortfall": feature.max_points - one.points}
        for feature in reversed(card.features)
        for one in feature.bins
    ]  # fmt: skip
    table = constant(rows, REASON_TYPE)
    names = worst_names(card)
    found = [F.get(table, F.col(name).bitwiseAND(F.lit(PLACES))) for name in names]
    cases = F.when(F.col(names[-1]) > PLACES, F.array(*found))
    for k in range(len(names) - 1, 0, -1):
        cases = cases.when(F.col(names[k - 1]) > PLACES, F.array(*found[:k]))
    return cases.otherwise(F.array().cast(REASON_TYPE)).alias("reasons")
