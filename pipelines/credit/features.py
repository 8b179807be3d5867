"""Features of customers on a business day, made of complete days before it and of nothing later.

The look-back has literal dates, so only its partitions are read, and only rows of applicants go on.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.core.contracts import conform
from pipelines.core.errors import GateError
from pipelines.credit.balances import average_balances, month_number
from pipelines.credit.bureau import summarise_tradelines
from pipelines.credit.config import CreditConfig, ThinSettings, WindowSettings

_ID_BYTES = 64
"""A token of 29 characters in the hashed form in which it is broadcast."""

_TOTALS = ("total_volume_paise", "transaction_count", "missed_payment_count", "active_days")
_SUMMED = ("sum_paise", "txn_count", "bounce_count", "sum_sq_paise")
_FLOWS = {"credit_sum_paise": "inflow_regularity", "debit_sum_paise": "outflow_regularity"}


@dataclass(frozen=True)
class FeatureInputs:
    """What features of one business day are made of.

    Attributes:
        days: `credit.CustomerDay` rows of any days.
        applicants: `customer_id`, each once, and `customer_since_date`.
        tradelines: accepted `credit.BureauTradeline` rows; None without a bureau.
        count: number of applicants; without it Spark decides how to join them.
    """

    days: DataFrame
    applicants: DataFrame
    tradelines: DataFrame | None
    count: int | None = None

    def wanted(self, broadcast_mib: int) -> DataFrame:
        """Their ids; few enough go to every task, so that the history is not shuffled for them."""
        ids = self.applicants.select("customer_id")
        is_small = self.count is not None and self.count * _ID_BYTES <= broadcast_mib << 20
        return F.broadcast(ids) if is_small else ids


def build_features(
    inputs: FeatureInputs, as_of: date, config: CreditConfig, run_id: str
) -> DataFrame:
    """`credit.CustomerFeatures`: one row per applicant, whatever the number of applications.

    Args:
        inputs: customer-days, applicants, tradelines.
        as_of: business day; it and later days are outside the window.
        config: settings of window and thin files.
        run_id: run that writes the rows.
    """
    wanted = inputs.wanted(config.window.broadcast_mib)
    window = window_days(inputs.days, wanted, as_of, config.window)
    parts = [
        _flows(window, as_of, config.window),
        average_balances(window, as_of),
        _diversity(window, len(config.merchant_categories)),
        summarise_tradelines(inputs.tradelines, wanted, as_of, config.window),
    ]
    rows = inputs.applicants
    for part in parts:
        rows = rows.join(part, "customer_id", how="left")
    return conform(_complete(rows, as_of, config, run_id), "credit.CustomerFeatures")


def window_days(
    days: DataFrame, wanted: DataFrame, as_of: date, settings: WindowSettings
) -> DataFrame:
    """Customer-days of the wanted customers in the look-back `[as_of - lookback_days, as_of)`."""
    first = as_of - timedelta(days=settings.lookback_days)
    inside = f"transaction_date >= DATE'{first}' AND transaction_date < DATE'{as_of}'"
    months = f"transaction_month BETWEEN DATE'{first.replace(day=1)}' AND DATE'{as_of}'"
    return days.where(months).where(inside).join(wanted, "customer_id", "left_semi")


def _flows(window: DataFrame, as_of: date, settings: WindowSettings) -> DataFrame:
    """Totals, volatility and regularity: sums of months, and from those sums of customers."""
    month = month_number(F.col("transaction_date")).alias("month")
    monthly = window.groupBy("customer_id", month).agg(
        F.count_if(F.col("txn_count") > 0).alias("active_days"),
        F.min(F.when(F.col("txn_count") > 0, F.col("transaction_date"))).alias("first_date"),
        F.max("max_utilization").alias("max_utilization"),
        *(F.sum(name).alias(name) for name in _SUMMED),
        *(F.sum(name).cast("decimal(38,0)").alias(name) for name in _FLOWS),
    )
    sums = monthly.groupBy("customer_id").agg(
        F.sum("sum_paise").alias("total_volume_paise"),
        F.sum("txn_count").alias("transaction_count"),
        F.sum("bounce_count").alias("missed_payment_count"),
        F.sum("sum_sq_paise").alias("_squares"),
        F.sum("active_days").alias("active_days"),
        F.min("first_date").alias("first_date"),
        F.max("max_utilization").alias("max_utilization"),
        *_complete_months(as_of, settings),
    )
    made = {name: _regularity(c, settings.complete_months) for c, name in _FLOWS.items()}
    return sums.withColumns({"spending_volatility": _volatility(), **made}).select(
        "customer_id", *_TOTALS, "max_utilization", "first_date", "spending_volatility", *made
    )


def _volatility() -> Column:
    """Sample standard deviation from exact sums: sqrt((n Sxx - Sx^2) / (n (n - 1)))."""
    n, total = (F.col(c).cast("decimal(38,0)") for c in ("transaction_count", "total_volume_paise"))
    spread = (n * F.col("_squares") - total * total).cast("double")
    count = F.col("transaction_count")
    return F.when(count > 1, F.sqrt(spread / (count * (count - 1))))


def _complete_months(as_of: date, settings: WindowSettings) -> list[Column]:
    """Of each flow: the complete months from the first active one, their sum, their squares."""
    start = as_of - timedelta(days=settings.lookback_days)
    # A month is complete if its first day is not before the window and its last one not after.
    first = start.year * 12 + start.month + (start.day > 1)
    last = as_of.year * 12 + as_of.month - 1
    is_complete = F.col("month").between(first, last)
    parts: list[Column] = []
    for name in _FLOWS:
        flow = F.when(is_complete, F.col(name))
        begin = F.min(F.when(flow > 0, F.col("month")))
        parts.append((F.lit(last + 1) - begin).alias(f"{name}_months"))
        parts.append(F.sum(flow).alias(name))
        parts.append(F.sum(flow * flow).alias(f"{name}_squares"))
    return parts


def _regularity(name: str, least_months: int) -> Column:
    """`1 / (1 + CV)`. With n months, sum S and squares Q: CV = sqrt(n Q - S^2) / S."""
    months, total, squares = (F.col(c) for c in (f"{name}_months", name, f"{name}_squares"))
    spread = F.sqrt((months * squares - total * total).cast("double"))
    value = F.lit(1.0) / (F.lit(1.0) + spread / total.cast("double"))
    return F.when((months >= least_months) & (total > 0), value)


def _diversity(window: DataFrame, categories: int) -> DataFrame:
    """Entropy of the merchant categories of UPI debits over that of equal shares."""
    rows = window.select("customer_id", F.explode("upi_counts").alias("one"))
    counts = rows.groupBy("customer_id", F.col("one.category").alias("category")).agg(
        F.sum("one.n").alias("n")
    )
    # Sorted by category: a sum of doubles depends on its order.
    shares = counts.groupBy("customer_id").agg(
        F.sum("n").alias("total"),
        F.array_sort(F.collect_list(F.struct("category", "n"))).alias("parts"),
    )
    entropy = F.expr(
        "aggregate(parts, 0.0D, (sum, one) -> sum - (one.n / total) * ln(one.n / total))"
    )
    scaled = entropy / F.log(F.lit(float(categories)))
    # A single category gives -0.0; adding zero makes it 0.0.
    return shares.select("customer_id", (scaled + 0.0).alias("upi_merchant_diversity"))


def _complete(rows: DataFrame, as_of: date, config: CreditConfig, run_id: str) -> DataFrame:
    zero = {name: F.coalesce(F.col(name), F.lit(0).cast("long")) for name in _TOTALS}
    filled = rows.withColumns(zero)
    count, thin = F.col("transaction_count"), config.thin
    return filled.withColumns(
        {
            "months_on_book": _months_on_book(as_of, config.window.max_months_on_book),
            "is_no_history": count == 0,
            "is_single_transaction": (count > 0) & (count < thin.min_transactions),
            "is_short_history": is_short(F.col("first_date"), as_of, thin),
            "has_bureau": F.coalesce("has_bureau", F.lit(False)),
            "as_of_date": F.lit(as_of),
            "run_id": F.lit(run_id),
        }
    )


def is_short(first: Column, as_of: date, thin: ThinSettings) -> Column:
    """Whether the first day with a transaction is too recent."""
    return F.coalesce(first > F.lit(as_of - timedelta(days=thin.min_days)), F.lit(False))


def _months_on_book(as_of: date, most: int) -> Column:
    """Whole calendar months since the first sign of the customer."""
    first = F.least("customer_since_date", "first_date")
    months = as_of.year * 12 + as_of.month - month_number(first)
    whole = months - F.when(F.lit(as_of.day) < F.dayofmonth(first), 1).otherwise(0)
    return F.when(first.isNotNull(), F.least(whole, F.lit(most)))


def require_one_row_each(customers: pa.ChunkedArray, applicants: int) -> None:
    """Check that the features have one row per applicant: a fan-out would multiply amounts.

    Args:
        customers: the customer of each row of features.
        applicants: how many there are.

    Raises:
        GateError: they have not.
    """
    found = len(customers), pc.count_distinct(customers).as_py()
    if found != (applicants, applicants):
        raise GateError(
            f"features: {found[0]:,} rows of {found[1]:,} customers for {applicants:,} applicants;"
            " a join multiplied or lost rows, nothing is published"
        )
