"""The known mistakes of the specification, section 16: each naive form fails here.

The others are held where their subject is: K8 and K13 in test_endurance, K9 in test_decider and
test_intake, K11 in tests/flink/upi_fraud/test_network, K14 in tests/flink/upi_fraud/test_operators,
K19 in test_decider, K20 in test_intake, K21 in test_evaluate, K22 in test_model.
"""

import math
import time
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.upi_fraud.facts import amount_z
from pipelines.upi_fraud.geo import place_of
from pipelines.upi_fraud.memory import add_attempt, learn
from pipelines.upi_fraud.payment import indian_hour, show_rupees
from pipelines.upi_fraud.profile import NAMES, load_profile
from pipelines.upi_fraud.reference import Reference
from pipelines.upi_fraud.rows import DEVICES, Payment
from pipelines.upi_fraud.scorer import decide
from pipelines.upi_fraud.state import EMPTY, Lesson, look_back
from tests.unit.upi_fraud.samples import (
    HOUR,
    MUMBAI,
    NIGHT_MS,
    NOON_MS,
    SETTINGS,
    attempts,
    flagged,
    judge,
    known,
    payment,
)

ROOM = SETTINGS.capacity


def test_k1_twenty_payments_are_counted_one_by_one():
    state, counts = EMPTY, []
    for place in range(20):
        counts.append(look_back(state, NOON_MS + place, ROOM.bucket_ms).count_1h + 1)
        state = add_attempt(state, Payment(NOON_MS + place, place, 100, 0), ROOM)
    assert counts == list(range(1, 21))


def test_k2_equal_amounts_do_not_divide_by_nothing():
    state = EMPTY
    for place in range(12):
        state = learn(state, Lesson(NOON_MS + place, 50_000, 13), ROOM)
    assert amount_z(state, 50_000) == 0
    assert amount_z(state, 5_000_000) > 3


def test_k3_a_later_stamp_is_not_in_the_window():
    state = add_attempt(EMPTY, Payment(NOON_MS + 1, 1, 100, 0), ROOM)
    assert look_back(state, NOON_MS, ROOM.bucket_ms).count_24h == 0


def test_k4_a_replay_decides_the_same_at_any_time(monkeypatch):
    first = judge("strict", payment(20_000))
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert judge("strict", payment(20_000)) == first


def test_k5_two_cities_in_one_millisecond_are_impossible():
    state = known()._replace(last_place=known().last_place._replace(time_ms=NOON_MS))
    assert "impossible_travel" in {
        r.code for r in judge("strict", payment(500, lat=28.6, lon=77.2), state).fired
    }


def test_k6_metres_within_seconds_are_no_travel():
    state = known()._replace(last_place=known().last_place._replace(time_ms=NOON_MS - 1_000))
    assert judge("strict", payment(500, lat=MUMBAI[0] + 0.01), state).points == 0


@given(st.integers(1, 20_000_000))
def test_k7_money_is_whole_paise(paise):
    text = show_rupees(paise).removeprefix("Rs ").replace(",", "")
    whole, _, cents = text.partition(".")
    assert int(whole) * 100 + int(cents or 0) == paise


def test_k10_a_payee_whom_many_pay_is_seen():
    decision = judge("strict", payment(500), known(), flagged("payee", "FAN_IN"))
    assert decision.action != "APPROVE"


def test_k12_a_payment_does_not_vouch_for_itself_and_a_stopped_one_teaches_nothing():
    state = known()
    after, decision = decide(
        state, payment(60_000, device="other"), Reference(0), load_profile("strict"), None, SETTINGS
    )
    assert decision.action != "APPROVE"
    assert (after.learned, after.mean, after.devices) == (state.learned, state.mean, state.devices)
    assert after.seen == state.seen + 1


