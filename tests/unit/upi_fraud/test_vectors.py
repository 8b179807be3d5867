"""The golden vectors of the specification, section 15: points of each profile."""

import pytest

from pipelines.upi_fraud.facts import velocity_risk
from pipelines.upi_fraud.geo import distance_km
from pipelines.upi_fraud.profile import load_profile
from pipelines.upi_fraud.reference import Reference
from pipelines.upi_fraud.scorer import action_of
from pipelines.upi_fraud.state import EMPTY
from tests.unit.upi_fraud.samples import (
    DELHI,
    HOUR,
    MINUTE,
    MUMBAI,
    NIGHT_MS,
    NOON_MS,
    PUNE,
    attempts,
    cold,
    flagged,
    judge,
    known,
    merchant,
    payment,
)

QUIET = known(mean=1_000_000, deviation=1)  # never a deviation, for the profiles without one
DISTINCT = [100 + place for place in range(40)]


def night(state, at=NIGHT_MS):
    """The same payer, last seen in the same place shortly before."""
    return state._replace(
        newest_ms=at - 30 * HOUR, last_place=state.last_place._replace(time_ms=at - 30 * HOUR)
    )


@pytest.mark.parametrize(
    ("before", "rupees", "points"),
    [
        (DISTINCT[:15], 100, 30), (DISTINCT[:14], 100, 0), ([45_000], 5_000, 0), ([45_000], 5_001, 25),
        ([], 10_000, 15), ([], 9_000, 0), ([], 10_500, 0),
    ],
)  # fmt: skip
def test_upi(before, rupees, points):
    assert judge("upi", payment(rupees), attempts(QUIET, before)).points == points


@pytest.mark.parametrize(("age_ms", "points"), [(3_601_000, 0), (3_600_000, 0), (3_599_999, 25)])
def test_upi_look_back_ends_at_exactly_an_hour(age_ms, points):
    state = attempts(QUIET, [45_000], start=NOON_MS - age_ms)
    assert judge("upi", payment(9_999), state).points == points


@pytest.mark.parametrize(
    ("before", "rupees", "points", "action"),
    [
        ([], 9_999, 60, "MANUAL_REVIEW"), ([], 10_000, 20, "APPROVE"), ([500] * 4, 500, 25, "APPROVE"),
        ([500] * 3, 500, 0, "APPROVE"), ([1] * 20, 1, 55, "ADDITIONAL_VERIFICATION"),
        (DISTINCT[:19], 50, 0, "APPROVE"), (DISTINCT[:20], 50, 30, "APPROVE"),
        ([30_000], 20_001, 40, "ADDITIONAL_VERIFICATION"), ([30_000], 20_000, 0, "APPROVE"),
        ([], 100_000, 60, "MANUAL_REVIEW"), ([], 9_000, 25, "APPROVE"), ([], 8_999, 0, "APPROVE"),
    ],
)  # fmt: skip
def test_paytm(before, rupees, points, action):
    decision = judge("paytm", payment(rupees), attempts(QUIET, before))
    assert (decision.points, decision.action) == (points, action)


@pytest.mark.parametrize(
    ("rupees", "at", "device", "points"),
    [
        (10_000, NIGHT_MS, "device", 20), (25_000, NOON_MS, "other", 40), (25_001, NOON_MS, "other", 35),
        (49_999, NIGHT_MS, "other", 85), (99_999, NIGHT_MS, "other", 125),
    ],
)  # fmt: skip
def test_paytm_night_and_device(rupees, at, device, points):
    assert judge("paytm", payment(rupees, at, device=device), night(QUIET, at)).points == points


@pytest.mark.parametrize(("users", "points"), [(4, 30), (3, 0)])
def test_paytm_device_users(users, points):
    reference = flagged("device", "DEVICE_SHARED", users)
    assert judge("paytm", payment(500), QUIET, reference).points == points


def test_a_later_stamp_that_came_earlier_does_not_count():
    state = attempts(QUIET, [40_000], start=NOON_MS + 10 * MINUTE)
    assert judge("paytm", payment(20_000), state).points == 0


@pytest.mark.parametrize(
    ("rupees", "points"), [(20, 0), (1_500, 5), (60_000, 30)]
)  # z of 1,500 is 1.17, of 60,000 far over 3
def test_strict_amounts(rupees, points):
    assert judge("strict", payment(rupees)).points == points


@pytest.mark.parametrize(("rupees", "points"), [(25_000, 30), (25_001, 50)])
def test_strict_new_device_of_someone_hardly_known(rupees, points):
    assert judge("strict", payment(rupees, device="other"), cold(5)).points == points


def test_strict_new_device_at_night():
    decision = judge("strict", payment(49_999, NIGHT_MS, device="other"), night(known()))
    assert (decision.points, decision.action) == (85, "BLOCK")


@pytest.mark.parametrize(
    ("before", "rupees", "points"),
    [
        ([9_500] * 3, 9_500, 50), (DISTINCT[:15], 100, 40), (DISTINCT[:14], 100, 0),
        (DISTINCT[:30], 90, 60), ([600] * 30, 600, 70),
    ],
)  # fmt: skip
def test_strict_runs(before, rupees, points):
    assert judge("strict", payment(rupees), attempts(known(), before)).points == points


