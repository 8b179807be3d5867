"""One customer with a million transactions on a day among ten million rows: salted and plain.

python credit_skew.py ROWS HOT FOLDER OUT; times and tasks come from Spark's own event log.
"""

import json
import statistics
import sys
import time
from collections import defaultdict
from datetime import date
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.core.spark import build_session
from pipelines.credit.config import CreditConfig
from pipelines.credit.customer_days import KEY, TRANSACTION_COLUMNS, aggregate_days
from pipelines.credit.steps import SESSION

DAY = date(2026, 2, 1)
CUSTOMERS, DAYS = 200_000, 28
CONFIG = CreditConfig()


def write_transactions(session: SparkSession, rows: int, hot: int, path: str) -> None:
    """Rows of many customers over four weeks; the first `hot` are one customer's on one day."""
    of_hot = F.col("id") < hot
    who = F.when(of_hot, F.lit(0)).otherwise(F.pmod(F.xxhash64("id"), F.lit(CUSTOMERS)))
    back = F.when(of_hot, F.lit(0)).otherwise(F.pmod(F.xxhash64("id", F.lit(1)), F.lit(DAYS)))
    day = F.date_sub(F.lit(DAY), back.cast("int"))
    customer = F.concat(F.lit("t0_"), F.lpad(who.cast("string"), 26, "A"))
    columns = {
        "transaction_id": F.concat(F.lit("T"), "id"), "customer_id": customer,
        "account_id": F.concat(customer, F.lit(".0")), "transaction_date": day,
        "booked_at": day.cast("timestamp") + F.expr("make_dt_interval(0, 0, 0, id % 86400)"),
        "transaction_amount_paise": F.pmod(F.xxhash64("id"), F.lit(5_000_000)) + 1,
        "direction": F.when(F.col("id") % 5 == 0, "CREDIT").otherwise("DEBIT"),
        "monthly_balance_paise": F.pmod("id", F.lit(1_000_000)),
        "credit_utilization": F.pmod("id", F.lit(100)) / 100.0,
        "kind": F.when(F.col("id") % 3 == 0, "UPI").otherwise("CARD"),
        "merchant_category": F.when(F.col("id") % 3 == 0, "GROCERY"),
    }  # fmt: skip
    made = session.range(rows).withColumns(columns).select(*TRANSACTION_COLUMNS)
    made.write.mode("overwrite").parquet(path)


def aggregate(transactions: DataFrame, is_salted: bool) -> tuple[float, int]:
    """Seconds of the aggregation, and a checksum of its rows."""
    keys = transactions.groupBy(*KEY).agg(F.count(F.lit(1)).alias("row_count"))
    hot = keys.where(F.col("row_count") > CONFIG.salt.hot_rows).select(*KEY) if is_salted else None
    made = aggregate_days(transactions, CONFIG.merchant_categories, hot, CONFIG.salt, "bench")
    start = time.monotonic()
    whole = F.xxhash64(*made.columns).cast("decimal(38,0)")
    found = made.agg(F.sum(whole).alias("checksum")).collect()[0]
    return time.monotonic() - start, int(found["checksum"])


def task_spread(log: Path, rows: int) -> tuple[float, float]:
    """Seconds of the longest task of the stage that read all rows, and how many medians that is."""
    read: dict[int, int] = defaultdict(int)
    spent: dict[int, list[float]] = defaultdict(list)
    for file in log.rglob("events_*"):
        for line in file.open():
            event = json.loads(line)
            if event["Event"] != "SparkListenerTaskEnd":
                continue
            told, metrics = event["Task Info"], event["Task Metrics"]
            stage = event["Stage ID"]
            read[stage] += metrics["Shuffle Read Metrics"]["Total Records Read"]
            spent[stage].append((told["Finish Time"] - told["Launch Time"]) / 1000)
    times = max((spent[s] for s, n in read.items() if n == rows), key=sum)
    return max(times), max(times) / statistics.median(times)


def main(rows: int, hot: int, folder: Path, out: Path) -> None:
    """Aggregate both ways; the results must be the same."""
    told: dict[str, tuple[float, str]] = {}
    sums = set()
    for name, is_salted in (("plain", False), ("salted", True)):
        log = out.parent / f"events-{name}"
        log.mkdir(parents=True, exist_ok=True)
        options = {"spark.eventLog.enabled": "true", "spark.eventLog.dir": log.as_uri(),
                   "spark.eventLog.compress": "false"}  # fmt: skip
        session = build_session("bench", SESSION | options)
        path = folder / f"credit-skew-{rows}-{hot}"
        if not (path / "_SUCCESS").exists():
            write_transactions(session, rows, hot, str(path))
        seconds, checksum = aggregate(session.read.parquet(str(path)), is_salted)
        session.stop()
        sums.add(checksum)
        longest, spread = task_spread(log, rows)
        told |= {
            f"{name}": (seconds, "s"), f"{name}, longest task": (longest, "s"),
            f"{name}, longest over median task": (spread, "x"),
        }  # fmt: skip
    told["rows"], told["rows of one key"] = (rows, "rows"), (hot, "rows")
    told["different results"] = (len(sums) - 1, "")
    out.write_text(json.dumps(told))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]))
