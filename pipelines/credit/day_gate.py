"""Transactions on their way to customer-days: rules first, then copies, counted while they pass."""

from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from pipelines.core.contracts import conform
from pipelines.core.quality import REASON, apply_rules
from pipelines.credit.checks import CONFLICT, transaction_rules
from pipelines.credit.config import CreditConfig
from pipelines.credit.customer_days import aggregate_days
from pipelines.credit.intake import Tally, safe_token

NAME = "transactions"


class DayGate:
    """The gate of `intake.Gate` for transactions; copies are folded while days are made."""

    def __init__(self, rows: DataFrame, config: CreditConfig, hot: DataFrame | None, run_id: str):
        self._rules = transaction_rules()
        self._read, self._made = Observation("transactions read"), Observation("customer-days")
        by_code = [F.count_if(F.col(REASON) == one.code).alias(one.code) for one in self._rules]
        self._tagged = apply_rules(rows, self._rules)
        passed = self._tagged.observe(self._read, F.count(F.lit(1)).alias("rows"), *by_code)
        good = passed.where(f"{REASON} IS NULL").select(*rows.columns)
        days = aggregate_days(good, config.merchant_categories, hot, config.salt, run_id)
        counted = ("txn_count", "duplicate_count", "conflict_count")
        self.days = days.observe(self._made, *(F.sum(name).alias(name) for name in counted))

    def tally(self) -> Tally:
        """Counts; call it after `days` has been written."""
        read, made = dict(self._read.get), dict(self._made.get)
        reasons = {one.code: int(read.get(one.code) or 0) for one in self._rules}
        reasons[CONFLICT] = int(made.get("conflict_count") or 0)
        return Tally(
            NAME, int(read["rows"]), int(made.get("duplicate_count") or 0),
            int(made.get("txn_count") or 0), {code: n for code, n in reasons.items() if n},
        )  # fmt: skip

    def quarantined(self, run_id: str) -> DataFrame:
        """Rows set aside, as `ops.QuarantinedRecord`: reason, token, input, and no values.

        Set `days` to the rows that were written before, or they are aggregated again.
        """
        broken = self._tagged.where(f"{REASON} IS NOT NULL").select(
            F.col(REASON).alias("reason"), safe_token(REASON).alias("record_token")
        )
        each = F.explode(F.sequence(F.lit(1), F.col("conflict_count").cast("int")))
        conflicts = self.days.where("conflict_count > 0").select(
            F.lit(CONFLICT).alias("reason"), F.col("customer_id").alias("record_token"), each
        )
        rows = broken.unionByName(conflicts.drop("col"))
        origin = {"dataset": F.lit(NAME), "location": F.lit(None).cast("string")}
        return conform(
            rows.withColumns(origin | {"run_id": F.lit(run_id)}), "ops.QuarantinedRecord"
        )
