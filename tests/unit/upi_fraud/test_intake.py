"""Section 4: every row of the intake table, in its order."""

import math

import pytest

from pipelines.upi_fraud.intake import BadTime, Refusal, TooLate
from pipelines.upi_fraud.payment import CheckedPayment
from tests.unit.upi_fraud.samples import NOON_MS, intake, record

AT = (3, 14)


def check(key=b"asha@ybl", changes=None, **limits):
    return intake(**limits).check(record(**(changes or {})), key, AT)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"transaction_id": ""}, "INVALID_ID"), ({"transaction_id": "x" * 65}, "INVALID_ID"),
        ({"transaction_id": "a b"}, "INVALID_ID"), ({"transaction_id": "a\n"}, "INVALID_ID"),
        ({"amount_paise": 0}, "INVALID_AMOUNT"), ({"amount_paise": -1_000}, "INVALID_AMOUNT"),
        ({"amount_paise": 20_000_001}, "OVER_LIMIT"), ({"sender_vpa": "a@b@paytm"}, "INVALID_VPA"),
        ({"receiver_vpa": "ravi"}, "INVALID_VPA"), ({"receiver_vpa": "a @ybl"}, "INVALID_VPA"),
        ({"receiver_vpa": ""}, "INVALID_VPA"), ({"receiver_vpa": "Asha@YBL"}, "SELF_PAYMENT"),
        ({"currency": "USD"}, "CURRENCY"), ({"sender_vpa": "other@ybl"}, "KEY_MISMATCH"),
        ({"event_time": 1_460_332_799_999, "ingest_time": None}, "OUT_OF_RANGE"),
        ({"sender_balance_paise": 49_999}, "INSUFFICIENT_BALANCE"),
    ],
)  # fmt: skip
def test_refused(changes, reason):
    found = check(changes=changes)
    assert isinstance(found, Refusal)
    assert found.reason == reason
    assert "asha" not in str(found)


@pytest.mark.parametrize(
    "changes",
    [
        {"amount_paise": 1}, {"amount_paise": 20_000_000}, {"sender_balance_paise": 50_000},
        {"ingest_time": None}, {"ingest_time": NOON_MS + 300_000}, {"ingest_time": NOON_MS - 60_000},
        {"sender_vpa": "ASHA@ybl"}, {"receiver_vpa": "ravi@newpsp"}, {"transaction_id": "x" * 64},
    ],
)  # fmt: skip
def test_passes(changes):
    assert isinstance(check(changes=changes), CheckedPayment)


def test_the_first_reason_wins():
    worst = {"transaction_id": "", "amount_paise": 0, "sender_vpa": "x", "currency": "USD"}
    assert check(changes=worst).reason == "INVALID_ID"
    assert check(changes=worst | {"transaction_id": "T"}).reason == "INVALID_AMOUNT"
    assert check(changes={"sender_vpa": "x", "receiver_vpa": "y"}).field == "sender_vpa"
    late = {"ingest_time": NOON_MS + 300_001, "currency": "USD"}
    assert check(changes=late).reason == "CURRENCY"


def test_an_unknown_handle_is_refused_only_when_configured():
    changes, door = {"receiver_vpa": "ravi@newpsp"}, intake()
    assert isinstance(door.check(record(**changes), b"asha@ybl", AT), CheckedPayment)
    assert door.notes == {"unknown_handle": 1}
    assert check(changes=changes, rejects_unknown=True).reason == "UNKNOWN_HANDLE"


def test_a_missing_key_is_a_mismatch():
    assert check(key=None).reason == "KEY_MISMATCH"


# event and ingest minutes after 08:00: A, B, C, D, E of the specification
ARRIVALS = {"A": (6, 5), "B": (0, 7), "C": (9, 8), "D": (3, 10), "E": (12, 11)}


def arrivals(verdict, **limits):
    """Names of the arrivals that get this verdict."""
    times = {
        name: {"event_time": NOON_MS + event * 60_000, "ingest_time": NOON_MS + ingest * 60_000}
        for name, (event, ingest) in ARRIVALS.items()
    }
    return {
        name for name, changes in times.items()
        if isinstance(check(changes=changes, **limits), verdict)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("late_after_ms", "late"), [(300_000, "BD"), (419_999, "BD"), (420_000, "")]
)
def test_lateness(late_after_ms, late):
    assert arrivals(TooLate, late_after_ms=late_after_ms) == set(late)


@pytest.mark.parametrize(("skew_ms", "bad"), [(60_000, ""), (59_999, "ACE")])
def test_a_time_ahead_of_its_arrival(skew_ms, bad):
    assert arrivals(BadTime, skew_ms=skew_ms) == set(bad)


@pytest.mark.parametrize(
    ("lat", "lon"), [(None, 72.0), (19.0, None), (math.nan, 72.0), (91.0, 72.0), (19.0, -181.0)]
)
def test_odd_coordinates_are_ignored(lat, lon):
    door = intake()
    found = door.check(record(lat=lat, lon=lon), b"asha@ybl", AT)
    assert (found.lat, found.lon) == (19.0760, 72.8777)  # those of the place label
    assert door.notes == {"odd_coordinates": 1}


def test_an_unknown_place_does_not_become_a_city():
    found = check(changes={"location": "atlantis_harbour"})
    assert (found.lat, found.lon) == (None, None)
    assert (
        check(changes={"location": "bangalore_east"}).lat
        == check(changes={"location": "bengaluru"}).lat
    )


def test_tokens_hide_the_addresses_and_keep_the_handle():
    found = check()
    assert found.payer.startswith("t9_")
    assert found.payer.endswith("@ybl")
    assert not any("asha" in str(part) or "device-0" in str(part) for part in found)
    assert found.payer == check(key=b"ASHA@ybl", changes={"sender_vpa": "ASHA@YBL"}).payer
