"""The same sessions and gold rows in Spark, from the messages as they are kept: a second counting.

Nothing of the SQL for Flink is used, only the rules and the dimensions. A run that was corrected
must agree row for row; `differences` says where it does not.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.core.messages import DOUBTFUL, RECORD, tag_messages
from pipelines.viewers.config import WindowSettings
from pipelines.viewers.dimensions import DIMENSIONS, Dimension
from pipelines.viewers.encode import SUBJECT
from pipelines.viewers.rules import (
    CELL_SIZE,
    ENDS,
    EVENT_TYPES,
    FIRST_MS,
    FRAMES,
    MOMENT_SIZE,
    SIGNS_OF_LIFE,
)

KEY = ("content_id", "dimension", "dimension_value", "window_start_ms", "window_end_ms")
COUNTERS = ("played_ms", "rebuffered_ms", "delivered_kilobits")


def read_events(session: SparkSession, folder: Path, too_late: list[bytes]) -> DataFrame:
    """Distinct valid events of a folder of messages, with moment, cell and order.

    Args:
        session: a session.
        folder: Parquet files as the generator makes them.
        too_late: values of messages that came after the allowed lateness.
    """
    raw = session.read.parquet(str(folder)).select(
        F.col("message_value").alias("value"), F.col("kafka_time").alias("timestamp")
    )
    if too_late:
        late = session.createDataFrame([(value,) for value in too_late], "value binary")
        raw = raw.join(late, "value", "left_anti")
    events = tag_messages(raw, SUBJECT).where(~F.col(DOUBTFUL)).select(f"{RECORD}.*")
    at_ms = F.unix_millis("event_time")
    is_alive = F.col("event_type").isin(*SIGNS_OF_LIFE)
    cell = sum((_code(one) * (1 << one.shift) for one in DIMENSIONS), F.lit(0))
    kind = F.array_position(F.array(*map(F.lit, EVENT_TYPES)), F.col("event_type")) - 1
    order = (at_ms - FIRST_MS) * MOMENT_SIZE + is_alive.cast("long") * CELL_SIZE + cell
    return (
        events.where(F.col("event_type") != "UNKNOWN")
        .dropDuplicates(["event_id"])
        .withColumns({"at_ms": at_ms, "kind": kind, "order_key": order})
    )


def _code(dimension: Dimension) -> Column:
    """Code of a value; 0 for what the list does not have."""
    values = F.array(*map(F.lit, dimension.values[1:]))
    place = F.array_position(values, F.col(dimension.column))
    return F.coalesce(place, F.lit(0)).cast("long")


def count_audience(events: DataFrame, given: WindowSettings) -> DataFrame:
    """Sessions live at the end of each slice: content_id, dimension, dimension_value, live_ms."""
    step, reach = given.slice_seconds * 1000, given.timeout_seconds // given.slice_seconds
    first = F.ceil(F.col("at_ms") / step) * step
    ends = F.array(*(first + step * n for n in range(reach)))
    newest = (
        events.where(F.col("event_type").isin(*SIGNS_OF_LIFE, *ENDS))
        .select("content_id", "session_id", "order_key", F.explode(ends).alias("live_ms"))
        .groupBy("content_id", "session_id", "live_ms")
        .agg(F.max("order_key").alias("newest"))
        .where(F.floor(F.col("newest") / CELL_SIZE) % 2 == 1)
    )
    keys = ("content_id", "dimension", "dimension_value", "live_ms")
    return _by_dimension(newest).groupBy(*keys).agg(F.count(F.lit(1)).alias("concurrent"))


def _by_dimension(rows: DataFrame) -> DataFrame:
    """A row for the total and for each dimension of the cell in `newest`."""
    cell = F.col("newest") % CELL_SIZE
    pairs = [F.struct(F.lit("total").alias("dimension"), F.lit("ALL").alias("dimension_value"))]
    for one in DIMENSIONS:
        place = F.floor(cell / (1 << one.shift)) % (1 << one.bits)
        value = F.get(F.array(*map(F.lit, one.values)), place.cast("int"))
        pairs.append(F.struct(F.lit(one.name).alias("dimension"), value.alias("dimension_value")))
    return rows.select("*", F.explode(F.array(*pairs)).alias("pair")).select("*", "pair.*")


def count_watching(events: DataFrame, given: WindowSettings) -> DataFrame:
    """What was watched in each minute, by dimension."""
    length = given.minute_seconds * 1000
    start = (F.floor(F.col("at_ms") / length) * length).alias("window_start_ms")
    spreads = [
        (F.max(f"total_{name}") - F.min(F.col(f"total_{name}") - F.col(name))).alias(name)
        for name in COUNTERS
    ]
    sessions = events.groupBy(start, "content_id", "session_id", "user_id").agg(
        F.max("order_key").alias("newest"),
        F.min(F.when(F.col("event_type") == "PLAY", F.col("at_ms"))).alias("play_ms"),
        F.min(F.when(F.col("event_type").isin(*FRAMES), F.col("at_ms"))).alias("frame_ms"),
        F.max(F.col("is_fatal").cast("int")).alias("failures"),
        *spreads,
    )
    is_started = F.col("frame_ms") >= F.col("play_ms")
    startup = F.when(is_started, F.col("frame_ms") - F.col("play_ms"))
    keys = ("content_id", "dimension", "dimension_value", "window_start_ms")
    sums = (*COUNTERS, "failures")
    return (
        _by_dimension(sessions.withColumn("startup", startup))
        .groupBy(*keys)
        .agg(
            *(F.sum(name).alias(name) for name in sums),
            F.count(F.lit(1)).alias("sessions"),
            F.countDistinct("user_id").alias("unique_viewers"),
            F.avg("startup").alias("startup_ms"),
        )
        .withColumn("window_end_ms", F.col("window_start_ms") + length)
    )


def gold_rows(events: DataFrame, given: WindowSettings) -> pd.DataFrame:
    """Slice and minute rows as the table `metrics` has them, without revision and phase."""
    audience, watching = count_audience(events, given), count_watching(events, given)
    step, length = given.slice_seconds * 1000, given.minute_seconds * 1000
    slices = audience.select(
        *KEY[:3], (F.col("live_ms") - step).alias("window_start_ms"),
        F.col("live_ms").alias("window_end_ms"), "concurrent",
        F.col("concurrent").alias("peak_concurrent"),
    )  # fmt: skip
    end = F.ceil(F.col("live_ms") / length) * length
    at_end = F.when(F.col("live_ms") == end, F.col("concurrent"))
    peaks = audience.groupBy(*KEY[:3], end.alias("window_end_ms")).agg(
        F.max(at_end).alias("concurrent"), F.max("concurrent").alias("peak_concurrent")
    )
    minutes = (
        peaks.join(watching, [*KEY[:3], "window_end_ms"], "full")
        .withColumn("window_start_ms", F.col("window_end_ms") - length)
        .fillna(0, ["concurrent", "peak_concurrent", "unique_viewers", *COUNTERS])
    )
    watch = F.col("played_ms") + F.col("rebuffered_ms")
    minutes = minutes.withColumns(
        {
            "watch_ms": watch,
            "rebuffering_ratio": F.when(watch > 0, F.col("rebuffered_ms") / watch),
            "average_bitrate_kbps": F.when(
                F.col("played_ms") > 0, F.col("delivered_kilobits") * 1000 / F.col("played_ms")
            ),
            "failure_pct": F.col("failures") * 100 / F.col("sessions"),
        }
    )
    both = slices.unionByName(minutes, allowMissingColumns=True)
    frame: pd.DataFrame = both.select(*KEY, *MEASURES).toPandas()
    return frame


MEASURES = (
    "concurrent", "peak_concurrent", "unique_viewers", "watch_ms", "rebuffering_ratio",
    "average_bitrate_kbps", "startup_ms", "failure_pct",
)  # fmt: skip


def whole_sessions(events: DataFrame, given: WindowSettings) -> pd.DataFrame:
    """Sessions as the table has them, as far as both engines can be compared by value."""
    final = (F.col("event_type") != "ERROR") | F.col("is_fatal")
    is_play, is_pause = F.col("event_type") == "PLAY", F.col("event_type") == "PAUSE"
    sessions = events.groupBy("session_id", "user_id", "content_id").agg(
        F.min("at_ms").alias("started_ms"),
        F.max(F.when(final, F.struct("at_ms", "kind"))).alias("last"),
        F.min(F.when(is_play, F.col("at_ms"))).alias("play_ms"),
        F.min(F.when(F.col("event_type").isin(*FRAMES), F.col("at_ms"))).alias("frame_ms"),
        F.countDistinct(F.when(is_pause, F.col("at_ms"))).alias("pauses"),
        F.max("total_rebuffered_ms").alias("rebuffered_ms"),
        (F.max("total_played_ms") + F.max("total_rebuffered_ms")).alias("watch_ms"),
    )
    kind = F.get(F.array(*map(F.lit, EVENT_TYPES)), F.col("last.kind").cast("int"))
    ends = {"STOP": "STOP", "ERROR": "ERROR"}
    exit_type = F.coalesce(
        *(F.when(kind == k, F.lit(v)) for k, v in ends.items()), F.lit("TIMEOUT")
    )
    wait = F.when(exit_type == "TIMEOUT", given.timeout_seconds * 1000).otherwise(0)
    startup = F.when(F.col("frame_ms") >= F.col("play_ms"), F.col("frame_ms") - F.col("play_ms"))
    columns = (
        sessions.withColumns({"exit_type": exit_type, "startup_ms": startup})
        .withColumn("ended_ms", F.col("last.at_ms") + wait)
        .select("session_id", *SESSION_MEASURES)
    )
    frame: pd.DataFrame = columns.toPandas()
    return frame


SESSION_MEASURES = (
    "started_ms", "ended_ms", "exit_type", "watch_ms", "rebuffered_ms", "startup_ms", "pauses",
)  # fmt: skip


def differences(
    flink: pd.DataFrame, spark: pd.DataFrame, keys: tuple[str, ...], measures: tuple[str, ...]
) -> Iterator[Mapping[str, object]]:
    """Rows that only one engine has, or that differ; a row that counts nothing equals none.

    Args:
        flink: rows of one engine.
        spark: rows of the other.
        keys: columns that name a row.
        measures: columns that are compared; shares up to rounding.
    """
    one, other = (
        frame.set_index(list(keys))[list(measures)].sort_index() for frame in (flink, spark)
    )
    for name in measures:
        if name == "exit_type":
            left, right = one[name].align(other[name])
            wrong = left != right
        else:
            left, right = (frame[name].astype(float) for frame in (one, other))
            left, right = left.align(right)
            wrong = (left.fillna(0) - right.fillna(0)).abs() > 1e-9 * right.fillna(0).abs()
        for key in wrong[wrong].index:
            yield {"key": key, "measure": name, "flink": left[key], "spark": right[key]}
