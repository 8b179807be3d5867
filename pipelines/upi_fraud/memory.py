"""How a payer's state grows: every attempt is counted, only approved ones are learned from."""

from bisect import insort

from pipelines.upi_fraud.state import (
    HOURS_SATURATE,
    Bucket,
    Capacity,
    Device,
    Lesson,
    OldId,
    Payee,
    PayerState,
    Payment,
    Place,
    UsualPlace,
)

_U16 = 65_535


def add_attempt(state: PayerState, payment: Payment, capacity: Capacity) -> PayerState:
    """Count one attempt, whatever was decided about it.

    The result does not depend on the order of arrival: `recent` holds the newest by event time.
    """
    newest = max(state.newest_ms, payment.time_ms)
    first = min(state.first_ms, payment.time_ms) if state.seen else payment.time_ms
    recent = state.recent
    if not recent or payment >= recent[-1]:
        recent = (*recent, payment)
    else:
        ordered = list(recent)
        insort(ordered, payment)
        recent = tuple(ordered)
    buckets, old_ids, truncated = state.buckets, state.old_ids, state.truncated
    if len(recent) > capacity.recent:
        fallen, recent = recent[0], recent[1:]
        buckets = _add_to_bucket(buckets, fallen, capacity.bucket_ms)
        old_ids = _add_old_id(old_ids, fallen)
        truncated = truncated or len(old_ids) > capacity.old_ids
        old_ids = old_ids[-capacity.old_ids :]
    if buckets or old_ids:
        horizon = newest - capacity.look_back_ms
        buckets = _drop_buckets(buckets, horizon, capacity.bucket_ms)
        old_ids = _drop_ids(old_ids, horizon)
    return PayerState(
        min(state.seen + 1, 0xFFFFFFFF), state.learned, state.mean, state.m2, newest, first,
        truncated, state.hours, state.last_place, state.places, state.devices, state.payees,
        recent, buckets, old_ids,
    )  # fmt: skip


def _add_to_bucket(
    buckets: tuple[Bucket, ...], payment: Payment, width_ms: int
) -> tuple[Bucket, ...]:
    slot = payment.time_ms // width_ms
    ordered = list(buckets)
    for place in range(len(ordered) - 1, -1, -1):
        bucket = ordered[place]
        if bucket.slot == slot:
            number = min(bucket.number + 1, _U16)
            ordered[place] = Bucket(slot, number, bucket.paise + payment.paise)
            return tuple(ordered)
        if bucket.slot < slot:
            break
    insort(ordered, Bucket(slot, 1, payment.paise))
    return tuple(ordered)


def _add_old_id(old_ids: tuple[OldId, ...], payment: Payment) -> tuple[OldId, ...]:
    ordered = list(old_ids)
    insort(ordered, OldId(payment.time_ms // 1000, payment.id_hash))
    return tuple(ordered)


def _drop_buckets(
    buckets: tuple[Bucket, ...], horizon_ms: int, width_ms: int
) -> tuple[Bucket, ...]:
    place = 0
    while place < len(buckets) and (buckets[place].slot + 1) * width_ms <= horizon_ms:
        place += 1
    return buckets[place:] if place else buckets


def _drop_ids(old_ids: tuple[OldId, ...], horizon_ms: int) -> tuple[OldId, ...]:
    place = 0
    while place < len(old_ids) and old_ids[place].time_s * 1000 <= horizon_ms:
        place += 1
    return old_ids[place:] if place else old_ids


def learn(state: PayerState, lesson: Lesson, capacity: Capacity) -> PayerState:
    """Learn from an approved payment (Welford 1962 for mean and deviation)."""
    learned = state.learned + 1
    step = lesson.paise - state.mean
    mean = state.mean + step / learned
    return PayerState(
        state.seen, learned, mean, state.m2 + step * (lesson.paise - mean), state.newest_ms,
        state.first_ms, state.truncated, _count_hour(state.hours, lesson.hour),
        _newer_place(state.last_place, lesson), _count_place(state.places, lesson, capacity.places),
        _see_device(state.devices, lesson, capacity.devices),
        _see_payee(state.payees, lesson, capacity.payees),
        state.recent, state.buckets, state.old_ids,
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
        return state._replace(learned=0, mean=0.0, m2=0.0, hours=(0,) * 24)
    left = state.learned - 1
    mean = state.mean - (paise - state.mean) / left
    m2 = max(0.0, state.m2 - (paise - state.mean) * (paise - mean))
    hours = list(state.hours)
    hours[hour] = max(0, hours[hour] - 1)
    return state._replace(learned=left, mean=mean, m2=m2, hours=tuple(hours))


def _count_hour(hours: tuple[int, ...], hour: int) -> tuple[int, ...]:
    counts = list(hours)
    counts[hour] += 1
    if counts[hour] >= HOURS_SATURATE:
        counts = [count // 2 for count in counts]
    return tuple(counts)


def _newer_place(last: Place | None, lesson: Lesson) -> Place | None:
    if lesson.place is None or (last is not None and lesson.time_ms < last.time_ms):
        return last
    lat, lon, label = lesson.place
    return Place(lat, lon, lesson.time_ms, label)


def _count_place(
    places: tuple[UsualPlace, ...], lesson: Lesson, room: int
) -> tuple[UsualPlace, ...]:
    """Count the place; a new one takes the room of the rarest."""
    if lesson.place is None:
        return places
    label = lesson.place[2]
    for spot, (known, uses) in enumerate(places):
        if known == label:
            counted = UsualPlace(label, min(uses + 1, _U16))
            return (*places[:spot], counted, *places[spot + 1 :])
    if len(places) < room:
        return (*places, UsualPlace(label, 1))
    rarest = min(places, key=lambda place: (place.uses, place.hash))
    return (*(place for place in places if place is not rarest), UsualPlace(label, 1))


def _see_device(devices: tuple[Device, ...], lesson: Lesson, room: int) -> tuple[Device, ...]:
    """Note the use of a device; the one not used for longest goes when there is no room."""
    if lesson.device is None:
        return devices
    second = lesson.time_ms // 1000
    for spot, (known, first, last) in enumerate(devices):
        if known == lesson.device:
            used = Device(known, min(first, second), max(last, second))
            return (*devices[:spot], used, *devices[spot + 1 :])
    if len(devices) >= room:
        oldest = min(devices, key=lambda device: (device.last_s, device.hash))
        devices = tuple(device for device in devices if device is not oldest)
    return (*devices, Device(lesson.device, second, second))


def _see_payee(payees: tuple[Payee, ...], lesson: Lesson, room: int) -> tuple[Payee, ...]:
    second = lesson.time_ms // 1000
    for spot, (known, last, uses) in enumerate(payees):
        if known == lesson.payee:
            used = Payee(known, max(last, second), min(uses + 1, _U16))
            return (*payees[:spot], used, *payees[spot + 1 :])
    if len(payees) >= room:
        oldest = min(payees, key=lambda payee: (payee.last_s, payee.hash))
        payees = tuple(payee for payee in payees if payee is not oldest)
    return (*payees, Payee(lesson.payee, second, 1))
