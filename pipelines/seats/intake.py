"""Micro-batch intake: sell what is new, append it to the ledger, publish.

    spark-submit jobs/seat_allocation.py --input day/ --intake      again and again, as files arrive
    spark-submit jobs/seat_allocation.py --input ledger             chart what was sold

An event is new if the ledger does not hold its id, so a run may be killed and started again at any
moment: what was published is not applied twice, what was not is applied by the next run.
"""

import json
from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from pipelines.core.contracts import spark_schema
from pipelines.core.delta_files import Part, drop_parts, table_schema, write_parts
from pipelines.core.delta_tables import read_arrow
from pipelines.core.errors import GateError
from pipelines.core.lake_arrow import append_parts
from pipelines.core.lake_read import read_version
from pipelines.core.quality import REASON
from pipelines.core.runlog import RunLog
from pipelines.core.summary import RunSummary
from pipelines.seats.checks import UNCOUNTED, Limits
from pipelines.seats.config import SeatsConfig
from pipelines.seats.execution import TaskSettings
from pipelines.seats.ledger import DIFFER, PUBLISHED, ledger_events, seller, tokenise
from pipelines.seats.plans import Plans
from pipelines.seats.sources import Source
from pipelines.seats.stage import (
    BOOKS,
    OPENS_KEY,
    key_events,
    partition_events,
    stage_events,
    train_lookup,
)
from pipelines.seats.tables import DAY, DayLake, publish, task_place, write_quarantine
from pipelines.seats.times import end_of_day

LEDGER, TRAINS = "rail_ledger", "rail_trains"
ENTRY = "rail.LedgerEntry"
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
    with log.step("check"):
        ledger, batch = read_ledger(lake), _next_batch(lake)
        limits = Limits(config.rules.group_limit, end_of_day(summary.as_of))
        staged = stage_events(source.requests, source.cancellations, plans, limits)
        tokens = tokenise(staged.rows.where(F.col("kind") != OPENS_KEY), "pnr", settings.tokeniser)
        events = tag_known(tokens, ledger).persist()
        reasons, touched = _look_at(events)
    parts: list[Part] = []
    decisions: Counter[str] = Counter()
    with log.step("sell") as step:
        if touched:
            rows = _rows_to_sell(events, ledger, plans, touched, batch)
            parts, decisions = _sell(rows, plans, lake, settings, batch, summary.run_id)
        step.rows = decisions.total()
    with log.step("ledger"):
        if touched:
            _keep_trains(source.trains, lake)
            append_parts(lake, LEDGER, parts, spark_schema(ENTRY))
        if any(name not in IGNORED for name in reasons):
            bad = _set_aside(events, settings)
            write_quarantine(lake, bad, source.name, summary.run_id, "append")
        _fill(summary, reasons, decisions, batch, source.dead)
        publish(lake, summary)
    events.unpersist()


def _keep_trains(trains: pa.Table, lake: DayLake) -> None:
    """Keep the trains, for a chart of the ledger; as of what Spark reads, any part may be null."""
    rows = trains.select(spark_schema("rail.Train").names)
    lake.replace_days(TRAINS, rows, from_arrow_schema(rows.schema))


def read_ledger(lake: DayLake) -> DataFrame:
    """Published rows of the dates of this run."""
    version = lake.published(LEDGER)
    if version is None:
        return lake.session.createDataFrame([], spark_schema(ENTRY))
    rows = read_version(lake.session, lake.place(LEDGER), version)
    return rows.where(F.col(DAY).isin(list(lake.days)))


def _next_batch(lake: DayLake) -> int:
    """Number of this micro-batch among those of its dates."""
    version = lake.published(LEDGER)
    if version is None:
        return 0
    is_ours = pc.field(DAY).isin(list(lake.days))
    rows = read_arrow(lake.place(LEDGER), version, ["batch_id"], where=is_ours)
    newest = pc.max(rows["batch_id"]).as_py()
    return 0 if newest is None else int(newest) + 1


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


def _look_at(events: DataFrame) -> tuple[Counter[str | None], list[int]]:
    """Events by reason, and the keys that have anything new."""
    reasons: Counter[str | None] = Counter()
    touched = []
    for reason, key, count in events.groupBy(REASON, "key").count().collect():
        reasons[reason] += count
        if reason is None:
            touched.append(key)
    return reasons, touched


def _rows_to_sell(
    events: DataFrame, ledger: DataFrame, plans: Plans, touched: list[int], batch: int
) -> DataFrame:
    """New events, and what is known of their keys, which are replayed."""
    session = events.sparkSession
    nothing = F.lit(None).cast("string").alias(PUBLISHED)
    new = events.where(F.col(REASON).isNull()).withColumn("epoch", F.lit(batch).cast("long"))
    keys = session.createDataFrame(pa.table({"key": pa.array(touched, pa.int32())}))
    opens = key_events(session, len(plans.plans)).select("*", nothing)
    past = ledger_events(ledger, train_lookup(session, plans)).unionByName(opens)
    known = past.join(F.broadcast(keys), "key", how="left_semi")
    cores = session.sparkContext.defaultParallelism
    return partition_events(new.select("*", nothing).unionByName(known), cores)


def _sell(
    rows: DataFrame, plans: Plans, lake: DayLake, settings: TaskSettings, batch: int, run_id: str
) -> tuple[list[Part], Counter[str]]:
    """Files with the new rows of the ledger, and its new events by decision.

    Raises:
        GateError: a replayed decision is not the published one.
    """
    task = seller(rows.sparkSession.sparkContext.broadcast(plans), settings, batch)
    place, schema = lake.place(LEDGER), table_schema(spark_schema(ENTRY))
    written = write_parts(rows, task, task_place(place), schema, lake.volatile, {"run_id": run_id})
    parts, notes = written
    decisions: Counter[str] = Counter()
    for note in notes:
        decisions.update(json.loads(note))
    count = decisions.pop(DIFFER, 0)
    if count:
        drop_parts(place, parts)
        raise GateError(
            f"ledger: {count:,} replayed decisions differ from the published ones; the trains or"
            " the rules have changed since. Nothing was published; put them back"
        )
    return parts, decisions


def _set_aside(events: DataFrame, settings: TaskSettings) -> pa.Table:
    """Records of this batch that cannot be right: token and reason."""
    bad = events.where(F.col(REASON).isNotNull() & ~F.col(REASON).isin(*UNCOUNTED, KNOWN))
    rows = bad.select(F.col(REASON).alias("reason"), "id").toArrow()
    tokens, _ = settings.tokeniser.token_columns(rows["id"])
    return pa.table({"reason": rows["reason"], "record_token": tokens})


def _fill(
    summary: RunSummary, reasons: Counter[str | None], decisions: Counter[str], batch: int,
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
