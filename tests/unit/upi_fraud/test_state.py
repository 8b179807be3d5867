"""The payer's state against slow references, and its bytes."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.upi_fraud.errors import StateError
from pipelines.upi_fraud.memory import add_attempt, learn, unlearn_amount
from pipelines.upi_fraud.rows import (
    ATTEMPTS,
    BUCKETS,
    DEVICES,
    OLD_IDS,
    PAYEES,
    USUAL_PLACES,
    Device,
    Payment,
    key_of,
)
from pipelines.upi_fraud.state import DAY_MS, EMPTY, HOUR_MS, Capacity, Lesson, look_back
from pipelines.upi_fraud.state_codec import decode_state, encode_state
from tests.unit.upi_fraud.oracle import scan, two_pass
from tests.unit.upi_fraud.samples import NOON_MS, attempts, known

ROOM = Capacity()
BUCKET = ROOM.bucket_ms
GAPS = (0, 1, BUCKET - 1, BUCKET, HOUR_MS, HOUR_MS + BUCKET, DAY_MS)


def arrivals_of(seed):
    """1 to 90 arrivals (ms, paise) of hours or days: anywhere, or at a telling distance from another.

    Half of them in order; the dense ones fill buckets within an hour.
    """
    rng, times = Random(seed), [0]
    longest = rng.choice([2 * HOUR_MS, DAY_MS, 2 * DAY_MS])
    for _ in range(rng.randint(1, 90)):
        near = rng.choice(times) + rng.choice([-1, 1]) * rng.choice(GAPS)
        times.append(rng.choice([rng.randint(0, longest), min(max(near, 0), longest)]))
    made = sorted(times[1:]) if rng.random() < 0.5 else times[1:]
    return [(time, rng.randint(1, 20_000_000)) for time in made]


arrivals = st.integers(0, 2**32).map(arrivals_of)


def fill(times, room=ROOM):
    state = EMPTY
    for place, (time, paise) in enumerate(times):
        state = add_attempt(state, Payment(NOON_MS + time, place, paise, place), room)
    return state


@settings(max_examples=40, deadline=None)
@given(arrivals)
def test_look_backs_equal_a_scan_of_earlier_arrivals(times):
    state = EMPTY
    for place, (time, paise) in enumerate(times):
        earlier = times[:place]
        found = look_back(state, NOON_MS + time, BUCKET)
        if found.is_exact and len(earlier) <= ROOM.recent:
            assert (found.count_1h, found.paise_1h) == scan(earlier, time, HOUR_MS)
            assert (found.count_24h, found.paise_24h) == scan(earlier, time, DAY_MS)
        newest = max((one for one, _ in earlier), default=0)
        if time >= newest:  # in order: never less than the truth, at most a bucket more
            for width, count, total in ((HOUR_MS, found.count_1h, found.paise_1h),
                                        (DAY_MS, found.count_24h, found.paise_24h)):  # fmt: skip
                exact, more = scan(earlier, time, width), scan(earlier, time, width + BUCKET)
                assert exact[0] <= count <= more[0]
                assert exact[1] <= total <= more[1]
        state = add_attempt(state, Payment(NOON_MS + time, place, paise, place), ROOM)


@settings(max_examples=30, deadline=None)
@given(arrivals, st.randoms(use_true_random=True))
def test_what_is_kept_does_not_depend_on_the_order(times, random):
    numbered = [
        Payment(NOON_MS + time, place, paise, 0) for place, (time, paise) in enumerate(times)
    ]
    shuffled = numbered[:]
    random.shuffle(shuffled)
    states = []
    for order in (numbered, shuffled):
        state = EMPTY
        for one in order:
            state = add_attempt(state, one, ROOM)
        states.append(state)
    assert states[0] == states[1]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 20_000_000), min_size=1, max_size=60))
def test_mean_and_deviation_equal_two_passes(amounts):
    state = EMPTY
    for place, paise in enumerate(amounts):
        state = learn(state, Lesson(NOON_MS + place, paise, 13), ROOM)
    mean, deviation = two_pass(amounts)
    assert state.mean == pytest.approx(mean, rel=1e-9)
    assert state.deviation() == pytest.approx(deviation, rel=1e-9, abs=1e-6)
    back = unlearn_amount(state, amounts[-1], 13)
    if len(amounts) > 1:
        assert back.mean == pytest.approx(two_pass(amounts[:-1])[0], rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(arrivals)
def test_bytes_give_the_state_back(times):
    state = learn(
        fill(times), Lesson(NOON_MS, 100, 3, (1_907_600, -7_287_770, 5), 2**64 - 1, 2**63), ROOM
    )
    assert decode_state(encode_state(state)) == state


def test_sizes():
    small = attempts(known(), [100 + n for n in range(10)])
    small = small._replace(
        places=small.places * 3, devices=small.devices * 2, payees=small.payees * 8
    )
    assert len(encode_state(small)) == 496
    largest = small._replace(
        places=bytes(USUAL_PLACES.size * 5), devices=bytes(DEVICES.size * 8), payees=bytes(PAYEES.size * 16),
        recent=bytes(ATTEMPTS.size * 32), buckets=bytes(BUCKETS.size * 289), old_ids=bytes(OLD_IDS.size * 512),
    )  # fmt: skip
    assert len(encode_state(largest)) == 11_434


def test_a_busy_day_stays_within_the_largest_state():
    state = fill([(n * 20_000, 100) for n in range(6_000)])
    assert len(ATTEMPTS.read(state.recent)) == 32
    assert len(BUCKETS.read(state.buckets)) <= 289
    assert len(OLD_IDS.read(state.old_ids)) == 512
    assert state.truncated
    assert len(encode_state(state)) <= 12 * 1024


@pytest.mark.parametrize(
    "data", [b"", b"\x02" + bytes(73), b"\x01" + bytes(30), encode_state(EMPTY) + b"x"]
)
def test_bytes_of_another_layout_are_refused(data):
    with pytest.raises(StateError):
        decode_state(data)


def test_an_older_payment_never_moves_the_last_place():
    state = learn(EMPTY, Lesson(NOON_MS, 100, 3, (1, 1, 1)), ROOM)
    assert learn(state, Lesson(NOON_MS - 1, 100, 3, (2, 2, 2)), ROOM).last_place == state.last_place


def test_hours_are_halved_before_they_overflow():
    state = EMPTY
    for place in range(600):
        state = learn(state, Lesson(NOON_MS + place, 100, 3), ROOM)
    assert max(state.hours) < 255
    assert state.learned == 600


def test_a_hash_is_found_where_a_row_begins_and_nowhere_else():
    rows = [Device(1 << 40, 5, 6), Device(5, 7, 8), Device(2**64 - 1, 0, 0)]
    data = DEVICES.write(rows)
    assert data.find(key_of(5, 4)) == 8  # the first use of another device comes before it
    assert [DEVICES.find(data, key_of(one.hash)) for one in rows] == [0, 16, 32]
    assert DEVICES.find(data, key_of(6)) == -1
    shifted = int.from_bytes(data[4:12], "little")
    assert DEVICES.find(data, key_of(shifted)) == -1
    assert DEVICES.read(data) == rows


@given(st.lists(st.tuples(st.integers(0, 2**48 - 1), st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**48 - 1)), max_size=5))  # fmt: skip
def test_packed_attempts_are_read_as_they_were_written(rows):
    attempts = [Payment(*row) for row in rows]
    assert ATTEMPTS.read(ATTEMPTS.write(attempts)) == attempts
