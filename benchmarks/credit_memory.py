"""Features of many customers in a small heap; the customer-days are made by Spark itself.

python credit_memory.py CUSTOMERS FOLDER OUT
"""

import json
import sys
import time
from datetime import date
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from pipelines.core.contracts import conform
from pipelines.core.spark import build_session
from pipelines.credit.config import CreditConfig
from pipelines.credit.features import FeatureInputs, build_features
from pipelines.credit.steps import SESSION

AS_OF = date(2026, 3, 1)
DAYS_EACH, SAMPLE_ROWS = 52, 20_000


def write_days(session: SparkSession, customers: int, path: str) -> None:
    """`DAYS_EACH` days of each customer, spread over the look-back, one account each."""
    rows = session.range(customers * DAYS_EACH).selectExpr(
        f"id div {DAYS_EACH} AS who", "xxhash64(id) AS h", f"id % {DAYS_EACH} AS k"
    )
    day = F.expr(f"date_sub(DATE'{AS_OF}', int(1 + pmod(h, 14) + 14 * k))")
    amount = F.pmod("h", F.lit(5_000_000)) + 1
    customer = F.concat(F.lit("t0_"), F.lpad(F.col("who").cast("string"), 26, "A"))
    balance = F.struct(
        F.concat(customer, F.lit(".0")).alias("account_id"), amount.alias("balance_paise"),
        day.cast("timestamp").alias("booked_at"), F.concat(F.lit("T"), "k").alias("transaction_id"),
    )  # fmt: skip
    category = F.concat(F.lit("C"), F.pmod("h", F.lit(20)).cast("string"))
    upi = F.struct(category.alias("category"), F.lit(1).cast("long").alias("n"))
    columns = {
        "run_id": F.lit("bench"), "customer_id": customer, "transaction_date": day,
        "transaction_month": F.trunc(day, "month"), "txn_count": F.lit(1).cast("long"),
        "duplicate_count": F.lit(0).cast("long"), "conflict_count": F.lit(0).cast("long"),
        "sum_paise": amount, "sum_sq_paise": (amount * amount).cast("decimal(38,0)"),
        "credit_sum_paise": F.when(F.col("k") % 5 == 0, amount).otherwise(0).cast("long"),
        "debit_sum_paise": F.when(F.col("k") % 5 != 0, amount).otherwise(0).cast("long"),
        "max_utilization": F.pmod("h", F.lit(100)) / 100.0,
        "bounce_count": (F.pmod("h", F.lit(97)) == 0).cast("long"),
        "balances": F.array(balance), "upi_counts": F.array(upi),
    }  # fmt: skip
    made = conform(rows.withColumns(columns), "credit.CustomerDay")
    spread = made.repartition("transaction_month")
    spread.write.partitionBy("transaction_month").mode("overwrite").parquet(path)


def main(customers: int, folder: Path, out: Path) -> None:
    """Write the days once, then time their features."""
    session = build_session("bench", SESSION)
    path = folder / f"credit-days-{customers}-{DAYS_EACH}"
    if not (path / "_SUCCESS").exists():
        write_days(session, customers, str(path))
    days = session.read.parquet(str(path))
    who = session.range(customers).select(
        F.concat(F.lit("t0_"), F.lpad(F.col("id").cast("string"), 26, "A")).alias("customer_id"),
        F.lit(None).cast("date").alias("customer_since_date"),
    )
    start = time.monotonic()
    made = build_features(FeatureInputs(days, who, None, customers), AS_OF, CreditConfig(), "bench")
    made.write.format("noop").mode("overwrite").save()
    spent = time.monotonic() - start
    sample = days.limit(SAMPLE_ROWS).toArrow()
    decoded = sample.nbytes / sample.num_rows * customers * DAYS_EACH
    stored = sum(file.stat().st_size for file in path.rglob("*.parquet"))
    heap = session._jvm.java.lang.Runtime.getRuntime().maxMemory()
    told = {
        "customers": (customers, "customers"), "rows": (customers * DAYS_EACH, "customer-days"),
        "stored": (stored / 2**30, "GiB"), "decoded": (decoded / 2**30, "GiB"),
        "heap": (heap / 2**30, "GiB"), "decoded over heap": (decoded / heap, "x"),
        "seconds": (spent, "s"), "rate": (customers / spent, "customers/s"),
    }  # fmt: skip
    out.write_text(json.dumps(told))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
