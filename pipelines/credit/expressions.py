"""A scorecard as Spark SQL: no Python worker scores, and no value slips through without a bin.

Every feature becomes one CASE expression that yields a packed integer, `shortfall << 12 |
(63 - feature) << 6 | bin`. The raw score is a sum of its upper part; its order is the order of the
reasons, ties by feature. Reasons, codes and labels are looked up only for the few that are told.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.credit.calibration import probability_table
from pipelines.credit.scorecard import MAX_FEATURES, CardFeature, Scorecard

FEATURE_BITS = BIN_BITS = 6
SHIFT = FEATURE_BITS + BIN_BITS
INVALID = "invalid"

_LARGEST = "1.7976931348623157E308D"

REASON_TYPE = "array<struct<code:string,feature:string,bin:string,shortfall:int>>"
SCORE_COLUMNS = ("score", "raw_score", "max_points", "other_shortfall", "pd", "risk_category")


def quote(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def number(value: float) -> str:
    """A SQL double literal of the same bits."""
    return f"{value!r}D"


def bin_expression(feature: CardFeature, results: list[str], otherwise: dict[str, str]) -> str:
    """CASE over the bins of a feature.

    Args:
        feature: the feature.
        results: SQL result of each bin.
        otherwise: SQL result by code: MISSING_NOT_BINNED, NOT_FINITE, UNSEEN_CATEGORY.
    """
    column, absent = f"`{feature.name}`", feature.missing_bin
    missing = otherwise["MISSING_NOT_BINNED"] if absent is None else results[absent]
    parts = [f"WHEN {column} IS NULL THEN {missing}"]
    pairs = zip(feature.bins, results, strict=True)
    known = [(one, result) for one, result in pairs if not one.is_missing]
    if feature.kind == "category":
        for one, result in known:
            names = ", ".join(quote(name) for name in one.categories)
            parts.append(f"WHEN {column} IN ({names}) THEN {result}")
        return f"CASE {' '.join(parts)} ELSE {otherwise['UNSEEN_CATEGORY']} END"
    broken = otherwise["NOT_FINITE"]
    parts.append(f"WHEN {column} < -{_LARGEST} THEN {broken}")
    for one, result in known[:-1]:
        parts.append(f"WHEN {column} < {number(one.hi or 0.0)} THEN {result}")
    # NaN is above every number in Spark: it falls through to the end, as infinity does.
    parts.append(f"WHEN {column} <= {_LARGEST} THEN {known[-1][1]}")
    return f"CASE {' '.join(parts)} ELSE {broken} END"


def packed_expression(feature: CardFeature, index: int) -> str:
    """The packed integer of a feature; a value without a bin raises its code and the name."""
    rank = MAX_FEATURES - 1 - index
    results = [
        str((feature.max_points - one.points) << SHIFT | rank << BIN_BITS | i)
        for i, one in enumerate(feature.bins)
    ]
    codes = ("MISSING_NOT_BINNED", "NOT_FINITE", "UNSEEN_CATEGORY")
    raised = {code: f"int(raise_error({quote(f'{code} {feature.name}')}))" for code in codes}
    # Never null, and Spark has to know it: arrays without nulls are sorted as plain integers.
    return f"coalesce({bin_expression(feature, results, raised)}, 0)"


def invalid_expression(card: Scorecard) -> str:
    """The first reason why a row cannot be scored, as `CODE feature`; null if it can."""
    checks = []
    for feature in card.features:
        codes = ("MISSING_NOT_BINNED", "NOT_FINITE", "UNSEEN_CATEGORY")
        told = {code: quote(f"{code} {feature.name}") for code in codes}
        checks.append(bin_expression(feature, ["NULL"] * len(feature.bins), told))
    return f"coalesce({', '.join(checks)}, string(NULL))"


def score_frame(df: DataFrame, card: Scorecard, with_reasons: bool = True) -> DataFrame:
    """Add the score columns to rows that `invalid_expression` let pass.

    Args:
        df: a column per feature of the scorecard.
        card: the scorecard.
        with_reasons: also `reasons` and `other_shortfall`.

    Returns:
        The frame with `score`, `raw_score`, `max_points`, `pd`, `risk_category`, and the reasons.
    """
    names = [f"_packed_{i}" for i in range(len(card.features))]
    kept = [F.col(f"`{name}`") for name in df.columns]
    packed = [
        F.expr(packed_expression(feature, i)).alias(name)
        for i, (feature, name) in enumerate(zip(card.features, names, strict=True))
    ]
    total = " + ".join(f"shiftright({name}, {SHIFT})" for name in names)
    raw = F.expr(f"{card.max_points} - ({total})").alias("raw_score")
    points = df.select(*kept, *packed)
    if not with_reasons:
        return points.select(*kept, raw).select(*kept, *_score_columns(card))
    ranked = f"sort_array(array({', '.join(names)}))"
    ordered = points.select(*kept, raw, F.expr(ranked).alias("_ranked"))
    slots = range(1, min(card.scale.reasons, len(card.features)) + 1)
    worst = [F.expr(f"element_at(_ranked, -{k})").alias(f"_worst_{k}") for k in slots]
    told = ordered.select(*kept, "raw_score", *worst)
    lost = " + ".join(f"shiftright(_worst_{k}, {SHIFT})" for k in slots)
    rest = F.expr(f"{card.max_points} - raw_score - ({lost})").alias("other_shortfall")
    return told.select(*kept, *_score_columns(card), _reasons(card, slots), rest)


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
