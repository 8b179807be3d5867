"""The ledger of the intake: every event applied, in the order applied, with its decision.

It is the only state. A new micro-batch replays the events of its trains in that order and then
applies its own; the kernel is a pure function of the ordered events, so earlier decisions come out
as they were, and what they hold is not sold again.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import Broadcast
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.core.delta_files import Emit
from pipelines.core.privacy import Tokeniser
from pipelines.core.quality import REASON
from pipelines.seats.arrange import Arranged, arrange
from pipelines.seats.codes import AS_OF, I64, NONE, QUOTAS, ClassPlan, Verdict, Why
from pipelines.seats.execution import TaskSettings
from pipelines.seats.kernel import Outcome, allocate
from pipelines.seats.plans import Plans
from pipelines.seats.stage import BOOKS, CANCELS, EVENT_COLUMNS

Batches = Iterable[pa.RecordBatch]

PUBLISHED = "published"
"""Decision of the ledger about an event, null for a new one."""
DIFFER = "differ"
KINDS = ("CANCELLATION", "BOOKING")
DECISIONS = {Why.FITS_QUOTA: "CONFIRMED", Why.FITS_RAC: "RAC", Why.QUOTA_FULL: "WAITLISTED"}


def tokenise(events: DataFrame, name: str, tokeniser: Tokeniser) -> DataFrame:
    """Events with the tokens of a column in its place."""

    def replace(batches: Batches) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            tokens, _ = tokeniser.token_columns(batch.column(name))
            place = batch.schema.get_field_index(name)
            yield batch.set_column(place, name, tokens)

    return events.mapInArrow(replace, events.schema)


def ledger_events(ledger: DataFrame, lookup: DataFrame) -> DataFrame:
    """Rows of the ledger as the events they were, `EVENT_COLUMNS` and `PUBLISHED`.

    Args:
        ledger: rows of `rail.LedgerEntry`.
        lookup: trains by id and date, see `stage.train_lookup`.
    """
    known = ledger.join(F.broadcast(lookup), ["train_id", "service_date"])
    place = F.array_position("classes", F.col("travel_class"))
    names = F.array(*map(F.lit, QUOTAS))
    return known.select(
        (F.col("first_key") + place - 1).cast("int").alias("key"),
        F.when(F.col("kind") == "BOOKING", BOOKS).otherwise(CANCELS).alias("kind"),
        F.unix_millis("applied_at").alias("at"),
        F.col("batch_id").alias("epoch"),
        F.col("entry_id").alias("id"),
        "pnr",
        "from_seq",
        "to_seq",
        (F.array_position(names, F.col("quota")) - 1).cast("int").alias("quota"),
        "people",
        F.lit(None).cast("string").alias(REASON),
        F.col("decision").alias(PUBLISHED),
    ).select(*EVENT_COLUMNS, PUBLISHED)


def seller(plans: Broadcast[Plans], settings: TaskSettings, batch: int) -> Emit:
    """Function of a task: earlier and new events of its keys in, new rows of the ledger out.

    It leaves one note: new events by decision, and how many replayed ones are not as published.

    Args:
        plans: the trains.
        settings: constants of the run.
        batch: number of this micro-batch.
    """

    def task(batches: Batches, notes: list[bytes]) -> Iterator[pa.RecordBatch]:
        found = list(batches)
        if not found:
            return
        told = sell_table(pa.Table.from_batches(found), plans.value, settings)
        is_new = pc.equal(told["batch_id"], batch)
        new, replayed = told.filter(is_new), told.filter(pc.invert(is_new))
        is_other = pc.not_equal(replayed["decision"], replayed[PUBLISHED]).fill_null(True)
        differ = pc.sum(is_other).as_py() or 0
        notes.append(json.dumps({DIFFER: differ, **Counter(new["decision"].to_pylist())}).encode())
        yield from new.drop_columns(PUBLISHED).combine_chunks().to_batches()

    return task


def sell_table(events: pa.Table, plans: Plans, settings: TaskSettings) -> pa.Table:
    """Decisions of one partition; no engine is needed.

    Returns:
        Rows of `rail.LedgerEntry` without `run_id`, in the order applied, and what was published.
    """
    arranged = arrange(events, settings.ages)
    outcomes = [
        allocate(_uncharted(plans, key), requests, passengers, happened, 1)
        for key, requests, passengers, happened in arranged.slices()
    ]
    rows = events.take(pa.array(arranged.event_rows))
    decision, position = _decisions(outcomes)
    quotas = pa.array(QUOTAS).take(pc.if_else(pc.equal(rows["kind"], BOOKS), rows["quota"], None))
    return pa.table(
        {
            "batch_id": rows["epoch"],
            "kind": pa.array(KINDS).take(rows["kind"]),
            "entry_id": rows["id"],
            "pnr": rows["pnr"],
            **_names(rows["key"], plans),
            "applied_at": rows["at"].cast(pa.timestamp("ms", "UTC")),
            "from_seq": rows["from_seq"],
            "to_seq": rows["to_seq"],
            "quota": quotas.fill_null("UNKNOWN"),
            "people": pc.coalesce(rows["people"], pa.scalar([], pa.list_(pa.int64()))),
            "decision": pa.array(decision, pa.string()),
            "position": pa.array(position.astype(np.int32), mask=position <= 0),
            "is_late": pa.array(_late(arranged)),
            PUBLISHED: rows[PUBLISHED],
        }
    )


def _names(keys: pa.ChunkedArray, plans: Plans) -> dict[str, pa.ChunkedArray]:
    """Train, date and class of each event."""
    names = zip(*(plans.name(key) for key in range(len(plans.plans))), strict=True)
    columns = ("train_id", "service_date", "travel_class")
    return {
        column: pa.array(values).take(keys) for column, values in zip(columns, names, strict=True)
    }


def _uncharted(plans: Plans, key: int) -> ClassPlan:
    """The plan of a key while booking is open: nobody charts during the intake."""
    plan = plans.plans[key]
    times = plan.times.copy()
    times[AS_OF] = NONE
    return plan._replace(times=times)


def _decisions(outcomes: list[Outcome]) -> tuple[list[str], I64]:
    """Decision and first place in a list per event, in their order."""
    decisions: list[str] = []
    positions: list[int] = []
    for one in outcomes:
        for event in one.events:
            position = 0
            if event["mask"] or event["verdict"]:
                decisions.append(Verdict(int(event["verdict"])).name)
            else:
                why = Why(int(one.desk.why[event["request"], 0]["code"]))
                decisions.append(DECISIONS.get(why, why.name))
                if why in (Why.FITS_RAC, Why.QUOTA_FULL):
                    position = int(one.desk.state[event["request"]]["first_position"])
            positions.append(position)
    return decisions, np.array(positions, dtype=np.int64)


def _late(arranged: Arranged) -> list[bool]:
    """Whether an event is older than one of its key that an earlier micro-batch applied."""
    late: list[bool] = []
    for k in range(len(arranged.keys)):
        rows = slice(*arranged.event_bounds[k : k + 2])
        epochs, at = arranged.epochs[rows], arranged.events["at"][rows]
        newest = {
            epoch: max((at[epochs < epoch]).tolist(), default=NONE)
            for epoch in np.unique(epochs).tolist()
        }
        late += [bool(at[n] < newest[int(epochs[n])]) for n in range(len(at))]
    return late
