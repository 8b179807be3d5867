"""Applications of a business day: which snapshot they belong to, their own features, thin files."""

from datetime import date

import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.credit.lake import APPLICATIONS, CreditLake

APPLICATION_COLUMNS = (
    "application_id", "customer_id", "applied_at", "product", "requested_amount_paise",
    "tenure_months", "monthly_income_paise", "employment", "customer_since_date",
)  # fmt: skip
NOT_THIN = "NONE"
_FEW = 100_000
"""Applications at most whose customers are gathered on the driver."""


def assign_snapshots(applications: DataFrame, outcomes: DataFrame | None, as_of: date) -> DataFrame:
    """Add `as_of_date`: the day of its outcome if there is one, else the day of this run.

    An application with an outcome describes a customer of that day; one without is scored today.
    """
    if outcomes is None:
        return applications.withColumn("as_of_date", F.lit(as_of))
    days = outcomes.groupBy("application_id").agg(F.min("as_of_date").alias("as_of_date"))
    joined = applications.join(days, "application_id", how="left")
    return joined.withColumn("as_of_date", F.coalesce("as_of_date", F.lit(as_of)))


def applicants(applications: DataFrame) -> DataFrame:
    """Distinct customers of some applications, with the earliest day they are known since."""
    return applications.groupBy("customer_id").agg(
        F.min("customer_since_date").alias("customer_since_date")
    )


def applicants_on(lake: CreditLake, day: date, version: int) -> tuple[DataFrame, int]:
    """Applicants of a business day in a version of the applications, and how many.

    Few are gathered on the driver: every part of the features asks for them, and then each finds
    them in its plan instead of reading the applications again.
    """
    names = ["customer_id", "customer_since_date"]
    rows = lake.day_rows(APPLICATIONS, version, day, names)
    if rows.num_rows > _FEW:
        who = applicants(lake.read(APPLICATIONS, version).where(F.col("as_of_date") == F.lit(day)))
        return who, pc.count_distinct(rows["customer_id"]).as_py()
    found = rows.group_by(names[0]).aggregate([(names[1], "min")]).rename_columns(names)
    return lake.session.createDataFrame(found), found.num_rows


def join_features(applications: DataFrame, features: DataFrame) -> DataFrame:
    """Applications with the features of their customer, many to one.

    Returns:
        A row per application: its columns, all features, and `thin_file_reason`.
    """
    income = F.col("monthly_income_paise")
    burden = F.col("tenure_months") * income
    ratio = F.when(
        income.isNotNull(), F.col("requested_amount_paise").cast("double") / burden.cast("double")
    )
    kept = features.drop("run_id", "as_of_date")
    joined = applications.join(kept, "customer_id", how="inner")
    return joined.withColumns(
        {"instalment_to_income": ratio, "thin_file_reason": thin_file_reason()}
    )


def thin_file_reason() -> Column:
    """Why an applicant has too little history to be scored; tested in this order."""
    return (
        F.when(F.col("is_no_history"), "NO_HISTORY")
        .when(F.col("is_single_transaction"), "TOO_FEW_TRANSACTIONS")
        .when(F.col("is_short_history"), "SHORT_HISTORY")
        .otherwise(NOT_THIN)
    )
