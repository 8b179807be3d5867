"""A bank's table of finished features: all its customers scored at once, past their transactions.

The files are scored by the tasks that read them (`bulk.py`). Where only Spark can read the table,
because rows are deleted or a column needs a cast, its expressions give the same scores.
"""

from collections.abc import Sequence
from datetime import date

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.core.delta_tables import Place
from pipelines.core.endpoints import object_store
from pipelines.core.errors import ContractError, GateError
from pipelines.credit.applications import NOT_THIN
from pipelines.credit.bulk import find_points
from pipelines.credit.checks import key_rules, symbols
from pipelines.credit.expressions import (
    INVALID,
    finish_scores,
    invalid_expression,
    quote,
    score_frame,
)
from pipelines.credit.scorecard import Scorecard
from pipelines.credit.scoring import KEPT, score_rows
from pipelines.credit.stored_features import DAY, StoredFeatures

_IS_SCORED = f"{INVALID} IS NULL AND thin_file_reason = '{NOT_THIN}'"
_IS_THIN = f"{INVALID} IS NULL AND thin_file_reason != '{NOT_THIN}'"


def score_portfolio(
    session: SparkSession, folder: str, rows: DataFrame, card: Scorecard, as_of: date, run_id: str
) -> tuple[DataFrame, DataFrame, int]:
    """Score a table with `KEPT` and a column per feature of the scorecard.

    Args:
        session: the session.
        folder: where the table lies, a path or an `s3a://` URI.
        rows: the same table as Spark reads it.
        card: the scorecard.
        as_of: business day; the one that is read of a table with `as_of_date`.
        run_id: run that writes the rows.

    Returns:
        `credit.CreditScore` rows, the rows set aside with `invalid`, and how many there are in all.

    Raises:
        ContractError: a column is missing.
    """
    names = [feature.name for feature in card.features]
    _require_columns(rows, (*KEPT, *names), folder)
    store = object_store(session.sparkContext.appName) if "://" in folder else None
    stored = StoredFeatures.open(Place(folder, store), card, KEPT, as_of)
    if stored is not None:
        checked = _with_reason(find_points(session, stored, card, KEPT))
        scored = finish_scores(checked.where(_IS_SCORED), card, KEPT, with_reasons=True)
        count = stored.rows
    else:
        wanted = rows.where(F.col(DAY) == F.lit(as_of)) if DAY in rows.columns else rows
        invalid = F.expr(invalid_expression(card)).alias(INVALID)
        checked = _with_reason(wanted.select(*KEPT, *names, invalid))
        scored = score_frame(checked.where(_IS_SCORED).select(*KEPT, *names), card)
        count = wanted.count()
    scores = score_rows(scored, checked.where(_IS_THIN), card, as_of, run_id)
    return scores, checked.where(f"{INVALID} IS NOT NULL"), count


def _require_columns(rows: DataFrame, names: Sequence[str], folder: str) -> None:
    for name in names:
        if name not in rows.columns:
            raise ContractError(
                f"features {folder}: the column {name} is missing; there are"
                f" {', '.join(sorted(rows.columns))}. Add it, or give one of these that name"
            )


def _with_reason(found: DataFrame) -> DataFrame:
    """Put keys before features, and ask no feature of a thin file."""
    known = ", ".join(map(quote, symbols("credit.CreditScore", "thin_file_reason")))
    cases = [(rule.condition, quote(rule.code)) for rule in key_rules("customer_id", KEPT[0])]
    cases += [
        (f"coalesce(thin_file_reason NOT IN ({known}), true)", "'UNKNOWN_SYMBOL thin_file_reason'"),
        (f"thin_file_reason != '{NOT_THIN}'", "string(NULL)"),
    ]
    told = " ".join(f"WHEN {condition} THEN {code}" for condition, code in cases)
    return found.withColumn(INVALID, F.expr(f"CASE {told} ELSE {INVALID} END"))


def require_unique(scores: DataFrame) -> None:
    """Check that no application has two scores.

    Raises:
        GateError: one has.
    """
    counted = scores.agg(F.count(F.lit(1)), F.count_distinct("application_id")).collect()[0]
    if counted[0] != counted[1]:
        raise GateError(
            f"scores: {counted[0]:,} rows of {counted[1]:,} applications; an application occurs"
            " twice in the features, nothing is published"
        )
