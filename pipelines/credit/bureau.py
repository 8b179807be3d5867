"""What a credit bureau says about an applicant on a business day."""

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.credit.config import WindowSettings

OVERDUE_DAYS = 30
_KEYS = ("customer_id", "tradeline_id")
TRADELINE_COLUMNS = (
    "tradeline_id", "customer_id", "reported_date", "opened_date", "sanctioned_limit_paise",
    "outstanding_balance_paise", "days_past_due", "status",
)  # fmt: skip
_SCHEMA = (
    "customer_id string, dpd30_months int, open_tradelines int, bureau_utilization double,"
    " has_bureau boolean"
)


def summarise_tradelines(
    tradelines: DataFrame | None, wanted: DataFrame, as_of: date, settings: WindowSettings
) -> DataFrame:
    """One row per applicant with a tradeline, from the newest report of each before `as_of`.

    `dpd30_months` adds the overdue months of all lines; `bureau_utilization` is null without a
    limit.
    """
    if tradelines is None:
        return wanted.sparkSession.createDataFrame([], _SCHEMA)
    known = tradelines.where(F.col("reported_date") < F.lit(as_of)).join(
        wanted, "customer_id", "left_semi"
    )
    # The date comes first, so the greatest row is the newest; a tie is broken by its content.
    ordered = F.struct("reported_date", *(c for c in TRADELINE_COLUMNS if c not in _KEYS))
    newest = known.groupBy(*_KEYS).agg(F.max(ordered).alias("one")).select("customer_id", "one.*")
    overdue = F.size(
        F.filter(
            F.slice("days_past_due", 1, settings.bureau_months), lambda days: days >= OVERDUE_DAYS
        )
    )
    is_active = F.col("status") == "ACTIVE"
    limit = F.sum(F.when(is_active, F.col("sanctioned_limit_paise")))
    owed = F.sum(F.when(is_active, F.col("outstanding_balance_paise")))
    return newest.groupBy("customer_id").agg(
        F.sum(overdue).cast("int").alias("dpd30_months"),
        F.count_if(is_active).cast("int").alias("open_tradelines"),
        F.when(limit > 0, owed.cast("double") / limit.cast("double")).alias("bureau_utilization"),
        F.lit(True).alias("has_bureau"),
    )
