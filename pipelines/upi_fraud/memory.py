"""How a payer's state grows: every attempt is counted, only approved ones are learned from."""

from pipelines.upi_fraud.rows import (
    ATTEMPTS,
    BUCKETS,
    DEVICES,
    OLD_IDS,
    PAYEES,
    USUAL_PLACES,
    Bucket,
    OldId,
    Payment,
    key_of,
)
from pipelines.upi_fraud.state import (
    HOURS,
    HOURS_SATURATE,
    Capacity,
    Lesson,
    PayerState,
    Place,
    make_place,
    make_state,
)

_U16, _U32 = 0xFFFF, 0xFFFFFFFF


def add_attempt(state: PayerState, payment: Payment, capacity: Capacity) -> PayerState:
    """Count one attempt, whatever was decided about it.

    The result does not depend on the order of arrival: `recent` holds the newest by event time.
    """
    (seen, learned, mean, m2, newest, first, truncated, hours, last, places, devices, payees,
     recent, buckets, old_ids) = state  # fmt: skip
    time_ms = payment.time_ms
    first = time_ms if not seen or time_ms < first else first
    if time_ms > newest or not recent:
        recent += ATTEMPTS.pack(*payment)
    else:
        recent = ATTEMPTS.write(sorted([*ATTEMPTS.read(recent), payment]))
    newest = time_ms if time_ms > newest else newest
    if len(recent) > capacity.recent * ATTEMPTS.size or buckets or old_ids:
        recent, buckets, old_ids, is_full = _make_room(recent, buckets, old_ids, newest, capacity)
        truncated = truncated or is_full
    return make_state(
        (
            seen + 1 if seen < _U32 else seen, learned, mean, m2, newest, first, truncated, hours,
            last, places, devices, payees, recent, buckets, old_ids,
        )
    )  # fmt: skip


def _make_room(
    recent: bytes, buckets: bytes, old_ids: bytes, newest: int, capacity: Capacity
) -> tuple[bytes, bytes, bytes, bool]:
    """Move the oldest attempt behind `recent`, drop what is too old; tell whether ids were lost."""
    is_full = False
    if len(recent) > capacity.recent * ATTEMPTS.size:
        fallen, recent = ATTEMPTS.row(recent, 0), recent[ATTEMPTS.size :]
        buckets = _add_to_bucket(buckets, fallen, capacity.bucket_ms)
        old_ids = _add_old_id(old_ids, fallen)
        room = capacity.old_ids * OLD_IDS.size
        is_full = len(old_ids) > room
        old_ids = old_ids[-room:]
    horizon = newest - capacity.look_back_ms
    buckets = _drop_buckets(buckets, horizon, capacity.bucket_ms)
    return recent, buckets, _drop_ids(old_ids, horizon), is_full


def _add_to_bucket(buckets: bytes, payment: Payment, width_ms: int) -> bytes:
    """Count an attempt where it belongs; mostly that is the last bucket, or behind it."""
    slot, last = payment.time_ms // width_ms, len(buckets) - BUCKETS.size
    if last < 0 or BUCKETS.row(buckets, last).slot < slot:
        return buckets + BUCKETS.pack(slot, 1, payment.paise)
    rows = BUCKETS.read(buckets)
    for place in range(len(rows) - 1, -1, -1):
        bucket = rows[place]
        if bucket.slot == slot:
            more = BUCKETS.pack(slot, min(bucket.number + 1, _U16), bucket.paise + payment.paise)
            at = place * BUCKETS.size
            return buckets[:at] + more + buckets[at + BUCKETS.size :]
        if bucket.slot < slot:
            break
    return BUCKETS.write(sorted([*rows, Bucket(slot, 1, payment.paise)]))


