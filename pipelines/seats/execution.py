"""The Spark task: events of a partition in, finished tables out, one kernel call per key.

A task writes the rows of the result tables as files and returns their names; what is small it
returns as Arrow tables packed into bytes. So one pass fills every table, and no row passes through
the JVM.
A task books nobody: the driver commits the names of each task once, whatever ran twice.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyspark import Broadcast
from pyspark.sql import DataFrame

from pipelines.core.delta_files import Part
from pipelines.core.privacy import Tokeniser
from pipelines.core.quality import REASON
from pipelines.seats.arrange import Ages, arrange
from pipelines.seats.checks import UNCOUNTED
from pipelines.seats.kernel import Outcome, allocate
from pipelines.seats.parcels import pack_table, read_packed
from pipelines.seats.plans import Plans
from pipelines.seats.rows import PartitionRows
from pipelines.seats.stage import OPENS_KEY
from pipelines.seats.tables import TaskFiles

Batches = Iterable[pa.RecordBatch]

PARCEL = "kind string, payload binary"
PARTS = "parts"
_PARCEL = pa.schema([("kind", pa.string()), ("payload", pa.binary())])
TABLES = ("allocation", "chart", "segments", "classes", "quarantine", "counts")


@dataclass(frozen=True)
class TaskSettings:
    """What a task needs besides its rows; small enough to travel with the code."""

    ages: Ages
    tokeniser: Tokeniser
    has_tokens: bool  # PNRs are tokens already
    variants: int
    epsilon: float


@dataclass(frozen=True)
class Allotted:
    """What the tasks made, on the driver.

    Attributes:
        parts: files that wait for their commit, by kind of table.
        quarantine: reason and token of each record set aside.
        counts: named numbers of all tasks.
    """

    parts: dict[str, list[Part]]
    quarantine: pa.Table
    counts: pa.Table


def allot(
    events: DataFrame, plans: Broadcast[Plans], settings: TaskSettings, files: TaskFiles
) -> Allotted:
    """Run the kernel over partitioned events.

    Args:
        events: result of `partition_events`.
        plans: the trains.
        settings: constants of the run.
        files: where the tasks write.
    """

    def task(batches: Batches) -> Iterator[pa.RecordBatch]:
        found = list(batches)
        if not found:
            return
        tables = allot_table(pa.Table.from_batches(found), plans.value, settings)
        for kind, table in tables.items():
            if kind in files.places:
                told = [asdict(part) for part in files.write(kind, table)]
                yield _parcel(f"{PARTS}:{kind}", json.dumps(told).encode())
            else:
                yield _parcel(kind, pack_table(table))

    return _open_parcels(events.mapInArrow(task, PARCEL).toArrow(), files)


def _parcel(kind: str, payload: bytes) -> pa.RecordBatch:
    return pa.record_batch([[kind], [payload]], schema=_PARCEL)


def _open_parcels(parcels: pa.Table, files: TaskFiles) -> Allotted:
    """Sort what the tasks returned by kind."""
    parts: dict[str, list[Part]] = {kind: [] for kind in files.places}
    tables: dict[str, list[pa.Table]] = {}
    for kind, payload in zip(*(parcels[name].to_pylist() for name in _PARCEL.names), strict=True):
        if kind.startswith(PARTS):
            found = [Part(**one) for one in json.loads(payload)]
            parts[kind.removeprefix(f"{PARTS}:")] += found
        else:
            tables.setdefault(kind, []).append(read_packed(payload))
    joined = {kind: pa.concat_tables(some) for kind, some in tables.items()}
    return Allotted(parts, joined["quarantine"], joined["counts"])


def allot_table(events: pa.Table, plans: Plans, settings: TaskSettings) -> dict[str, pa.Table]:
    """Tables of one partition by kind, see `TABLES`; no engine is needed."""
    is_bad = pc.is_valid(events[REASON])
    bad, good = events.filter(is_bad), events.filter(pc.invert(is_bad))
    arranged = arrange(good, settings.ages)
    outcomes: list[Outcome] = [
        allocate(plans.plans[key], requests, passengers, happened, settings.variants)
        for key, requests, passengers, happened in arranged.slices()
    ]
    tokens = arranged.pnrs
    if not settings.has_tokens:
        tokens, _ = settings.tokeniser.token_columns(arranged.pnrs)
    rows = PartitionRows(arranged, outcomes, plans, tokens)
    ids, reasons = rows.refused()
    return {
        "allocation": rows.allocation(),
        "chart": rows.chart(),
        "segments": rows.segments(settings.epsilon),
        "classes": rows.classes(),
        "quarantine": _quarantine(bad, ids, reasons, settings.tokeniser),
        "counts": _counts(events, rows),
    }


def _quarantine(bad: pa.Table, ids: pa.Array, reasons: pa.Array, tokeniser: Tokeniser) -> pa.Table:
    """Reason and token of every record set aside."""
    counted = bad.filter(pc.invert(pc.is_in(bad[REASON], value_set=pa.array(UNCOUNTED))))
    everything = pa.chunked_array([*counted["id"].chunks, ids], pa.string())
    tokens, _ = tokeniser.token_columns(everything)
    codes = pa.chunked_array([*counted[REASON].chunks, reasons], pa.string())
    return pa.table({"reason": codes, "record_token": tokens})


def _counts(events: pa.Table, rows: PartitionRows) -> pa.Table:
    """Named numbers that add up over partitions; `read` counts every record."""
    read = int(pc.sum(pc.not_equal(events["kind"], OPENS_KEY)).as_py() or 0)
    found = {"read": read, **rows.counts()}
    for one in pc.value_counts(events[REASON]).to_pylist():
        if one["values"] is not None:
            found[f"reason:{one['values']}"] = one["counts"]
    for one in pc.value_counts(rows.refused()[1]).to_pylist():
        name = f"reason:{one['values']}"
        found[name] = found.get(name, 0) + one["counts"]
    return pa.table({"name": list(found), "number": pa.array(found.values(), pa.int64())})
