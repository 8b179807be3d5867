"""Scoring: applications with features of one business day, every one accounted for."""

from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from pipelines.core.contracts import conform
from pipelines.core.errors import GateError
from pipelines.credit.applications import NOT_THIN, join_features
from pipelines.credit.expressions import INVALID, REASON_TYPE, invalid_expression, score_frame
from pipelines.credit.intake import safe_token
from pipelines.credit.lake import SCORES, CreditLake
from pipelines.credit.scorecard import Scorecard

KEPT = ("application_id", "customer_id", "thin_file_reason")


@dataclass(frozen=True)
class ScoreTally:
    """What became of the applications: scored, too thin to score, and without a bin by reason."""

    scored: int
    thin: int
    invalid: dict[str, int]

    @property
    def rows(self) -> int:
        """All of them."""
        return self.scored + self.thin + sum(self.invalid.values())


def score_applications(
    applications: DataFrame, features: DataFrame, card: Scorecard, as_of: date, run_id: str
) -> tuple[DataFrame, DataFrame]:
    """Score one snapshot.

    Args:
        applications: accepted applications.
        features: features of their customers.
        card: scorecard of the main segment.
        as_of: business day.
        run_id: run that writes the rows.

    Returns:
        `credit.CreditScore` rows, and the joined rows that have no bin, with `invalid`.
    """
    joined = join_features(applications.drop("run_id", "as_of_date"), features)
    is_thin = F.col("thin_file_reason") != NOT_THIN
    checked = joined.where(~is_thin).withColumn(INVALID, F.expr(invalid_expression(card)))
    names = [feature.name for feature in card.features]
    valid = checked.where(F.col(INVALID).isNull()).select(*KEPT, *names)
    scores = score_rows(score_frame(valid, card), joined.where(is_thin), card, as_of, run_id)
    return scores, checked.where(F.col(INVALID).isNotNull())


def score_rows(
    scored: DataFrame, thin: DataFrame, card: Scorecard, as_of: date, run_id: str
) -> DataFrame:
    """`credit.CreditScore` rows.

    Args:
        scored: `KEPT`, and what `score_frame` adds.
        thin: `KEPT` of applications that are not scored.
        card: scorecard of the main segment.
        as_of: business day.
        run_id: run that writes the rows.
    """
    empty = {
        "score": "int", "raw_score": "int", "max_points": "int", "other_shortfall": "int",
        "pd": "double",
    }  # fmt: skip
    blank = {name: F.lit(None).cast(kind) for name, kind in empty.items()}
    blank["risk_category"] = F.lit("THIN_FILE")
    blank["reasons"] = F.array().cast(REASON_TYPE)
    columns = [*KEPT, *blank]
    untold = thin.select(*KEPT).withColumns(blank)
    stamped = (
        scored.select(columns)
        .unionByName(untold.select(columns))
        .withColumns(
            {
                "as_of_date": F.lit(as_of),
                "scorecard_id": F.lit(card.id),
                "scorecard_version": F.lit(card.version),
                "segment": F.lit("MAIN"),
                "run_id": F.lit(run_id),
            }
        )
    )
    return conform(stamped, "credit.CreditScore")


def write_scores(
    lake: CreditLake, scores: DataFrame, invalid: DataFrame, expected: int, as_of: date
) -> ScoreTally:
    """Replace the scores of one business day; nothing is written of a run that lost a row.

    Raises:
        GateError: the rows are not as many as the accepted applications.
    """
    seen = Observation("scores")
    is_thin = F.col("score").isNull()
    watched = scores.observe(
        seen, F.count_if(~is_thin).alias("scored"), F.count_if(is_thin).alias("thin")
    )
    lake.replace_days(SCORES, watched, "as_of_date", [as_of])
    counts = seen.get
    by_reason = {row[INVALID]: row["count"] for row in invalid.groupBy(INVALID).count().collect()}
    tally = ScoreTally(int(counts["scored"] or 0), int(counts["thin"] or 0), by_reason)
    if tally.rows != expected:
        raise GateError(
            f"scores: {expected:,} accepted applications became {tally.rows:,} rows; a join lost"
            " or multiplied rows, nothing is published"
        )
    return tally


def invalid_rows(invalid: DataFrame, run_id: str) -> DataFrame:
    """Applications without a bin, as `ops.QuarantinedRecord`; `location` holds no value."""
    rows = invalid.select(
        F.col(INVALID).alias("reason"),
        safe_token(INVALID).alias("record_token"),
        F.lit("applications").alias("dataset"),
        F.lit("scoring").alias("location"),
        F.lit(run_id).alias("run_id"),
    )
    return conform(rows, "ops.QuarantinedRecord")