def test_k15_a_failure_is_told_and_not_learned():
    broken = load_profile("strict")
    kept = broken.checks
    object.__setattr__(broken, "checks", (((broken.rules[0], lambda facts: math.sqrt(-1)),),) * 4)
    try:
        state = known()
        after, decision = decide(state, payment(500), Reference(0), broken, None, SETTINGS)
    finally:
        object.__setattr__(broken, "checks", kept)
    assert (decision.action, decision.degraded, after) == ("MANUAL_REVIEW", "RULE_ERROR", state)


def test_k16_the_first_device_is_not_new():
    assert not {r.code for r in judge("strict", payment(500), EMPTY).fired} & {
        "device_new",
        "device_new_large",
    }


HOURS = {"UTC0": 20, "EST5": 15, "IST-5:30": 2}
"""Local hour of `NIGHT_MS` by zone, in the form that needs no table of zones."""


@pytest.mark.parametrize("zone", HOURS)
def test_k17_the_hour_is_indian_wherever_the_server_stands(zone, monkeypatch):
    with monkeypatch.context() as there:
        there.setenv("TZ", zone)
        time.tzset()
        told = time.localtime(NIGHT_MS / 1000).tm_hour, indian_hour(NIGHT_MS)
    time.tzset()
    assert told == (HOURS[zone], 2)
    state = known()._replace(last_place=None)
    at = NIGHT_MS - 3 * HOUR  # 23 h
    assert "night_amount" in {r.code for r in judge("strict", payment(20_000, at), state).fired}


def test_k17_midnight_and_leap_day():
    assert [indian_hour(ms) for ms in (1_709_145_000_000, 1_709_144_999_999)] == [0, 23]


def test_k18_an_unknown_place_is_unknown():
    assert place_of("atlantis") is None
    assert place_of("new_delhi_south") == place_of("delhi")
    assert place_of("") is None


def paise_of(rng):
    """An amount up to Rs 200,000: a small one as often as a large one."""
    return min(rng.getrandbits(rng.randint(1, 25)) + 1, 20_000_000)


def payer_of(rng):
    """A payer with 1 to 40 payments learned."""
    mean, deviation = rng.choice([1, 800, rng.uniform(1, 50_000)]), rng.uniform(0, 50_000)
    return known(rng.randint(1, 40), mean, rng.choice([0, deviation, deviation / 100]))


@settings(max_examples=75, deadline=None)
@given(st.integers(0, 2**32))
def test_more_money_never_means_fewer_points(seed):
    """Drawn from a seed: a payer with up to 33 attempts in the hour, 12 amounts."""
    rng = Random(seed)
    at, device, payee = (
        rng.choice([NOON_MS, NIGHT_MS]),
        rng.choice(["device", "other"]),
        rng.randint(0, 1),
    )
    prior = [rng.randint(1, 99_999) for _ in range(rng.randint(0, 33))]
    state = attempts(payer_of(rng), prior, start=at - 40 * 60_000)
    points = [
        judge("strict", payment(0, at, device=device, payee_hash=payee, paise=paise), state).points
        for paise in sorted(paise_of(rng) for _ in range(12))
    ]
    assert points == sorted(points)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(NAMES))
def test_risks_stay_between_nothing_and_one_and_points_are_the_sum(seed, profile):
    rng = Random(seed)
    for _ in range(3):
        at, device = rng.choice([NOON_MS, NIGHT_MS]), rng.choice(["device", "other"])
        one = payment(0, at, paise=paise_of(rng), device=device)
        check_sum(judge(profile, one, payer_of(rng)))


def check_sum(decision):
    assert all(0 <= risk <= 1 for _, risk in decision.factors)
    assert decision.points == sum(points for points, _ in decision.factors)
    assert all(rule.observed and rule.limit for rule in decision.fired)
    assert np.isfinite([risk for _, risk in decision.factors]).all()


def test_thirty_silent_days_are_forgotten():
    late = payment(500, NOON_MS + 31 * 24 * HOUR)
    after, _ = decide(known(), late, Reference(0), load_profile("strict"), None, SETTINGS)
    assert after.learned == 1
    assert len(DEVICES.read(after.devices)) == 1
