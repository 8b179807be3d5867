"""Whether a payment keeps the limits of a profile, and what its two soft rules make of it."""

import numpy as np

from pipelines.core.flat_records import Ints
from pipelines.upi_fraud import facts, payment
from pipelines.upi_fraud.facts import Z_LEAST
from pipelines.upi_fraud.quiet.compiled import helper
from pipelines.upi_fraud.quiet.limits import Limits
from pipelines.upi_fraud.quiet.rows import (
    DEVICES,
    FIRST_S,
    FLAGS,
    HAS_PLACE,
    HASH,
    ID,
    LAST_LAT,
    LAST_LON,
    LEARNED,
    M2,
    MEAN,
    PAISE,
    RECENT,
    TIME,
    Rows,
)
from pipelines.upi_fraud.state import DAY_MS, HOUR_MS

indian_hour = helper(payment.indian_hour)
velocity_risk = helper(facts.velocity_risk)
_deviations, _amount_risk = helper(facts.deviations), helper(facts.amount_risk)


@helper
def amount_risk(z: float) -> float:
    """Risk of the amount alone; NaN stands for a payer hardly known."""
    return 0.5 if np.isnan(z) else _amount_risk(z)


@helper
def is_copy(rows: Rows, at: int, id_hash: int) -> bool:
    """Whether an attempt with this id is among the newest."""
    for entry in range(rows.numbers[at, RECENT]):  # noqa: SIM110 (compiled: a loop allocates nothing)
        if rows.recent[at, entry, ID] == id_hash:
            return True
    return False


@helper
def look_back(rows: Rows, at: int, time_ms: int) -> tuple[int, int, int]:
    """Attempts of the trailing hour, their paise, the paise of the trailing day."""
    count_1h = paise_1h = paise_24h = 0
    for entry in range(rows.numbers[at, RECENT] - 1, -1, -1):
        moment, paise = rows.recent[at, entry, TIME], rows.recent[at, entry, PAISE]
        if moment <= time_ms - DAY_MS:
            break
        if moment <= time_ms:
            paise_24h += paise
            if moment > time_ms - HOUR_MS:
                count_1h += 1
                paise_1h += paise
    return count_1h, paise_1h, paise_24h


@helper
def is_usual_amount(limits: Limits, paise: int) -> bool:
    """Whether the amount alone fires nothing."""
    if paise >= limits.paise or (paise >= limits.round_from and paise % limits.round_paise == 0):
        return False
    for amount in limits.amounts:  # noqa: SIM110 (compiled: a loop allocates nothing)
        if paise == amount:
            return False
    return True


@helper
def deviations(rows: Rows, at: int, paise: int) -> float:
    """How many deviations an amount lies above the mean; NaN while the payer is hardly known."""
    learned = rows.numbers[at, LEARNED]
    if learned < Z_LEAST:
        return np.nan
    mean = rows.moments[at, MEAN]
    deviation = np.sqrt(rows.moments[at, M2] / (learned - 1))
    return _deviations(paise, mean, deviation)


@helper
def tier_of(limits: Limits, z: float) -> int:
    """Which limit of `amount_z` is passed, the highest first; -1 for none."""
    for tier in range(len(limits.z_over)):
        if z > limits.z_over[tier]:
            return tier
    return -1


@helper
def hour_share(rows: Rows, at: int, limits: Limits, hour: int) -> float:
    """Share of the approved payments at this hour; -1 if it gives no points."""
    if rows.numbers[at, LEARNED] < limits.hour_learned:
        return -1.0
    total = 0
    for one in range(rows.hours.shape[1]):
        total += rows.hours[at, one]
    share = rows.hours[at, hour] / total if total else 0.0
    return -1.0 if share > limits.hour_share else share


@helper
def is_usual_place(rows: Rows, at: int, limits: Limits, lat: int, lon: int) -> bool:
    """Whether the place is near enough to the last approved one."""
    if not rows.numbers[at, FLAGS] & HAS_PLACE:
        return True
    north, east = lat - rows.numbers[at, LAST_LAT], lon - rows.numbers[at, LAST_LON]
    return bool(abs(north) + abs(east) <= limits.moved)


@helper
def is_usual_device(rows: Rows, at: int, limits: Limits, device: int, time_ms: int) -> bool:
    """Whether the device is the only one or has been in use for long."""
    length = rows.numbers[at, DEVICES]
    if limits.device_age_ms < 0 or length == 0:
        return True
    entry = find(rows.devices[at], length, device)
    if entry < 0:
        return False
    first_ms = rows.devices[at, entry, FIRST_S] * 1000
    return bool(length == 1 or time_ms - first_ms >= limits.device_age_ms)


@helper
def find(entries: Ints, length: int, wanted: int) -> int:
    """Place of the entry with a hash; -1 if there is none."""
    for entry in range(length):
        if entries[entry, HASH] == wanted:
            return entry
    return -1
