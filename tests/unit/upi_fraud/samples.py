"""Payments, states and references of the vectors; amounts in rupees, times relative to 13:30 in India."""

from typing import Any

from pipelines.core.privacy import Tokeniser
from pipelines.upi_fraud.config import UpiConfig
from pipelines.upi_fraud.decision import Decision
from pipelines.upi_fraud.hashing import hash64
from pipelines.upi_fraud.intake import Intake
from pipelines.upi_fraud.memory import add_attempt, learn
from pipelines.upi_fraud.payment import CheckedPayment
from pipelines.upi_fraud.profile import load_profile
from pipelines.upi_fraud.reference import Reference
from pipelines.upi_fraud.rows import DEVICES, Payment
from pipelines.upi_fraud.scorer import decide
from pipelines.upi_fraud.state import EMPTY, Capacity, Lesson, PayerState

CONFIG = UpiConfig()
SETTINGS = CONFIG.scoring()
TOKENISER = Tokeniser(b"unit-test-key", 9)
NOON_MS = 1_767_254_400_000
"""2026-01-01 13:30 in India (08:00 UTC)."""
NIGHT_MS = NOON_MS + 12 * 3_600_000 + 30 * 60_000
"""02:00 in India, the next day."""
MUMBAI, DELHI, PUNE = (19.0760, 72.8777), (28.6139, 77.2090), (18.5204, 73.8567)
HOUR, MINUTE = 3_600_000, 60_000


def intake(**changes: Any) -> Intake:
    return Intake(CONFIG.intake_limits()._replace(**changes), TOKENISER)


def record(**changes: Any) -> dict[str, Any]:
    """A `upi.Transaction` that passes."""
    return {
        "event_id": "e1", "event_time": NOON_MS, "ingest_time": NOON_MS + 500, "source": "test",
        "schema_version": 1, "region": "KA", "priority": 5, "transaction_id": "T-1",
        "sender_vpa": "asha@ybl", "receiver_vpa": "ravi@okaxis", "amount_paise": 50_000,
        "currency": "INR", "sender_balance_paise": None, "device_id": "device-000001",
        "location": "mumbai_bandra", "lat": None, "lon": None, "merchant_id": None,
        "merchant_category": None, "transaction_type": "P2P", "payment_method": "UPI",
        "purpose": "OTHER", **changes,
    }  # fmt: skip


def payment(rupees: float = 500, at: int = NOON_MS, **changes: Any) -> CheckedPayment:
    """A payment that passed the intake: payee `payee`, device `device`, in Mumbai."""
    base = {
        "event_time": at, "ingest_time": at, "transaction_id": "T", "id_hash": 1, "digest": 1,
        "payer": "payer", "payer_hash": 1, "payee": "payee", "payee_hash": hash64("payee"),
        "paise": round(rupees * 100), "device": "device", "device_hash": hash64("device"),
        "device_length": 16, "label": "mumbai", "lat": MUMBAI[0], "lon": MUMBAI[1],
        "merchant_id": None, "merchant_category": None, "recorded_ingest": at, "region": "KA",
        "priority": 5, "partition": 0, "offset": 0,
    }  # fmt: skip
    if "device" in changes and changes["device"] is not None:
        changes["device_hash"] = hash64(changes["device"])
    return CheckedPayment(**{**base, **changes})


def attempts(
    state: PayerState, amounts: list[float], start: int = NOON_MS - 59 * MINUTE, step: int = 1_000
) -> PayerState:
    """The state with attempts added, one every `step` ms."""
    for place, rupees in enumerate(amounts):
        one = Payment(start + place * step, 1_000 + place, round(rupees * 100), place)
        state = add_attempt(state, one, SETTINGS.capacity)
    return state


def known(
    n: int = 30, mean: float = 800, deviation: float = 600, hours: tuple[int, ...] | None = None,
    device_age_ms: int = 90 * 24 * HOUR, room: Capacity = SETTINGS.capacity,
) -> PayerState:  # fmt: skip
    """A payer with a learned profile: device and payee known, seen in Mumbai, usual hours."""
    lesson = Lesson(
        NOON_MS - 30 * HOUR, 0, 13, (1_907_600, 7_287_770, 7), hash64("device"), hash64("payee")
    )
    state = learn(EMPTY, lesson, room)
    device = DEVICES.row(state.devices, 0)._replace(first_s=(NOON_MS - device_age_ms) // 1000)
    return state._replace(
        seen=n, learned=n, mean=mean * 100, m2=(deviation * 100) ** 2 * (n - 1),
        hours=bytes(hours or (min(n, 250) if hour in (2, 13) else 0 for hour in range(24))), newest_ms=NOON_MS - 30 * HOUR, first_ms=NOON_MS - 900 * HOUR,
        devices=DEVICES.pack(*device), last_place=state.last_place._replace(time_ms=NOON_MS - 30 * HOUR),
    )  # fmt: skip


def cold(n: int = 5) -> PayerState:
    """A payer with few approved payments; device and payee known."""
    return known(n=n)


NOBODY = Reference(0)
"""Knows no merchant and no flag; nothing is added to it."""


def judge(
    profile: str, one: CheckedPayment, state: PayerState | None = None,
    reference: Reference | None = None, model: Any = None,
) -> Decision:  # fmt: skip
    base = known() if state is None else state
    found = decide(base, one, reference or NOBODY, load_profile(profile), model, SETTINGS)[1]
    assert found.degraded != "RULE_ERROR"
    return found


def flagged(subject: str, kind: str, value: int = 9) -> Reference:
    record = {"event_time": 0, "expires_at": None, "value": value, "subject": subject, "kind": kind}
    return Reference(0).add_all(flags=[record])


def merchant(reputation: int = 10, first_seen_date: int = 1_000, **changes: Any) -> dict[str, Any]:
    return {
        "event_time": 0, "merchant_id": "M1", "reputation": reputation, "category": "FOOD",
        "typical_ticket_paise": 30_000, "first_seen_date": first_seen_date, **changes,
    }  # fmt: skip
