"""The second counter: Spark SQL over the written tables that must find nothing wrong.

It shares no code with the kernel and reads the files, not the results in memory. A berth's segments
are a bit mask; the bits of all its journeys counted one by one and counted after a logical or are
equal exactly if no segment is held twice.
"""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.core.errors import GateError
from pipelines.seats.plans import Plans
from pipelines.seats.tables import DayLake

KEY = ("train_id", "service_date", "travel_class")
WORD = 64


def verify_tables(lake: DayLake, plans: Plans) -> dict[str, int]:
    """Count violations in the staged tables of this run.

    Args:
        lake: holds them.
        plans: the trains, for the number of segments and berths.

    Returns:
        Number found per kind; all must be 0.
    """
    chart, allocation = lake.staged("rail_chart"), lake.staged("rail_allocation")
    charted = lake.staged("rail_class_metrics").where("is_charted").select(*KEY)
    return {
        **_check_berths(chart, plans),
        **_check_travellers(chart, allocation.join(F.broadcast(charted), list(KEY), "left_semi")),
        **_check_positions(allocation),
        **_check_segments(lake.staged("rail_segment_metrics")),
    }


def require(violations: Mapping[str, int]) -> None:
    """Let a run go on only if nothing was found.

    Raises:
        GateError: names what was found.
    """
    found = {name: count for name, count in violations.items() if count}
    if found:
        told = ", ".join(f"{name} {count:,}" for name, count in found.items())
        raise GateError(
            f"verification of the chart failed: {told}. Nothing was published; the tables in the"
            " lake are as the last good run left them"
        )


def _bits(station: Column, word: int) -> Column:
    """Bits of all segments before a station, in one of the two words."""
    place = F.greatest(F.least(station - WORD * word, F.lit(WORD)), F.lit(0))
    ones = F.call_function("shiftleft", F.lit(1).cast("long"), place)
    return F.when(place >= WORD, F.lit(-1).cast("long")).otherwise(ones - 1)


def _mask(word: int) -> Column:
    stop, start = _bits(F.col("to_seq"), word), _bits(F.col("from_seq"), word)
    return stop.bitwiseAND(F.bitwise_not(start))


def _check_berths(chart: DataFrame, plans: Plans) -> dict[str, int]:
    """Segments held twice, berths beyond those of the train, journeys outside it."""
    parts = []
    for half in ("A", "B"):
        holds = F.col("place").isin("FULL", half)
        for word in (0, 1):
            mask = F.when(holds, _mask(word)).otherwise(F.lit(0).cast("long"))
            parts.append(F.sum(F.bit_count(mask)) - F.bit_count(F.bit_or(mask)))
    twice = sum(parts[1:], parts[0])
    berths = chart.groupBy(*KEY, "coach_id", "berth_no").agg(
        twice.alias("twice"), F.min("from_seq").alias("start"), F.max("to_seq").alias("stop")
    )
    classes = berths.groupBy(*KEY).agg(
        F.sum("twice").alias("twice"),
        F.count(F.lit(1)).alias("used"),
        F.min("start").alias("start"),
        F.max("stop").alias("stop"),
    )
    known = classes.join(F.broadcast(_limits(chart, plans)), list(KEY), how="left")
    outside = F.expr("segments IS NULL OR start < 0 OR stop > segments")
    return _only_row(
        known.agg(
            F.coalesce(F.sum("twice"), F.lit(0)).alias("double_sold"),
            F.count_if(F.expr("used > berths")).alias("berths_unknown"),
            F.count_if(outside).alias("journeys_outside"),
        )
    )


def _limits(chart: DataFrame, plans: Plans) -> DataFrame:
    rows = [
        (*plans.name(key), plan.segments, len(plan.berths) + len(plan.rac_berths))
        for key, plan in enumerate(plans.plans)
    ]
    schema = "train_id string, service_date date, travel_class string, segments int, berths int"
    return chart.sparkSession.createDataFrame(rows, schema)


def _check_travellers(chart: DataFrame, allocation: DataFrame) -> dict[str, int]:
    """Passengers on two berths, and passengers with a status but without a berth."""
    person = F.xxhash64("pnr", "passenger_no")
    seated = _only_row(
        chart.agg(F.count(F.lit(1)).alias("rows"), F.count_distinct(person).alias("people"))
    )
    travels = allocation.where("status IN ('CONFIRMED', 'RAC')").count()
    return {
        "passengers_on_two_berths": seated["rows"] - seated["people"],
        "passengers_without_berth": abs(travels - seated["rows"]),
    }


def _check_positions(allocation: DataFrame) -> dict[str, int]:
    """Lists whose places do not run from 1 to their length."""
    waits = allocation.where("position IS NOT NULL")
    lists = waits.groupBy(*KEY, "status", F.expr("if(status = 'RAC', 'RAC', quota)").alias("list"))
    position = F.col("position").cast("long")
    sums = lists.agg(
        F.count(F.lit(1)).alias("n"), F.max(position).alias("last"), F.sum(position).alias("total")
    )
    gaps = F.count_if(F.expr("last != n OR total * 2 != n * (n + 1)"))
    return _only_row(sums.agg(gaps.alias("position_gaps")))


def _check_segments(segments: DataFrame) -> dict[str, int]:
    """Segments with more passengers than places, and figures that are no numbers."""
    shares = ("utilisation", "load", "efficiency_score")
    odd = " OR ".join(f"isnan({name}) OR {name} = double('inf')" for name in shares)
    return _only_row(
        segments.agg(
            F.count_if(F.expr("allocated > places")).alias("segments_overfull"),
            F.count_if(F.expr(odd)).alias("figures_not_finite"),
        )
    )


def _only_row(frame: DataFrame) -> dict[str, int]:
    (row,) = frame.collect()
    return {name: int(value) for name, value in row.asDict().items()}
