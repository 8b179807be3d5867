"""Small hand-made inputs."""

from datetime import UTC, date, datetime, timedelta

from pyspark.sql import types as T

from pipelines.core.contracts import spark_schema
from pipelines.credit.config import CreditConfig
from pipelines.credit.customer_days import KEY, TRANSACTION_COLUMNS, aggregate_days
from pipelines.credit.features import FeatureInputs, build_features

AS_OF = date(2026, 3, 1)
CONFIG = CreditConfig()


def transaction(number, day, amount, **changes):
    """One row; `day` is a date or days before AS_OF."""
    day = day if isinstance(day, date) else AS_OF - timedelta(days=day)
    given = {
        "transaction_id": f"T{number}", "customer_id": "c1", "account_id": "c1.0", "transaction_date": day,
        "booked_at": datetime(day.year, day.month, day.day, 6, tzinfo=UTC), "transaction_amount_paise": amount,
        "direction": "DEBIT", "monthly_balance_paise": None, "credit_utilization": None, "kind": "OTHER", "merchant_category": None,
    }  # fmt: skip
    return given | changes


def transactions(spark, rows):
    full = spark_schema("credit.AccountTransaction")
    schema = T.StructType([T.StructField(n, full[n].dataType) for n in TRANSACTION_COLUMNS])
    return spark.createDataFrame([tuple(r[n] for n in TRANSACTION_COLUMNS) for r in rows], schema)


def days_of(spark, rows, hot=None, salt=CONFIG.salt):
    frame = transactions(spark, rows)
    keys = None if hot is None else frame.select(*KEY).distinct().where(hot)
    return aggregate_days(frame, CONFIG.merchant_categories, keys, salt, "run")


def features_of(spark, rows, as_of=AS_OF, people=(("c1", None),), tradelines=None):
    who = spark.createDataFrame(list(people), "customer_id string, customer_since_date date")
    inputs = FeatureInputs(days_of(spark, rows), who, tradelines)
    made = build_features(inputs, as_of, CONFIG, "run").collect()
    return {row["customer_id"]: row for row in made}
