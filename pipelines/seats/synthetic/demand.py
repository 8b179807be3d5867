"""Booking requests and cancellations of the synthetic day, drawn column by column."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from pipelines.seats.codes import AC_CLASSES, GENDERS, I64, QUOTAS, WISHES, Bools
from pipelines.seats.config import SyntheticSettings
from pipelines.seats.synthetic.trains import FLEET, Route, class_shares
from pipelines.seats.times import india_ms

GROUP_SHARES = (0.30, 0.30, 0.15, 0.15, 0.05, 0.05)
TATKAL_GROUP_SHARES = (0.35, 0.35, 0.14, 0.15, 0.01)
DAY_MS, HOUR_MS, MINUTE_MS = 86_400_000, 3_600_000, 60_000
_WISH_SHARES = (0.5, 0.3, 0.03, 0.07, 0.05, 0.05)
_QUOTA_AGES = {"SS": (60, 88), "LD": (18, 70), "DF": (19, 58), "HP": (10, 75)}


@dataclass(frozen=True)
class Demand:
    """Requests as columns; passengers flat, `sizes` says how many belong to each request."""

    train: I64
    travel_class: I64
    start: I64
    stop: I64
    quota: I64
    booked_at: I64
    sizes: I64
    age: I64
    gender: I64
    military: Bools
    disabled: Bools
    wish: I64


def draw_demand(
    rng: np.random.Generator, routes: Sequence[Route], departs: I64, day: date,
    settings: SyntheticSettings,
) -> Demand:  # fmt: skip
    """Draw who wants to travel where, in which quota, and when they ask."""
    hot = settings.hot_requests
    count = settings.bookings
    train = rng.integers(0, len(routes), count)
    train[:hot] = 0
    travel_class = rng.choice(len(FLEET), count, p=class_shares())
    travel_class[:hot] = len(FLEET) - 1
    quota = _quotas(rng, count, settings)
    quota[:hot] = QUOTAS.index("TQ")
    start, stop = _journeys(rng, count, settings.stops)
    booked_at = _moments(rng, train, travel_class, quota, departs, day)
    sizes = np.where(
        quota == QUOTAS.index("TQ"),
        1 + rng.choice(len(TATKAL_GROUP_SHARES), count, p=TATKAL_GROUP_SHARES),
        1 + rng.choice(len(GROUP_SHARES), count, p=GROUP_SHARES),
    )
    sizes[quota == QUOTAS.index("HP")] = np.minimum(sizes[quota == QUOTAS.index("HP")], 2)
    return Demand(
        train, travel_class, start, stop, quota, booked_at, sizes,
        *_people(rng, np.repeat(quota, sizes)),
    )  # fmt: skip


def _quotas(rng: np.random.Generator, count: int, settings: SyntheticSettings) -> I64:
    special = settings.special_share / 4
    shares = [0.0, settings.tatkal_share, *(special,) * 4]
    shares[0] = 1.0 - sum(shares)
    if settings.only_tatkal:
        shares = [0.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    return rng.choice(len(QUOTAS), count, p=shares).astype(np.int64)


def _journeys(rng: np.random.Generator, count: int, stations: int) -> tuple[I64, I64]:
    """Ends of journeys; a third goes the whole way or nearly, others a third of it on average."""
    ends = np.sort(rng.integers(0, stations, (count, 2)), axis=1)
    same = ends[:, 0] == ends[:, 1]
    ends[same] = np.where(
        ends[same, :1] > 0, ends[same] - np.array([1, 0]), ends[same] + np.array([0, 1])
    )
    return ends[:, 0], ends[:, 1]


def _moments(
    rng: np.random.Generator, train: I64, travel_class: I64, quota: I64, departs: I64, day: date
) -> I64:
    """When each request is made: GN over sixty days and mostly late, TQ in the first minutes."""
    opens = india_ms(day - timedelta(days=60), 8)
    last = departs[train] - 9 * HOUR_MS
    spread = last - opens
    booked = last - (spread * rng.beta(0.8, 2.2, len(train))).astype(np.int64)
    is_ac = np.array([name in AC_CLASSES for name, _ in FLEET])[travel_class]
    before = day - timedelta(days=1)
    tatkal = np.where(is_ac, india_ms(before, 10), india_ms(before, 11))
    rush = tatkal + np.minimum(rng.exponential(8 * MINUTE_MS, len(train)), HOUR_MS).astype(np.int64)
    early = rng.random(len(train)) < 0.01  # a client whose clock is a second fast
    return np.where(quota == QUOTAS.index("TQ"), rush - early * HOUR_MS // 2, booked)


def _people(rng: np.random.Generator, quota: I64) -> tuple[I64, I64, Bools, Bools, I64]:
    """Age, gender, forces, disability and wish per passenger; mostly fit for their quota."""
    count = len(quota)
    age = np.clip(rng.normal(36, 18, count), 0, 95).astype(np.int64)
    gender = rng.choice(len(GENDERS), count, p=(0.42, 0.57, 0.01))
    military, disabled = rng.random(count) < 0.02, rng.random(count) < 0.01
    unfit = rng.random(count) < 0.01
    for name, (low, high) in _QUOTA_AGES.items():
        chosen = (quota == QUOTAS.index(name)) & ~unfit
        age[chosen] = rng.integers(low, high + 1, int(chosen.sum()))
    gender[(quota == QUOTAS.index("LD")) & ~unfit] = 0
    military[(quota == QUOTAS.index("DF")) & ~unfit] = True
    disabled[(quota == QUOTAS.index("HP")) & ~unfit] = True
    wish = rng.choice(len(WISHES), count, p=_WISH_SHARES)
    return age, gender, military, disabled, wish


def passenger_column(demand: Demand) -> pa.ListArray:
    """The passengers as the contract nests them."""
    offsets = np.append(0, np.cumsum(demand.sizes)).astype(np.int32)
    within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], demand.sizes) + 1
    people = pa.StructArray.from_arrays(
        [
            pa.array(within.astype(np.int32)),
            pa.array(demand.age.astype(np.int32)),
            pa.array(GENDERS).take(pa.array(demand.gender)),
            pa.array(demand.military),
            pa.array(demand.disabled),
            pa.array(WISHES).take(pa.array(demand.wish)),
        ],
        ["passenger_no", "age", "gender", "is_military", "is_disabled", "berth_preference"],
    )
    return pa.ListArray.from_arrays(pa.array(offsets), people)
