"""Micro-batch intake: sell what is new, append it to the ledger, publish.

    spark-submit jobs/seat_allocation.py --input day/ --intake      again and again, as files arrive
    spark-submit jobs/seat_allocation.py --input ledger             chart what was sold

An event is new if the ledger does not hold its id, so a run may be killed and started again at any
moment: what was published is not applied twice, what was not is applied by the next run.
"""

from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.core.contracts import conform, spark_schema
from pipelines.core.errors import GateError
from pipelines.core.quality import REASON
from pipelines.core.runlog import RunLog
from pipelines.core.summary import RunSummary
from pipelines.seats.checks import UNCOUNTED, Limits
from pipelines.seats.codes import QUOTAS
from pipelines.seats.config import SeatsConfig
from pipelines.seats.execution import TaskSettings
from pipelines.seats.ledger import KINDS, ledger_events, sell, tokenise
from pipelines.seats.plans import Plans
from pipelines.seats.sources import Source
from pipelines.seats.stage import (
    BOOKS,
    OPENS_KEY,
    partition_events,
    stage_events,
    train_lookup,
)
from pipelines.seats.tables import DayLake, publish
from pipelines.seats.times import end_of_day

if TYPE_CHECKING:
    from pyspark import Broadcast

LEDGER, TRAINS = "rail_ledger", "rail_trains"
APPLIED = ("CONFIRMED", "RAC", "WAITLISTED", "APPLIED")
KNOWN = "ALREADY_APPLIED"
IGNORED = (None, *UNCOUNTED, KNOWN)
"""Reasons of events that are good, or no events of this batch."""


def run_intake(
    source: Source, plans: Plans, lake: DayLake, config: SeatsConfig, settings: TaskSettings,
    summary: RunSummary, log: RunLog,
) -> None:  # fmt: skip
    """Apply what the ledger does not hold yet as one micro-batch.

    Raises:
        GateError: a replayed decision differs from the ledger; nothing is published.
    """
    session = lake.session
    with log.step("check"):
        lookup = train_lookup(session, plans)
        ledger = read_ledger(lake)
        batch = (ledger.agg(F.max("batch_id")).collect()[0][0] or 0) + 1 if ledger.head(1) else 0
        limits = Limits(config.rules.group_limit, end_of_day(summary.as_of))
        staged = stage_events(source.requests, source.cancellations, plans, limits)
        tokens = tokenise(staged, "pnr", settings.tokeniser)
        events = tag_known(tokens.where(F.col("kind") != OPENS_KEY), ledger).persist()
    with log.step("sell") as step:
        new = events.where(F.col(REASON).isNull()).withColumn("epoch", F.lit(batch).cast("long"))
        broadcast = session.sparkContext.broadcast(plans)
        sold = _sell(new, ledger_events(ledger, lookup), broadcast, settings, staged).persist()
        _hold_to_ledger(sold, ledger, batch)
        reasons = {r[REASON]: r["count"] for r in events.groupBy(REASON).count().collect()}
        own = sold.where(F.col("epoch") == batch)
        decisions = {r["decision"]: r["count"] for r in own.groupBy("decision").count().collect()}
        step.rows = sum(decisions.values())
    with log.step("ledger"):
        if decisions:
            lake.write(TRAINS, source.frame_of_trains(session))
            lake.write(LEDGER, ledger_rows(new, own, plans, batch, summary.run_id), "append")
        if any(name not in IGNORED for name in reasons):
            lake.write("quarantine", _quarantine(events, source, settings, summary.run_id))
        _fill(summary, reasons, decisions, batch, source.dead)
        publish(lake, summary)
    sold.unpersist()
    events.unpersist()


def read_ledger(lake: DayLake) -> DataFrame:
    """Published rows of the dates of this run."""
    if lake.published(LEDGER) is None:
        return lake.session.createDataFrame([], spark_schema("rail.LedgerEntry"))
    return lake.read(LEDGER).where(F.col("service_date").isin(list(lake.days)))


def tag_known(events: DataFrame, ledger: DataFrame) -> DataFrame:
    """Give events that the ledger holds, and requests on a PNR it holds, their reason."""
    ids = ledger.select(
        F.when(F.col("kind") == "BOOKING", BOOKS).otherwise(0).alias("kind"),
        F.col("entry_id").alias("id"),
        F.lit(True).alias("_is_known"),
    )
    pnrs = ledger.where("kind = 'BOOKING'").select(
        "pnr", F.lit(BOOKS).alias("kind"), F.lit(True).alias("_has_pnr")
    )
    marked = events.join(ids, ["kind", "id"], how="left").join(pnrs, ["kind", "pnr"], how="left")
    found = F.when(F.col("_is_known"), F.lit(KNOWN)).when(
        F.col(REASON).isNull() & F.col("_has_pnr"), F.lit("DUPLICATE_PNR")
    )
    return marked.withColumn(REASON, F.coalesce(found, REASON)).select(events.columns)


