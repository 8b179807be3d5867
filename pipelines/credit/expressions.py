"""A scorecard as Spark SQL: no Python worker scores, and no value slips through without a bin.

Every feature becomes one expression that yields a packed integer, `shortfall << 12 |
(63 - feature) << 6 | bin`, or a negative code for a value without a bin. The raw score is a sum of
the upper parts; their order is the order of the reasons, ties by feature. Codes and labels are
looked up only for the few that are told.

Both the loss and the check use every packed integer. Spark evaluates what is used twice in a
method of its own, so none grows beyond the 8,000 bytecodes that HotSpot compiles, however many
features there are; one long method would be interpreted, at a tenth of the rate.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.credit.calibration import probability_table
from pipelines.credit.scorecard import MAX_FEATURES, CardFeature, Scorecard

FEATURE_BITS = BIN_BITS = 6
SHIFT = FEATURE_BITS + BIN_BITS
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


def packed_expression(feature: CardFeature, index: int) -> str:
    """The packed integer of a feature, never null; negative for a value without a bin."""
    rank = MAX_FEATURES - 1 - index
    results = [
        str((feature.max_points - one.points) << SHIFT | rank << BIN_BITS | i)
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
    packed = [packed_expression(feature, i) for i, feature in enumerate(card.features)]
    lost = " + ".join(f"shiftright({one}, {SHIFT})" for one in packed)
    least = f"least({', '.join(packed)}, {1 << 30})"
    parts = [F.expr(lost).alias("_lost"), F.expr(least).alias("_least")]
    if with_reasons:
        parts.append(F.expr(f"array({', '.join(packed)})").alias("_packed"))
    points = df.select(*kept, *parts)
    raw = _raw_score(card).alias("raw_score")
    if not with_reasons:
        return points.select(*kept, raw).select(*kept, *_score_columns(card))
    ordered = points.select(*kept, raw, F.expr("sort_array(_packed)").alias("_ranked"))
    slots = range(1, min(card.scale.reasons, len(card.features)) + 1)
    worst = [F.expr(f"element_at(_ranked, -{k})").alias(f"_worst_{k}") for k in slots]
    told = ordered.select(*kept, "raw_score", *worst)
    shown = " + ".join(f"shiftright(_worst_{k}, {SHIFT})" for k in slots)
    rest = F.expr(f"{card.max_points} - raw_score - ({shown})").alias("other_shortfall")
    return told.select(*kept, *_score_columns(card), _reasons(card, slots), rest)


def _raw_score(card: Scorecard) -> Column:
    """Best points less what was lost; a negative code raises what it stands for."""
    told = [quote(f"{code} {feature.name}") for feature in card.features for code in CODES]
    error = f"raise_error(element_at(array({', '.join(told)}), -_least))"
    return F.expr(f"IF(_least >= 0, {card.max_points} - _lost, int({error}))")


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
    """The worst packed integers as reasons; those without a shortfall are left out.

    Their lower part is a place in one constant table: feature and bin say all about a reason.
    """
    table = ", ".join(
        f"named_struct('code', {quote(feature.code)}, 'feature', {quote(feature.name)},"
        f" 'bin', {quote(one.label)}, 'shortfall', {feature.max_points - one.points})"
        for feature in card.features
        for one in feature.bins
    )
    starts, place = [], 1
    for feature in card.features:
        starts.append(str(place))
        place += len(feature.bins)
    first = f"array({', '.join(reversed(starts))})"
    offset = MAX_FEATURES - len(card.features)
    found = []
    for k in slots:
        rank = f"(shiftright(_worst_{k}, {BIN_BITS}) & {MAX_FEATURES - 1})"
        at = f"element_at({first}, {rank} - {offset - 1}) + (_worst_{k} & {(1 << BIN_BITS) - 1})"
        found.append(f"element_at(array({table}), {at})")
    told = " + ".join(f"int(_worst_{k} >= {1 << SHIFT})" for k in slots)
    rows = f"slice(array({', '.join(found)}), 1, {told})"
    return F.expr(rows).cast(REASON_TYPE).alias("reasons")
