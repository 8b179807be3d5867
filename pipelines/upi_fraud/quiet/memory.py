"""How a payer's state grows by an approved payment: `memory.py` of the job, over arrays."""

import numpy as np

from pipelines.core.flat_records import Ints
from pipelines.upi_fraud.quiet import columns as of
from pipelines.upi_fraud.quiet.compiled import helper
from pipelines.upi_fraud.quiet.rows import (
    DEVICES,
    DIGEST,
    FIRST,
    FIRST_S,
    FLAGS,
    HAS_PLACE,
    HASH,
    ID,
    LAST_HASH,
    LAST_LAT,
    LAST_LON,
    LAST_S,
    LAST_TIME,
    LEARNED,
    M2,
    MEAN,
    NEWEST,
    PAISE,
    PAYEE_LAST_S,
    PAYEE_USES,
    PAYEES,
    PLACES,
    RECENT,
    SEEN,
    TIME,
    USES,
    Rows,
)
from pipelines.upi_fraud.quiet.rules import find, indian_hour
from pipelines.upi_fraud.state import HOURS_SATURATE
from pipelines.upi_fraud.state import LEARNED as LEARNED_MARK

_U16, _U32 = 0xFFFF, 0xFFFFFFFF


@helper
def has_room(rows: Rows, at: int, time_ms: int, bucket_ms: int, look_back_ms: int) -> bool:
    """Whether an attempt has its place by its time alone, and none that still counts falls out."""
    numbers = rows.numbers[at]
    length, newest = numbers[RECENT], max(numbers[NEWEST], time_ms)
    for entry in range(length - 1, -1, -1):
        if rows.recent[at, entry, TIME] < time_ms:
            break
        if rows.recent[at, entry, TIME] == time_ms and time_ms <= numbers[NEWEST]:
            return False
    if length < rows.recent.shape[1] - 1:
        return True
    oldest = min(rows.recent[at, 0, TIME], time_ms)
    return bool((oldest // bucket_ms + 1) * bucket_ms <= newest - look_back_ms)


@helper
def learn(rows: Rows, at: int, payment: Ints) -> None:
    """Count an attempt that has room, and learn from it."""
    event, paise = payment[of.EVENT], payment[of.PAISE]
    digest = payment[of.DIGEST_OF_ALL] | LEARNED_MARK
    _add_attempt(rows, at, event, payment[of.ID_HASH], paise, digest)
    _learn_amount(rows, at, paise, indian_hour(event))
    if payment[of.HAS_SPOT]:
        _learn_place(rows, at, event, payment[of.LAT], payment[of.LON], payment[of.LABEL])
    if payment[of.DEVICE_LENGTH] >= 0:
        _learn_device(rows, at, event, payment[of.DEVICE])
    _learn_payee(rows, at, event, payment[of.PAYEE])


@helper
def _add_attempt(rows: Rows, at: int, time_ms: int, id_hash: int, paise: int, digest: int) -> None:
    """Count one attempt that has room."""
    numbers, recent = rows.numbers[at], rows.recent[at]
    if numbers[SEEN] == 0 or time_ms < numbers[FIRST]:
        numbers[FIRST] = time_ms
    numbers[NEWEST] = max(numbers[NEWEST], time_ms)
    numbers[SEEN] = min(numbers[SEEN] + 1, _U32)
    length = numbers[RECENT]
    entry = length
    while entry > 0 and recent[entry - 1, TIME] > time_ms:
        recent[entry] = recent[entry - 1]
        entry -= 1
    recent[entry, TIME], recent[entry, PAISE] = time_ms, paise
    recent[entry, ID], recent[entry, DIGEST] = id_hash, digest
    if length + 1 < len(recent):
        numbers[RECENT] = length + 1
    else:
        recent[:length] = recent[1:]


@helper
def _learn_amount(rows: Rows, at: int, paise: int, hour: int) -> None:
    """Learn an amount and its hour (Welford 1962)."""
    rows.numbers[at, LEARNED] += 1
    mean = rows.moments[at, MEAN]
    step = paise - mean
    mean += step / rows.numbers[at, LEARNED]
    rows.moments[at, MEAN] = mean
    rows.moments[at, M2] += step * (paise - mean)
    rows.hours[at, hour] += 1
    if rows.hours[at, hour] >= HOURS_SATURATE:
        rows.hours[at] //= 2


@helper
def _learn_place(rows: Rows, at: int, time_ms: int, lat: int, lon: int, label: int) -> None:
    """Note the newest place and count it; a new one takes the room of the rarest."""
    numbers, places = rows.numbers[at], rows.places[at]
    if not numbers[FLAGS] & HAS_PLACE or time_ms >= numbers[LAST_TIME]:
        numbers[FLAGS] |= HAS_PLACE
        numbers[LAST_LAT], numbers[LAST_LON] = lat, lon
        numbers[LAST_TIME], numbers[LAST_HASH] = time_ms, label
    entry = find(places, numbers[PLACES], label)
    if entry >= 0:
        places[entry, USES] = min(places[entry, USES] + 1, _U16)
        return
    entry = _make_room(places, numbers, PLACES, USES)
    places[entry, HASH], places[entry, USES] = label, 1


@helper
def _learn_device(rows: Rows, at: int, time_ms: int, device: int) -> None:
    """Note the use of a device; the one not used for longest goes when there is no room."""
    devices, second = rows.devices[at], time_ms // 1000
    entry = find(devices, rows.numbers[at, DEVICES], device)
    if entry >= 0:
        devices[entry, FIRST_S] = min(devices[entry, FIRST_S], second)
        devices[entry, LAST_S] = max(devices[entry, LAST_S], second)
        return
    entry = _make_room(devices, rows.numbers[at], DEVICES, LAST_S)
    devices[entry, HASH], devices[entry, FIRST_S], devices[entry, LAST_S] = device, second, second


@helper
def _learn_payee(rows: Rows, at: int, time_ms: int, payee: int) -> None:
    """Note a payment to a payee; the one not paid for longest goes when there is no room."""
    payees, second = rows.payees[at], time_ms // 1000
    entry = find(payees, rows.numbers[at, PAYEES], payee)
    if entry >= 0:
        payees[entry, PAYEE_LAST_S] = max(payees[entry, PAYEE_LAST_S], second)
        payees[entry, PAYEE_USES] = min(payees[entry, PAYEE_USES] + 1, _U16)
        return
    entry = _make_room(payees, rows.numbers[at], PAYEES, PAYEE_LAST_S)
    payees[entry, HASH], payees[entry, PAYEE_LAST_S], payees[entry, PAYEE_USES] = payee, second, 1


@helper
def _make_room(entries: Ints, numbers: Ints, length_at: int, order: int) -> int:
    """Place behind the last entry; a full list loses the one with the least order, then hash."""
    length = numbers[length_at]
    if length < len(entries):
        numbers[length_at] = length + 1
        return int(length)
    least = 0
    for entry in range(1, length):
        here, there = entries[entry], entries[least]
        if here[order] < there[order] or (
            here[order] == there[order] and np.uint64(here[HASH]) < np.uint64(there[HASH])
        ):
            least = entry
    entries[least : length - 1] = entries[least + 1 : length]
    return int(length - 1)