def test_strict_takeover():
    state = known()._replace(last_place=known().last_place._replace(time_ms=NOON_MS - HOUR))
    one = payment(20_000, device="other", payee_hash=99, lat=DELHI[0], lon=DELHI[1])
    decision = judge("strict", one, state)
    assert (decision.points, decision.action) == (105, "BLOCK")
    assert [rule.code for rule in decision.fired] == [
        "impossible_travel",
        "amount_z",
        "device_new",
        "payee_new",
    ]


@pytest.mark.parametrize(("rupees", "points"), [(15_000, 80), (500, 40)])
def test_strict_fan_in_payee(rupees, points):
    decision = judge("strict", payment(rupees, payee_hash=99), known(), flagged("payee", "FAN_IN"))
    assert decision.points == points


def test_strict_colluding_merchant():
    reference = flagged("M1", "COLLUSION").add_all(merchants=[merchant(75)])
    assert judge("strict", payment(15_000, merchant_id="M1"), known(), reference).points == 80


def test_strict_second_large_payment_of_someone_unknown():
    state = attempts(cold(1), [99_999], start=NOON_MS - 10 * MINUTE)
    assert judge("strict", payment(99_999), state).points == 60


@pytest.mark.parametrize(
    ("rupees", "points"),
    [(500, 0), (600, 0), (600.01, 5), (700, 5), (700.01, 15), (800, 15), (800.01, 30)],
)
def test_strict_deviation_of_equal_amounts(rupees, points):
    assert judge("strict", payment(rupees), known(n=10, mean=500, deviation=0)).points == points


@pytest.mark.parametrize(
    ("hours", "place", "upi", "paytm", "strict"),
    [
        (1, DELHI, 50, 50, 50), (1.2, DELHI, 50, 50, 50), (1.3, DELHI, 50, 20, 30), (2, DELHI, 50, 20, 30),
        (2.4, DELHI, 20, 20, 10), (3, DELHI, 20, 20, 10), (11, DELHI, 20, 20, 10), (12, DELHI, 0, 0, 0),
        (1.1, PUNE, 20, 20, 10), (1.3, PUNE, 0, 0, 0), (0, DELHI, 50, 50, 50), (0, (19.2, 72.9), 0, 0, 0),
    ],
)  # fmt: skip
def test_travel(hours, place, upi, paytm, strict):
    last = known().last_place._replace(time_ms=NOON_MS - round(hours * HOUR))
    state = known()._replace(last_place=last)
    one = payment(500, lat=place[0], lon=place[1])
    assert [judge(name, one, state).points for name in ("upi", "paytm", "strict")] == [
        upi,
        paytm,
        strict,
    ]


def test_distances():
    assert distance_km(*MUMBAI, *DELHI) == pytest.approx(1148.1, abs=0.05)
    assert distance_km(*MUMBAI, *PUNE) == pytest.approx(120.2, abs=0.05)


def test_levels():
    levels = load_profile("strict").levels
    names = [action_of(points, levels) for points in (39, 40, 59, 60, 79, 80)]
    assert names == ["APPROVE", *["ADDITIONAL_VERIFICATION"] * 2, *["MANUAL_REVIEW"] * 2, "BLOCK"]


@pytest.mark.parametrize(
    ("rupees", "points"), [(100_000, 0), (100_001, 30), (500_000, 30), (500_001, 80)]
)
def test_tiers(rupees, points):
    decision = judge("tiers", payment(rupees))
    assert (decision.points, decision.action == "BLOCK") == (points, points == 80)


@pytest.mark.parametrize(
    ("count", "rupees", "risk"), [(5, 25_000, 0.375), (10, 100_000, 1), (20, 50_000, 0.75)]
)
def test_velocity_risk(count, rupees, risk):
    assert velocity_risk(count, rupees * 100) == pytest.approx(risk)


@pytest.mark.parametrize("profile", ["upi", "paytm", "strict"])
def test_a_burst_just_below_the_limit_is_caught(profile):
    from pipelines.upi_fraud.scorer import decide
    from tests.unit.upi_fraud.samples import SETTINGS

    state, actions, tiers = EMPTY, [], []
    for place in range(100):
        one = payment(99_999, NOON_MS + place * 6_000, id_hash=place)
        tiers.append(judge("tiers", one, state).points)
        state, decision = decide(state, one, Reference(0), load_profile(profile), None, SETTINGS)
        actions.append(decision.action)
    assert tiers == [0] * 100
    assert actions.count("APPROVE") <= 1
    assert sum(action in ("MANUAL_REVIEW", "BLOCK") for action in actions) >= 85


def levels_of(profile, device):
    """Actions whose strength falls when one paisa is added, at these amounts."""
    order = ["APPROVE", "ADDITIONAL_VERIFICATION", "MANUAL_REVIEW", "BLOCK"]
    amounts = [9_999, 10_000, 24_999, 25_000, 49_999, 50_000, 99_999, 100_000]
    state, lowered = known() if profile == "strict" else QUIET, []
    for rupees in amounts:
        before = order.index(judge(profile, payment(rupees, device=device), state).action)
        after = order.index(judge(profile, payment(rupees + 0.01, device=device), state).action)
        if after < before:
            lowered.append(rupees)
    return lowered


def test_inversions():
    assert levels_of("paytm", "device") == [9_999, 99_999, 100_000]
    assert levels_of("paytm", "other") == [9_999, 10_000, 24_999, 25_000, 49_999, 99_999, 100_000]
    assert levels_of("strict", "device") == levels_of("strict", "other") == []
