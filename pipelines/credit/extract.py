"""Extract: accepted input rows into the lake, only the days and snapshots that are new."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.core.contracts import conform, spark_schema
from pipelines.core.lake_arrow import merge_driver_rows
from pipelines.credit.applications import APPLICATION_COLUMNS, assign_snapshots
from pipelines.credit.bureau import TRADELINE_COLUMNS
from pipelines.credit.checks import application_rules, tradeline_rules
from pipelines.credit.config import CreditConfig
from pipelines.credit.customer_days import KEY, TRANSACTION_COLUMNS, day_digests, key_digests
from pipelines.credit.day_gate import DayGate
from pipelines.credit.intake import Gate, Tally, pick_columns
from pipelines.credit.lake import (
    APPLICATIONS,
    DAY_SOURCES,
    DAYS,
    TRADELINES,
    CreditLake,
    days_condition,
    days_sql,
)
from pipelines.credit.sources import Source

OUTCOME_COLUMNS = ("application_id", "as_of_date", "observed_date", "is_default")


@dataclass
class Intake:
    """What came in.

    Attributes:
        tallies: counts by input.
        changed_days: days that were aggregated anew.
        same_days: delivered days whose content was known.
        later_rows: delivered transactions of the business day or later, which no feature uses.
        snapshots: business days with applications, the newest last.
        quarantined: frames of rows set aside.
    """

    tallies: dict[str, Tally] = field(default_factory=dict)
    changed_days: int = 0
    same_days: int = 0
    later_rows: int = 0
    snapshots: list[date] = field(default_factory=list)
    quarantined: list[DataFrame] = field(default_factory=list)

    def close(self, gate: Gate | DayGate, limit: float, run_id: str) -> None:
        """Count a gate whose accepted rows were written, and keep what it set aside.

        Raises:
            GateError: rows were lost, or too many set aside.
        """
        tally = gate.tally()
        tally.require(limit)
        self.tallies[tally.name] = tally
        if tally.rejected:
            self.quarantined.append(gate.quarantined(run_id))


def take_days(
    source: Source, lake: CreditLake, config: CreditConfig, run_id: str, intake: Intake, as_of: date
) -> None:
    """Aggregate the days whose transactions are new or changed, and replace exactly those.

    Raises:
        ContractError: a column is missing or of another type.
        GateError: too many rows are set aside.
    """
    raw = pick_columns(
        source.tables["transactions"], "credit.AccountTransaction", TRANSACTION_COLUMNS,
        "transactions",
    )  # fmt: skip
    keys = key_digests(raw)
    delivered = day_digests(keys, run_id).toArrow()
    changed, same = _changed_days(delivered, lake)
    intake.same_days, intake.changed_days = same, len(changed)
    later = delivered.filter(pc.field("transaction_date") >= as_of)
    intake.later_rows = sum(later["row_count"].to_pylist())
    days = changed["transaction_date"].to_pylist()
    if not days and lake.seen(DAYS) is not None:
        intake.tallies["transactions"] = Tally("transactions", 0, 0, 0)
        return
    rows = raw
    if same:
        dated = raw.where(F.expr(days_sql("transaction_date", days) if days else "false"))
        rows = dated.unionByName(raw.where("transaction_date IS NULL"))
    is_hot = F.col("row_count") > config.salt.hot_rows
    most = max(changed["most"].to_pylist(), default=0)
    hot = keys.where(is_hot).select(*KEY) if most > config.salt.hot_rows else None
    gate = DayGate(rows, config, hot, run_id)
    lake.replace_days(DAYS, gate.days, "transaction_date", days, month="transaction_month")
    written = lake.staged_or_published(DAYS)
    if written is not None and days:
        gate.days = written.where(days_condition("transaction_date", days, "transaction_month"))
    intake.close(gate, config.max_reject_share, run_id)
    schema = spark_schema("credit.TransactionDay")
    merge_driver_rows(lake, DAY_SOURCES, changed, schema, ["transaction_date"])


def _changed_days(rows: pa.Table, lake: CreditLake) -> tuple[pa.Table, int]:
    """Delivered days that differ from what was last aggregated, and the number of the others."""
    if lake.seen(DAY_SOURCES) is None:
        return rows, 0
    names = ["transaction_date", "row_count", "digest"]
    known, found = (
        zip(*(table[name].to_pylist() for name in names), strict=True)
        for table in (lake.arrow(DAY_SOURCES, names), rows)
    )
    before = set(known)
    is_new = [row not in before for row in found]
    return rows.filter(pa.array(is_new, pa.bool_())), is_new.count(False)


def take_tradelines(
    source: Source, lake: CreditLake, config: CreditConfig, run_id: str, intake: Intake
) -> None:
    """Accept the reports of the bureau, if the input has any."""
    given = source.get("tradelines")
    if given is None:
        return
    rows = pick_columns(given, "credit.BureauTradeline", TRADELINE_COLUMNS, "tradelines")
    keys = ("customer_id", "tradeline_id", "reported_date")
    gate = Gate("tradelines", rows, tradeline_rules(), keys)
    found = gate.accepted.withColumn("run_id", F.lit(run_id))
    lake.write(TRADELINES, conform(found, "credit.TradelineReport"))
    intake.close(gate, config.max_reject_share, run_id)


def take_applications(
    source: Source,
    lake: CreditLake,
    config: CreditConfig,
    run_id: str,
    intake: Intake,
    as_of: date,
    snapshots: Sequence[date],
) -> None:
    """Accept the applications of some snapshots; those of other days are not looked at."""
    rows = pick_columns(
        source.tables["applications"], "credit.LoanApplication", APPLICATION_COLUMNS,
        "applications",
    )  # fmt: skip
    assigned = assign_snapshots(rows, known_outcomes(source), as_of)
    wanted = assigned.where(F.col("as_of_date").isin(list(snapshots)))
    gate = Gate("applications", wanted, application_rules(config), ("application_id",))
    found = gate.accepted.withColumn("run_id", F.lit(run_id))
    found = conform(found, "credit.ApplicationSnapshot")
    lake.replace_days(APPLICATIONS, found, "as_of_date", snapshots)
    intake.close(gate, config.max_reject_share, run_id)


def known_outcomes(source: Source) -> DataFrame | None:
    """Outcomes of the input, or None."""
    given = source.get("outcomes")
    if given is None:
        return None
    return pick_columns(given, "credit.LoanOutcome", OUTCOME_COLUMNS, "outcomes")


def training_snapshots(source: Source, as_of: date) -> list[date]:
    """Business days before this one whose outcomes were known by now."""
    outcomes = known_outcomes(source)
    if outcomes is None:
        return []
    day = F.lit(as_of)
    ready = outcomes.where((F.col("as_of_date") < day) & (F.col("observed_date") <= day))
    found = ready.select("as_of_date").distinct().collect()
    return sorted(row["as_of_date"] for row in found)
