"""Average balance: month by month and account by account, not transaction by transaction."""

from datetime import date, timedelta

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

_DAY_FACTOR = 1 << 52
_BALANCE_SHIFT = 1 << 51
"""Above `checks.MAX_BALANCE_PAISE`, so that every packed balance is positive."""


def month_number(day: Column) -> Column:
    """Months since year 0."""
    return F.year(day) * 12 + F.month(day)


def average_balances(window: DataFrame, as_of: date) -> DataFrame:
    """Mean over months of the sum over accounts of the last balance in the month.

    A month without a balance carries the previous one of the account. Months run from the
    customer's first balance to the one of the day before `as_of`, and all weigh the same; the mean
    is rounded half up to whole paise.

    Args:
        window: customer-days of the look-back, with `balances`.
        as_of: business day.

    Returns:
        `customer_id`, `avg_balance_paise`; customers without any balance are absent.
    """
    last = as_of - timedelta(days=1)
    end = last.year * 12 + last.month
    months = _month_ends(window)
    by_account = Window.partitionBy("customer_id", "account_id").orderBy("month")
    until = F.coalesce(F.lead("month").over(by_account), F.lit(end + 1))
    held = months.withColumn("weighted", F.col("balance_paise") * (until - F.col("month")))
    sums = held.groupBy("customer_id").agg(
        F.sum("weighted").alias("total"), (F.lit(end + 1) - F.min("month")).alias("months")
    )
    # Half up in whole numbers: floor((2 total + months) / (2 months)).
    average = F.expr("(2 * total + months - pmod(2 * total + months, 2 * months)) div (2 * months)")
    return sums.select("customer_id", average.alias("avg_balance_paise"))


def _month_ends(window: DataFrame) -> DataFrame:
    """Last balance of each account in each month.

    Day of month and balance are packed into one long, whose maximum is the newest balance: an
    aggregate over longs needs no sort, and customers come together once for all that follows.
    """
    rows = window.select("customer_id", "transaction_date", F.explode("balances").alias("one"))
    packed = F.dayofmonth("transaction_date").cast("long") * _DAY_FACTOR + (
        F.col("one.balance_paise") + _BALANCE_SHIFT
    )
    spread = rows.select(
        "customer_id",
        F.col("one.account_id").alias("account_id"),
        month_number(F.col("transaction_date")).alias("month"),
        packed.alias("packed"),
    ).repartition("customer_id")
    newest = spread.groupBy("customer_id", "account_id", "month").agg(F.max("packed").alias("p"))
    balance = F.pmod(F.col("p"), F.lit(_DAY_FACTOR)) - _BALANCE_SHIFT
    return newest.select("customer_id", "account_id", "month", balance.alias("balance_paise"))