def _sell(
    new: DataFrame, history: DataFrame, plans: "Broadcast[Plans]", settings: TaskSettings,
    staged: DataFrame,
) -> DataFrame:  # fmt: skip
    """Replay the keys that have anything new."""
    touched = new.select("key").distinct()
    past = history.join(F.broadcast(touched), "key", how="left_semi").select(*new.columns)
    opens = staged.where(F.col("kind") == OPENS_KEY).join(
        F.broadcast(touched), "key", how="left_semi"
    )
    everything = new.unionByName(past).unionByName(opens.select(*new.columns))
    cores = new.sparkSession.sparkContext.defaultParallelism
    return sell(partition_events(everything, cores), plans, settings)


def _hold_to_ledger(sold: DataFrame, ledger: DataFrame, batch: int) -> None:
    """Compare the replayed decisions with those that were published."""
    replayed = sold.where(F.col("epoch") < batch).select("kind", "entry_id", "decision")
    known = ledger.select("kind", "entry_id", F.col("decision").alias("published"))
    differ = replayed.join(known, ["kind", "entry_id"], how="left").where(
        "NOT decision <=> published"
    )
    count = differ.count()
    if count:
        raise GateError(
            f"ledger: {count:,} replayed decisions differ from the published ones; the trains or"
            " the rules have changed since. Nothing was published; put them back"
        )


def ledger_rows(
    new: DataFrame, sold: DataFrame, plans: Plans, batch: int, run_id: str
) -> DataFrame:
    """Rows of `rail.LedgerEntry` of one micro-batch."""
    session = new.sparkSession
    names = [(key, *plans.name(key)) for key in range(len(plans.plans))]
    keys = session.createDataFrame(
        names, "key int, train_id string, service_date date, travel_class string"
    )
    kinds = F.array(*map(F.lit, KINDS))
    events = new.select(
        F.get(kinds, F.col("kind")).alias("kind"),
        F.col("id").alias("entry_id"),
        "pnr",
        F.timestamp_millis("at").alias("applied_at"),
        "from_seq",
        "to_seq",
        _quota_name().alias("quota"),
        F.coalesce("people", F.array().cast("array<bigint>")).alias("people"),
    )
    decided = events.join(sold, ["kind", "entry_id"]).join(F.broadcast(keys), "key")
    stamped = decided.withColumns({"run_id": F.lit(run_id), "batch_id": F.lit(batch).cast("long")})
    return conform(stamped, "rail.LedgerEntry")


def _quota_name() -> Column:
    names = F.array(*map(F.lit, QUOTAS))
    return F.coalesce(
        F.when(F.col("kind") == BOOKS, F.get(names, F.col("quota"))), F.lit("UNKNOWN")
    )


def _quarantine(
    events: DataFrame, source: Source, settings: TaskSettings, run_id: str
) -> DataFrame:
    """Records of this batch that cannot be right: token and reason."""
    bad = events.where(F.col(REASON).isNotNull() & ~F.col(REASON).isin(*UNCOUNTED, KNOWN))
    rows = tokenise(bad.select("id", REASON), "id", settings.tokeniser)
    named = rows.select(
        F.lit(run_id).alias("run_id"),
        F.lit(source.name).alias("dataset"),
        F.col(REASON).alias("reason"),
        F.col("id").alias("record_token"),
        F.lit(None).cast("string").alias("location"),
    )
    return conform(named, "ops.QuarantinedRecord")


def _fill(
    summary: RunSummary, reasons: dict[str | None, int], decisions: dict[str, int], batch: int,
    dead: int,
) -> None:  # fmt: skip
    """Counts and figures of a micro-batch."""
    ignored = sum(reasons.get(name, 0) for name in (*UNCOUNTED, KNOWN))
    bad = {name: number for name, number in reasons.items() if name not in IGNORED}
    out = sum(number for name, number in decisions.items() if name in APPLIED)
    read, refused = sum(reasons.values()) + dead, sum(decisions.values()) - out
    summary.counts = {
        "read": read, "duplicates": ignored, "in": read - ignored, "out": out,
        "rejected": refused + sum(bad.values()), "quarantined": sum(bad.values()), "dlq": dead,
        "late": 0,
    }  # fmt: skip
    summary.check_accounting()
    summary.metrics = {
        "batch": batch,
        **{name.lower(): decisions.get(name, 0) for name in APPLIED},
        "refused": refused,
        "already_applied": reasons.get(KNOWN, 0),
    }
