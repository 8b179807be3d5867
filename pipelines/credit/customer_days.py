"""What one customer did on one day: the grain every feature is made of.

Rows are spread by customer and day and aggregated in whole arrays (`day_kernel.py`). The few keys
with very many rows are spread further by a salt of the transaction, so copies of one transaction
still meet, and their partial rows are merged. All columns are exact integers, maxima or
last-by-(moment, id): salted and unsalted rows are the same.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.core.contracts import conform
from pipelines.credit.config import SaltSettings
from pipelines.credit.day_kernel import HALF_BITS, SUMS, aggregate_batch

KEY = ("customer_id", "transaction_date")
TRANSACTION_COLUMNS = (
    "transaction_id", "customer_id", "account_id", "transaction_date", "booked_at",
    "transaction_amount_paise", "direction", "monthly_balance_paise", "credit_utilization", "kind",
    "merchant_category",
)  # fmt: skip
_ADDED = (*SUMS, "duplicate_count", "conflict_count")
_PARTIAL = (
    "customer_id string, transaction_date date, "
    + ", ".join(f"{name} bigint" for name in SUMS)
    + ", max_utilization double, duplicate_count bigint, conflict_count bigint,"
    " balances array<struct<account_id:string,balance_paise:bigint,booked_at:timestamp,"
    "transaction_id:string>>, upi_counts array<struct<category:string,n:bigint>>"
)


def aggregate_days(
    transactions: DataFrame, categories: Sequence[str], hot: DataFrame | None,
    salt: SaltSettings, run_id: str,
) -> DataFrame:  # fmt: skip
    """Fold copies and aggregate to `credit.CustomerDay` rows.

    Args:
        transactions: rows that broke no rule, with `TRANSACTION_COLUMNS`.
        categories: known merchant categories.
        hot: `KEY` of the keys that are salted; None for none.
        salt: number of salts.
        run_id: run that writes the rows.
    """
    kernel = partial(_aggregate_task, categories=tuple(categories))
    if hot is None:
        days = transactions.repartition(*KEY).mapInArrow(kernel, _PARTIAL)
    else:
        salted = transactions.join(F.broadcast(hot.withColumn("is_hot", F.lit(True))), list(KEY),
                                   how="left")  # fmt: skip
        place = F.pmod(F.xxhash64("transaction_id"), F.lit(salt.buckets))
        spread = salted.withColumn("_salt", F.when(F.col("is_hot"), place).otherwise(0))
        parts = spread.repartition(*KEY, "_salt").select(*transactions.columns)
        days = _merge(parts.mapInArrow(kernel, _PARTIAL), hot)
    squares = [F.col(f"square_{name}").cast("decimal(38,0)") for name in ("high", "mixed", "low")]
    total = _power(2 * HALF_BITS) * squares[0] + _power(HALF_BITS + 1) * squares[1] + squares[2]
    named = days.withColumns(
        {
            "sum_sq_paise": total.cast("decimal(38,0)"),
            "transaction_month": F.trunc("transaction_date", "month"),
            "run_id": F.lit(run_id),
        }
    )
    return conform(named, "credit.CustomerDay")


def _power(bits: int) -> Column:
    return F.lit(1 << bits).cast("decimal(14,0)")


def _aggregate_task(
    batches: Iterable[pa.RecordBatch], categories: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """All rows of one task; it holds whole customer-days, or one salt of them."""
    found = list(batches)
    if sum(batch.num_rows for batch in found):
        yield from aggregate_batch(pa.Table.from_batches(found), categories).to_batches()


def _merge(parts: DataFrame, hot: DataFrame) -> DataFrame:
    """Join the partial rows of hot keys; the others pass as they are."""
    keys = F.broadcast(hot)
    whole = parts.join(keys, list(KEY), how="left_anti")
    split = parts.join(keys, list(KEY), how="left_semi")
    sums = split.groupBy(*KEY).agg(
        *(F.sum(name).alias(name) for name in _ADDED),
        F.max("max_utilization").alias("max_utilization"),
        F.flatten(F.collect_list("balances")).alias("balances"),
        F.flatten(F.collect_list("upi_counts")).alias("upi_counts"),
    )
    merged = sums.withColumns(
        {"balances": F.expr(_LAST_BALANCES), "upi_counts": F.expr(_SUMMED_COUNTS)}
    )
    return whole.unionByName(merged.select(whole.columns))


# The account's balance with the greatest (moment, transaction), once per account, by account.
_LAST_BALANCES = """
    transform(array_sort(array_distinct(balances.account_id)), a ->
        array_max(transform(filter(balances, b -> b.account_id = a), b -> struct(
            b.booked_at AS booked_at, b.transaction_id AS transaction_id,
            b.account_id AS account_id, b.balance_paise AS balance_paise))))
"""
_LAST_BALANCES = f"""
    transform({_LAST_BALANCES}, b -> struct(
        b.account_id AS account_id, b.balance_paise AS balance_paise,
        b.booked_at AS booked_at, b.transaction_id AS transaction_id))
"""
_SUMMED_COUNTS = """
    transform(array_sort(array_distinct(upi_counts.category)), c -> struct(
        c AS category,
        aggregate(filter(upi_counts, u -> u.category = c), 0L, (sum, u) -> sum + u.n) AS n))
"""


def key_digests(transactions: DataFrame) -> DataFrame:
    """Rows and content of each key: `row_count`, and `digest`, a sum of row hashes."""
    content = F.xxhash64(
        *(part for name in TRANSACTION_COLUMNS for part in (F.col(name), F.col(name).isNull()))
    )
    halves = (F.shiftright(content, 32), content.bitwiseAND(F.lit(0xFFFFFFFF)))
    return transactions.where("transaction_date IS NOT NULL").groupBy(*KEY).agg(
        F.count(F.lit(1)).alias("row_count"),
        F.sum(halves[0]).alias("high"), F.sum(halves[1]).alias("low"),
    )  # fmt: skip


def day_digests(keys: DataFrame, run_id: str) -> DataFrame:
    """`credit.TransactionDay` rows: how many rows each day was delivered with, and their digest.

    `most` beside them is the largest number of rows of one customer.
    """
    low, high = F.sum("low").cast("string"), F.sum("high").cast("string")
    return keys.groupBy("transaction_date").agg(
        F.sum("row_count").alias("row_count"),
        F.concat_ws(":", high, low).alias("digest"),
        F.max("row_count").alias("most"),
    ).withColumn("run_id", F.lit(run_id))  # fmt: skip
