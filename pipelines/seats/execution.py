"""The Spark task: events of a partition in, finished tables out, one kernel call per key.

Results leave the task as Arrow tables packed into bytes, so that one pass fills every table. A task
returns rows and does nothing else: running it twice books nobody twice.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyspark import Broadcast
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.core.privacy import Tokeniser
from pipelines.core.quality import REASON
from pipelines.seats.arrange import Ages, arrange
from pipelines.seats.checks import UNCOUNTED
from pipelines.seats.kernel import Outcome, allocate
from pipelines.seats.plans import Plans
from pipelines.seats.rows import PartitionRows
from pipelines.seats.stage import OPENS_KEY

Batches = Iterable[pa.RecordBatch]

PARCEL = "kind string, payload binary"
_PARCEL = pa.schema([("kind", pa.string()), ("payload", pa.binary())])
TABLES = ("allocation", "chart", "segments", "classes", "quarantine", "counts")
_LZ4 = pa.ipc.IpcWriteOptions(compression="lz4")


@dataclass(frozen=True)
class TaskSettings:
    """What a task needs besides its rows; small enough to travel with the code."""

    ages: Ages
    tokeniser: Tokeniser
    has_tokens: bool  # PNRs are tokens already
    variants: int
    epsilon: float


def allot(events: DataFrame, plans: Broadcast[Plans], settings: TaskSettings) -> DataFrame:
    """Run the kernel over partitioned events.

    Args:
        events: result of `partition_events`.
        plans: the trains.
        settings: constants of the run.

    Returns:
        Frame of `PARCEL`; `unpack_table` reads one kind of it.
    """

    def task(batches: Batches) -> Iterator[pa.RecordBatch]:
        found = list(batches)
        if not found:
            return
        tables = allot_table(pa.Table.from_batches(found), plans.value, settings)
        for kind, table in tables.items():
            yield pa.record_batch([[kind], [pack_table(table)]], schema=_PARCEL)

    return events.mapInArrow(task, PARCEL)


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


def pack_table(table: pa.Table) -> bytes:
    """An Arrow table as compressed bytes."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=_LZ4) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def read_packed(payload: bytes) -> pa.Table:
    """The inverse of `pack_table`."""
    return pa.ipc.open_stream(payload).read_all()


def unpack_table(parcels: DataFrame, kind: str, schema: str, batch_rows: int = 50_000) -> DataFrame:
    """One kind of parcel as rows.

    Args:
        parcels: result of `allot`.
        kind: of `TABLES`.
        schema: columns as DDL, in the order of the packed table.
        batch_rows: rows handed to the engine at a time.
    """

    def spread(batches: Batches) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for payload in batch.column("payload"):
                table = read_packed(payload.as_buffer())
                yield from table.combine_chunks().to_batches(max_chunksize=batch_rows)

    return parcels.where(F.col("kind") == kind).select("payload").mapInArrow(spread, schema)


def collect_table(parcels: DataFrame, kind: str) -> pa.Table:
    """One kind of parcel on the driver; for the small ones."""
    rows = parcels.where(F.col("kind") == kind).select("payload").toArrow()["payload"]
    return pa.concat_tables([read_packed(one.as_buffer()) for one in rows])