def _add_old_id(old_ids: bytes, payment: Payment) -> bytes:
    old, last = OldId(payment.time_ms // 1000, payment.id_hash), len(old_ids) - OLD_IDS.size
    if last < 0 or OLD_IDS.row(old_ids, last) <= old:
        return old_ids + OLD_IDS.pack(*old)
    return OLD_IDS.write(sorted([*OLD_IDS.read(old_ids), old]))


def _drop_buckets(buckets: bytes, horizon_ms: int, width_ms: int) -> bytes:
    at = 0
    while at < len(buckets) and (BUCKETS.row(buckets, at).slot + 1) * width_ms <= horizon_ms:
        at += BUCKETS.size
    return buckets[at:] if at else buckets


def _drop_ids(old_ids: bytes, horizon_ms: int) -> bytes:
    at = 0
    while at < len(old_ids) and OLD_IDS.row(old_ids, at).time_s * 1000 <= horizon_ms:
        at += OLD_IDS.size
    return old_ids[at:] if at else old_ids


def learn(state: PayerState, lesson: Lesson, capacity: Capacity) -> PayerState:
    """Learn from an approved payment (Welford 1962 for mean and deviation)."""
    (seen, learned, mean, m2, newest, first, truncated, hours, last, places, devices, payees,
     recent, buckets, old_ids) = state  # fmt: skip
    step, learned = lesson.paise - mean, learned + 1
    mean += step / learned
    return make_state(
        (
            seen, learned, mean, m2 + step * (lesson.paise - mean), newest, first, truncated,
            _count_hour(hours, lesson.hour), _newer_place(last, lesson),
            _count_place(places, lesson, capacity.places),
            _see_device(devices, lesson, capacity.devices),
            _see_payee(payees, lesson, capacity.payees), recent, buckets, old_ids,
        )
    )  # fmt: skip


def learn_amount(state: PayerState, paise: int, hour: int) -> PayerState:
    """Learn an amount and its hour alone (Welford)."""
    learned = state.learned + 1
    step = paise - state.mean
    mean = state.mean + step / learned
    return state._replace(
        learned=learned, mean=mean, m2=state.m2 + step * (paise - mean),
        hours=_count_hour(state.hours, hour),
    )  # fmt: skip


def unlearn_amount(state: PayerState, paise: int, hour: int) -> PayerState:
    """Take one learned amount and hour back; the inverse of `learn` for these (Welford)."""
    if state.learned <= 1:
        return state._replace(learned=0, mean=0.0, m2=0.0, hours=bytes(HOURS))
    left = state.learned - 1
    mean = state.mean - (paise - state.mean) / left
    m2 = max(0.0, state.m2 - (paise - state.mean) * (paise - mean))
    hours = bytearray(state.hours)
    hours[hour] = max(0, hours[hour] - 1)
    return state._replace(learned=left, mean=mean, m2=m2, hours=bytes(hours))


def _count_hour(hours: bytes, hour: int) -> bytes:
    counts = bytearray(hours)
    counts[hour] += 1
    if counts[hour] < HOURS_SATURATE:
        return bytes(counts)
    return bytes(count // 2 for count in counts)


def _newer_place(last: Place | None, lesson: Lesson) -> Place | None:
    if lesson.place is None or (last is not None and lesson.time_ms < last.time_ms):
        return last
    lat, lon, label = lesson.place
    return make_place((lat, lon, lesson.time_ms, label))


def _count_place(places: bytes, lesson: Lesson, room: int) -> bytes:
    """Count the place; a new one takes the room of the rarest."""
    if lesson.place is None:
        return places
    label = lesson.place[2]
    at = USUAL_PLACES.find(places, key_of(label, 4))
    if at >= 0:
        uses = min(USUAL_PLACES.row(places, at).uses + 1, _U16)
        return _replaced(places, at, USUAL_PLACES.pack(label, uses))
    if len(places) >= room * USUAL_PLACES.size:
        rows = USUAL_PLACES.read(places)
        rows.remove(min(rows, key=lambda place: (place.uses, place.hash)))
        places = USUAL_PLACES.write(rows)
    return places + USUAL_PLACES.pack(label, 1)


def _see_device(devices: bytes, lesson: Lesson, room: int) -> bytes:
    """Note the use of a device; the one not used for longest goes when there is no room."""
    wanted, second = lesson.device, lesson.time_ms // 1000
    if wanted is None:
        return devices
    at = DEVICES.find(devices, key_of(wanted))
    if at >= 0:
        _, first, last = DEVICES.row(devices, at)
        used = DEVICES.pack(wanted, min(first, second), max(last, second))
        return _replaced(devices, at, used)
    if len(devices) >= room * DEVICES.size:
        rows = DEVICES.read(devices)
        rows.remove(min(rows, key=lambda device: (device.last_s, device.hash)))
        devices = DEVICES.write(rows)
    return devices + DEVICES.pack(wanted, second, second)


def _see_payee(payees: bytes, lesson: Lesson, room: int) -> bytes:
    """Note a payment to a payee; the one not paid for longest goes when there is no room."""
    wanted, second = lesson.payee, lesson.time_ms // 1000
    at = PAYEES.find(payees, key_of(wanted))
    if at >= 0:
        _, last, uses = PAYEES.row(payees, at)
        return _replaced(payees, at, PAYEES.pack(wanted, max(last, second), min(uses + 1, _U16)))
    if len(payees) >= room * PAYEES.size:
        rows = PAYEES.read(payees)
        rows.remove(min(rows, key=lambda payee: (payee.last_s, payee.hash)))
        payees = PAYEES.write(rows)
    return payees + PAYEES.pack(wanted, second, 1)


def _replaced(data: bytes, at: int, row: bytes) -> bytes:
    return data[:at] + row + data[at + len(row) :]
