"""What is remembered of one payer: look-backs over attempts, and a profile learned of approvals.

A state is never changed in place; every method that adds returns a new one. Bytes are made by
`state_codec.py`.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

from pipelines.upi_fraud.rows import BUCKETS, maker, newest_first

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
HOURS, HOURS_SATURATE = 24, 255
DIGEST_BITS = 46
LEARNED, SETTLED = 1 << DIGEST_BITS, 1 << (DIGEST_BITS + 1)
"""Marks beside a digest: the payment was learned from; a label was applied to it."""


class Place(NamedTuple):
    """Where and when the payer was last seen: degrees x 1e5, epoch ms, hash of the label."""

    lat_e5: int
    lon_e5: int
    time_ms: int
    hash: int


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much a state may hold.

    Attributes:
        recent: newest attempts kept one by one.
        bucket_ms: width of the buckets behind them.
        look_back_ms: age at which buckets and ids are dropped.
        old_ids: ids behind the recent attempts.
        devices, payees, places: learned entries.
    """

    recent: int = 32
    bucket_ms: int = 300_000
    look_back_ms: int = DAY_MS
    old_ids: int = 512
    devices: int = 8
    payees: int = 16
    places: int = 5


class PayerState(NamedTuple):
    """State of one payer; see the specification of the job, section 5.

    Attributes:
        seen: attempts, whatever became of them.
        learned, mean, m2: approved payments, their mean (paise) and sum of squared deviations.
        newest_ms, first_ms: newest and first event time; 0 before any.
        truncated: old ids were dropped for lack of room.
        hours: approved payments by hour of the Indian day, one byte each, all halved when one
            saturates.
        last_place: of the newest approved payment with a place.
        places, devices, payees: packed rows of what was learned (`rows.py`).
        recent: packed rows of the newest attempts, oldest first.
        buckets, old_ids: packed rows of attempts that fell out of `recent`, oldest first.
    """

    seen: int = 0
    learned: int = 0
    mean: float = 0.0
    m2: float = 0.0
    newest_ms: int = 0
    first_ms: int = 0
    truncated: bool = False
    hours: bytes = bytes(HOURS)
    last_place: Place | None = None
    places: bytes = b""
    devices: bytes = b""
    payees: bytes = b""
    recent: bytes = b""
    buckets: bytes = b""
    old_ids: bytes = b""

    def deviation(self) -> float:
        """Standard deviation of the approved amounts, paise; 0 below two."""
        return math.sqrt(self.m2 / (self.learned - 1)) if self.learned > 1 else 0.0

    def without_profile(self) -> "PayerState":
        """The same look-backs with nothing learned."""
        return self._replace(
            learned=0, mean=0.0, m2=0.0, hours=bytes(HOURS), last_place=None, places=b"",
            devices=b"", payees=b"",
        )  # fmt: skip


make_state, make_place = maker(PayerState), maker(Place)
EMPTY = PayerState()
"""State of a payer nobody has seen."""


class LookBack(NamedTuple):
    """Attempts of the trailing hour and day.

    Attributes:
        count_1h, paise_1h: attempts of the hour before the payment and their sum.
        count_24h, paise_24h: the same of the day.
        is_exact: no bucket had to be counted.
    """

    count_1h: int
    paise_1h: int
    count_24h: int
    paise_24h: int
    is_exact: bool


def look_back(state: PayerState, at_ms: int, bucket_ms: int) -> LookBack:
    """Earlier arrivals with `at - width < time <= at`, for an hour and a day.

    Later stamps never count. A bucket counts when any of it can lie in the window: at most one
    bucket too much, never less.
    """
    hour_start, day_start = at_ms - HOUR_MS, at_ms - DAY_MS
    count_1h = paise_1h = count_24h = paise_24h = 0
    for time_ms, paise in newest_first(state.recent):
        if time_ms <= day_start:
            break
        if time_ms <= at_ms:
            count_24h += 1
            paise_24h += paise
            if time_ms > hour_start:
                count_1h += 1
                paise_1h += paise
    is_exact = True
    for index, count, paise in reversed(BUCKETS.values(state.buckets)):
        begin = index * bucket_ms
        end = begin + bucket_ms
        if end <= day_start:
            break
        if begin <= at_ms:
            is_exact = False
            count_24h += count
            paise_24h += paise
            if end > hour_start:
                count_1h += count
                paise_1h += paise
    return LookBack(count_1h, paise_1h, count_24h, paise_24h, is_exact)


class Lesson(NamedTuple):
    """What an approved payment teaches.

    Attributes:
        time_ms, paise: event time and amount.
        hour: hour of the Indian day.
        place: coordinates (degrees x 1e5) and hash of the label; None without a place.
        device: hash; None without a device.
        payee: hash.
    """

    time_ms: int
    paise: int
    hour: int
    place: tuple[int, int, int] | None = None
    device: int | None = None
    payee: int = 0


make_lesson = maker(Lesson)
