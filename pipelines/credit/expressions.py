"""A scorecard as Spark SQL: no Python worker scores, and no value slips through without a bin.

Every feature becomes one expression that yields a packed integer, `shortfall << 12 | place`, or a
negative code for a value without a bin. The raw score is made of the upper parts; their order is
the order of the reasons, ties by feature. The place is that of feature and bin in one constant
table, where codes and labels are looked up only for the few that are told.

Three things cost most, and none of them is the scorecard. A method beyond 8,000 bytecodes is
interpreted, at a tenth of the rate: every packed integer is used twice, and Spark evaluates what is
used twice in a method of its own, so none grows that long. Checked arithmetic on integers calls a
closure and boxes its result: points are added as doubles, which hold such sums exactly. A cast of
an array makes its structs anew: the constant table has the type of the column.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.credit.calibration import probability_table
from pipelines.credit.scorecard import CardFeature, Scorecard

SHIFT = 12
"""Bits of a place: enough for `MAX_FEATURES` features of `MAX_BINS` bins."""
_PLACES = (1 << SHIFT) - 1

INVALID = "invalid"
CODES = ("MISSING_NOT_BINNED", "NOT_FINITE", "UNSEEN_CATEGORY")

_LARGEST = "1.7976931348623157E308D"

REASON_TYPE = "array<struct<code:string,feature:string,bin:string,shortfall:int>>"


def quote(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def number(value: float) -> str:
    """A SQL double literal of the same bits."""
    return f"{value!r}D"


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
    """The packed integer of a feature, never null; negative for a value without a bin.

    Places begin with the last feature: of equal shortfalls the first feature's is the greatest.
    """
    feature = card.features[index]
    first = sum(len(later.bins) for later in card.features[index + 1 :])
    results = [
        str((feature.max_points - one.points) << SHIFT | first + i)
        for i, one in enumerate(feature.bins)
    ]
    return bin_expression(
        feature, results, [str(-(len(CODES) * index + n)) for n in range(1, len(CODES) + 1)]
    )


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
    raw = F.expr(_raw_score(card, packed)).alias("raw_score")
    if not with_reasons:
        return df.select(*kept, raw).select(*kept, *_score_columns(card))
    ranked = F.expr(f"sort_array(array({', '.join(packed)}))").alias("_ranked")
    slots = range(1, min(card.scale.reasons, len(card.features)) + 1)
    worst = [F.expr(f"element_at(_ranked, -{k})").alias(f"_worst_{k}") for k in slots]
    told = df.select(*kept, raw, ranked).select(*kept, "raw_score", *worst)
    shown = _points([f"_worst_{k}" for k in slots])
    rest = F.expr(f"int({card.max_points}D - raw_score - ({shown}))").alias("other_shortfall")
    return told.select(*kept, *_score_columns(card), _reasons(card, slots), rest)


def _points(packed: Sequence[str]) -> str:
    """Sum of shortfalls."""
    return " + ".join(f"double(shiftright({one}, {SHIFT}))" for one in packed)


def _raw_score(card: Scorecard, packed: Sequence[str]) -> str:
    """Best points less what was lost; a negative code raises what it stands for."""
    told = [quote(f"{code} {feature.name}") for feature in card.features for code in CODES]
    error = f"raise_error(element_at(array({', '.join(told)}), -least({', '.join(packed)}, 0)))"
    raw = f"int({card.max_points}D - ({_points(packed)}))"
    return f"IF(({' | '.join(packed)}) >= 0, {raw}, int({error}))"


def _score_columns(card: Scorecard) -> list[Column]:
    scale, lowest = card.scale, card.min_points
    score = f"least({scale.highest}, greatest({scale.lowest}, raw_score))"
    bands = " ".join(
        f"WHEN raw_score >= {least} THEN {quote(name)}" for least, name in scale.bands[:-1]
    )
    table = probability_table(card.calibration, lowest, card.max_points)
    values = ", ".join(number(value) for value in table)
    return [
        F.expr(score).alias("score"),
        F.col("raw_score"),
        F.lit(card.max_points).alias("max_points"),
        F.expr(f"element_at(array({values}), raw_score - {lowest - 1})").alias("pd"),
        F.expr(f"CASE {bands} ELSE {quote(scale.bands[-1][1])} END").alias("risk_category"),
    ]


def _reasons(card: Scorecard, slots: range) -> Column:
    """The worst packed integers as reasons; those without a shortfall are left out."""
    rows = ", ".join(
        f"named_struct('code', {quote(feature.code)}, 'feature', {quote(feature.name)},"
        f" 'bin', {quote(one.label)}, 'shortfall', {feature.max_points - one.points})"
        for feature in reversed(card.features)
        for one in feature.bins
    )
    table = f"CAST(array({rows}) AS {REASON_TYPE})"
    found = [f"get({table}, _worst_{k} & {_PLACES})" for k in slots]
    cases = " ".join(
        f"WHEN _worst_{k} > {_PLACES} THEN array({', '.join(found[:k])})" for k in reversed(slots)
    )
    return F.expr(f"CASE {cases} ELSE CAST(array() AS {REASON_TYPE}) END").alias("reasons")
