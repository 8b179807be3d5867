"""From contract rows to one narrow frame of events, ready to be brought together by key."""

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.core.quality import REASON
from pipelines.seats.checks import Limits, Tagged, tag_cancellations, tag_requests
from pipelines.seats.codes import QUOTAS
from pipelines.seats.people import PEOPLE
from pipelines.seats.plans import Plans

CANCELS, BOOKS, OPENS_KEY = 0, 1, 2
"""Kinds of event rows; the third says only that a key exists, so that none is left out."""

EVENT_COLUMNS = (
    "key", "kind", "at", "epoch", "id", "pnr", "from_seq", "to_seq", "quota", "people", REASON,
)  # fmt: skip
SPREAD = 997


def train_lookup(session: SparkSession, plans: Plans) -> DataFrame:
    """One row per train: stations, classes and the number of its first key."""
    trains = plans.trains
    columns = {
        "train_id": pa.array([one.train_id for one in trains], pa.string()),
        "service_date": pa.array([one.service_date for one in trains], pa.date32()),
        "stations": pa.array([one.stations for one in trains], pa.list_(pa.string())),
        "classes": pa.array([one.classes for one in trains], pa.list_(pa.string())),
        "first_key": pa.array([one.first_key for one in trains], pa.int32()),
    }
    return session.createDataFrame(pa.table(columns))  # no Python worker takes part in this


def stage_events(
    requests: DataFrame, cancellations: DataFrame, plans: Plans, limits: Limits
) -> Tagged:
    """Check all records and flatten them to `EVENT_COLUMNS`.

    Args:
        requests: rows of `rail.BookingRequest`.
        cancellations: rows of `rail.Cancellation`.
        plans: the trains.
        limits: limits of the run.

    Returns:
        An event per record, bad ones with their reason, and one row per key; how many records.
    """
    session = requests.sparkSession
    lookup = train_lookup(session, plans)
    asked = tag_requests(requests, lookup, limits)
    dropped = tag_cancellations(cancellations, lookup, limits)
    events = _book_events(asked.rows).unionByName(_cancel_events(dropped.rows))
    keys = key_events(session, len(plans.plans))
    return Tagged(events.unionByName(keys), asked.records + dropped.records)


def partition_events(events: DataFrame, partitions: int) -> DataFrame:
    """Bring the events of each key into one partition; bad records are spread evenly."""
    shard = F.when(F.col(REASON).isNull(), F.col("key"))
    scattered = -F.pmod(F.xxhash64("id"), F.lit(SPREAD)) - 1
    return events.repartition(partitions, F.coalesce(shard, scattered))


def _key() -> Column:
    place = F.array_position("classes", F.col("travel_class"))
    return (F.col("first_key") + place - 1).cast("int")


def _seq(station: str) -> Column:
    return (F.array_position("stations", F.col(station)) - 1).cast("int")


def _code(column: Column, names: tuple[str, ...]) -> Column:
    """Place of a name among the names; an unknown one gives 0."""
    found = F.array_position(F.array(*map(F.lit, names)), column) - 1
    return F.greatest(F.coalesce(found, F.lit(0)), F.lit(0)).cast("long")


def _book_events(tagged: DataFrame) -> DataFrame:
    is_good = F.col(REASON).isNull()
    return tagged.select(
        F.when(is_good, _key()).alias("key"),
        F.lit(BOOKS).alias("kind"),
        F.unix_millis("booked_at").alias("at"),
        F.lit(0).cast("long").alias("epoch"),
        F.col("request_id").alias("id"),
        "pnr",
        _seq("from_station").alias("from_seq"),
        _seq("to_station").alias("to_seq"),
        _code(F.col("quota"), QUOTAS).cast("int").alias("quota"),
        F.when(is_good, F.col(PEOPLE)).alias("people"),
        REASON,
    )


def _cancel_events(tagged: DataFrame) -> DataFrame:
    nothing = F.lit(None).cast("int")
    return tagged.select(
        F.when(F.col(REASON).isNull(), _key()).alias("key"),
        F.lit(CANCELS).alias("kind"),
        F.unix_millis("cancelled_at").alias("at"),
        F.lit(0).cast("long").alias("epoch"),
        F.col("cancellation_id").alias("id"),
        "pnr",
        nothing.alias("from_seq"),
        nothing.alias("to_seq"),
        nothing.alias("quota"),
        F.transform("passenger_nos", lambda n: n.cast("long")).alias("people"),
        REASON,
    )


def key_events(session: SparkSession, keys: int) -> DataFrame:
    """One row per key, so that a class without requests is reported too."""
    types = ("int", "int", "long", "long", "string", "string", "int", "int", "int")
    empty = {
        name: F.lit(None).cast(kind).alias(name)
        for name, kind in zip(EVENT_COLUMNS, types, strict=False)
    }
    empty["key"] = F.col("id").cast("int").alias("key")
    empty["kind"] = F.lit(OPENS_KEY).alias("kind")
    empty["id"] = F.lit("").alias("id")
    empty["people"] = F.array().cast("array<bigint>").alias("people")
    empty[REASON] = F.lit(None).cast("string").alias(REASON)
    return session.range(keys).select(*(empty[name] for name in EVENT_COLUMNS))
