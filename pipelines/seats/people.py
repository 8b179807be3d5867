"""Passengers of requests, packed into one number each, a whole batch at a time.

Spark interprets functions over arrays element by element; numpy checks and packs the passengers of
50,000 requests in a few steps.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import types as T

from pipelines.seats.codes import GENDERS, I64, NONE, WISHES

AGE_BITS, GENDER_AT, MILITARY_AT, DISABLED_AT, WISH_AT, NUMBER_AT = 7, 7, 9, 10, 11, 16
"""Layout of a passenger packed into one long: age, gender, two marks, wish, number."""

MAX_AGE = 125
FAULTS = ("BAD_AGE", "UNKNOWN_GENDER", "BAD_PASSENGER_NO", "REPEATED_PASSENGER")
"""Reasons in the order in which they speak."""
PEOPLE, FAULT = "people", "people_fault"
KEPT = (
    "request_id", "pnr", "train_id", "service_date", "travel_class", "from_station", "to_station",
    "quota", "booked_at",
)  # fmt: skip


def pack_people(requests: DataFrame) -> DataFrame:
    """Requests with packed passengers.

    Args:
        requests: rows of `rail.BookingRequest`.

    Returns:
        The columns `KEPT`, `people` (a long per passenger), and `people_fault`, the first reason
        for which a passenger cannot be right, else null.
    """
    fields = [requests.schema[name] for name in KEPT]
    fields += [
        T.StructField(PEOPLE, T.ArrayType(T.LongType())),
        T.StructField(FAULT, T.StringType()),
    ]

    def task(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield pack_batch(batch)

    return requests.select(*KEPT, "passengers").mapInArrow(task, T.StructType(fields))


def pack_batch(batch: pa.RecordBatch) -> pa.RecordBatch:
    """One batch; see `pack_people`."""
    lists = batch.column("passengers")
    people, sizes = lists.flatten(), pc.fill_null(pc.list_value_length(lists), 0).to_numpy()
    row = np.repeat(np.arange(len(lists)), sizes)

    def number(name: str) -> I64:
        values = pc.struct_field(people, name).cast(pa.int64())
        return np.asarray(pc.fill_null(values, NONE), dtype=np.int64)

    def code(name: str, words: tuple[str, ...]) -> I64:
        found = pc.index_in(pc.struct_field(people, name), value_set=pa.array(words))
        return np.asarray(pc.fill_null(found, NONE), dtype=np.int64)

    age, gender, order = number("age"), code("gender", GENDERS), number("passenger_no")
    has_number = np.asarray(pc.is_valid(pc.struct_field(people, "passenger_no")))
    packed = (
        age | gender << GENDER_AT | np.maximum(number("is_military"), 0) << MILITARY_AT
        | np.maximum(number("is_disabled"), 0) << DISABLED_AT
        | np.maximum(code("berth_preference", WISHES), 0) << WISH_AT | order << NUMBER_AT
    )  # fmt: skip
    wrong = ((age < 0) | (age > MAX_AGE), gender < 0, ~has_number, _is_repeated(row, order))
    fault = np.full(len(lists), len(FAULTS))
    for place, is_wrong in reversed(list(enumerate(wrong))):
        fault[row[is_wrong]] = place
    offsets = np.append(0, np.cumsum(sizes)).astype(np.int32)
    reasons = pa.array(FAULTS).take(pa.array(fault, mask=fault == len(FAULTS)))
    lists = pa.ListArray.from_arrays(pa.array(offsets), pa.array(packed))
    return pa.RecordBatch.from_arrays(
        [*(batch.column(name) for name in KEPT), lists, reasons], names=[*KEPT, PEOPLE, FAULT]
    )


def _is_repeated(row: I64, order: I64) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Passengers whose number another of the same request has."""
    sorted_ = np.lexsort((order, row))
    same = (np.diff(row[sorted_]) == 0) & (np.diff(order[sorted_]) == 0)
    found = np.zeros(len(row), dtype=np.bool_)
    found[sorted_[1:][same]] = True
    return found
