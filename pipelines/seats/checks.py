"""Row checks: native Spark predicates that give each bad record its reason."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pipelines.core.quality import REASON, Rule, apply_rules
from pipelines.core.row_hash import row_hash
from pipelines.seats.codes import QUOTAS
from pipelines.seats.people import FAULT, FAULTS, KEPT, PEOPLE, pack_people

COPY = "DUPLICATE_ROW"
FUTURE = "AFTER_AS_OF"
UNCOUNTED = (COPY, FUTURE)
"""Reasons of rows that are no records of this run: sent twice, or not yet happened."""

FEW_REPEATS = 2_000
"""Up to so many repeated ids, only the rows that have them are compared with one another."""


@dataclass(frozen=True)
class Limits:
    """What the checks hold rows against.

    Attributes:
        group_limit: most passengers of a request.
        as_of_ms: later events are left for a later run.
    """

    group_limit: int
    as_of_ms: int


class Tagged(NamedTuple):
    """Checked rows, and how many there are."""

    rows: DataFrame
    records: int


def tag_requests(requests: DataFrame, lookup: DataFrame, limits: Limits) -> Tagged:
    """Requests, passengers packed, with the columns of their train and `reject_reason`.

    Args:
        requests: rows of `rail.BookingRequest`.
        lookup: `train_lookup`, small.
        limits: limits of the run.

    Returns:
        Columns of `pack_people` and the train; `reject_reason` is null for a good request.
    """
    packed = pack_people(requests)
    known = packed.join(F.broadcast(lookup), ["train_id", "service_date"], how="left")
    tagged = apply_rules(known, request_rules(limits))
    content = [*KEPT[1:], PEOPLE, FAULT]
    return mark_repeats(tagged, requests, "request_id", content, has_own_pnr=True)


def tag_cancellations(cancellations: DataFrame, lookup: DataFrame, limits: Limits) -> Tagged:
    """The same for rows of `rail.Cancellation`."""
    known = cancellations.join(F.broadcast(lookup), ["train_id", "service_date"], how="left")
    tagged = apply_rules(known, cancellation_rules(limits))
    content = ["pnr", "train_id", "service_date", "travel_class", "passenger_nos", "cancelled_at"]
    return mark_repeats(tagged, cancellations, "cancellation_id", content, has_own_pnr=False)


def _key_rules(moment: str, limits: Limits) -> list[Rule]:
    return [
        _reject("MISSING_TIME", f"{moment} IS NULL"),
        _reject(FUTURE, f"unix_millis({moment}) > {limits.as_of_ms}"),
        _reject("UNKNOWN_TRAIN", "stations IS NULL"),
        _reject("CLASS_NOT_ON_TRAIN", "NOT array_contains(classes, coalesce(travel_class, ''))"),
    ]


def request_rules(limits: Limits) -> list[Rule]:
    """Rules of a request in the order in which they speak."""
    quotas = ", ".join(f"'{one}'" for one in QUOTAS)
    return [
        _reject("MISSING_ID", "coalesce(request_id, '') = '' OR coalesce(pnr, '') = ''"),
        *_key_rules("booked_at", limits),
        _reject("UNKNOWN_STATION", f"{_at('from_station')} = 0 OR {_at('to_station')} = 0"),
        _reject("REVERSED_JOURNEY", f"{_at('from_station')} >= {_at('to_station')}"),
        _reject("GROUP_SIZE", f"size({PEOPLE}) NOT BETWEEN 1 AND {limits.group_limit}"),
        _reject("UNKNOWN_QUOTA", f"coalesce(quota, '') NOT IN ({quotas})"),
        *(_reject(one, f"coalesce({FAULT}, '') = '{one}'") for one in FAULTS),
    ]  # fmt: skip


def cancellation_rules(limits: Limits) -> list[Rule]:
    """Rules of a cancellation that need no look at the booking."""
    return [
        _reject("MISSING_ID", "coalesce(cancellation_id, '') = '' OR coalesce(pnr, '') = ''"),
        *_key_rules("cancelled_at", limits),
    ]


def _at(station: str) -> str:
    return f"coalesce(array_position(stations, {station}), 0)"


def _reject(code: str, condition: str) -> Rule:
    return Rule(code, condition, "reject")


def mark_repeats(
    tagged: DataFrame, raw: DataFrame, id_column: str, content: list[str], has_own_pnr: bool
) -> Tagged:
    """Give rows with a repeated id, or requests with a used PNR, their reason.

    Equal rows are one record, sent twice. Rows of one id that differ are all set aside. Of several
    requests on a PNR the first by moment and id stays.
    """
    watched = [id_column, "pnr"] if has_own_pnr else [id_column]
    repeats, count = repeated_hashes(raw, watched)
    if not any(map(len, repeats)):
        return Tagged(tagged, count)
    if max(map(len, repeats)) > FEW_REPEATS:
        return Tagged(_compare_rows(tagged, id_column, content, has_own_pnr), count)
    suspect = F.lit(False)
    for name, hashes in zip(watched, repeats, strict=True):
        suspect = suspect | F.coalesce(F.xxhash64(name).isin(hashes), F.lit(False))
    compared = _compare_rows(tagged.where(suspect), id_column, content, has_own_pnr)
    return Tagged(tagged.where(~suspect).unionByName(compared), count)


def repeated_hashes(raw: DataFrame, names: list[str]) -> tuple[list[list[int]], int]:
    """Hashes that occur more than once, per column, and the number of rows.

    A collision only makes two more rows compared.

    Eight bytes a row come to the driver: sorting them there costs a fraction of a shuffle.
    """
    hashes = raw.select(*(F.xxhash64(name).alias(f"_{n}") for n, name in enumerate(names)))
    table = hashes.toArrow()
    found = []
    for column in table.columns:
        values, counts = np.unique(column.to_numpy(), return_counts=True)
        found.append(values[counts > 1].tolist())
    return found, table.num_rows


def _compare_rows(
    df: DataFrame, id_column: str, content: list[str], has_own_pnr: bool
) -> DataFrame:
    columns = df.columns
    hashed = df.withColumn("_content", row_hash(df, content))
    same_id = Window.partitionBy(id_column)
    differs = F.min("_content").over(same_id) != F.max("_content").over(same_id)
    is_copy = F.row_number().over(same_id.orderBy("_content")) > 1
    hashed = hashed.withColumn(REASON, _first(differs, "DUPLICATE_CONFLICT", is_copy, COPY))
    if has_own_pnr:
        is_good = F.col(REASON).isNull()
        same_pnr = Window.partitionBy("pnr", is_good).orderBy("booked_at", id_column)
        is_later = F.row_number().over(same_pnr) > 1
        later = F.when(is_good & is_later, F.lit("DUPLICATE_PNR")).otherwise(F.col(REASON))
        hashed = hashed.withColumn(REASON, later)
    return hashed.select(columns)


def _first(one: Column, code: str, other: Column, other_code: str) -> Column:
    """The first reason that holds; rows without id keep theirs, they are no copies."""
    has_id = ~F.col(REASON).eqNullSafe("MISSING_ID")
    found = F.when(has_id & one, F.lit(code)).when(has_id & other, F.lit(other_code))
    return found.otherwise(F.col(REASON))
