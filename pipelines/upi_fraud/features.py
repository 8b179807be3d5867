"""What the model sees of a payment: numbers of `Facts`, taken before the payment is added."""

import math

from pipelines.upi_fraud.facts import Facts
from pipelines.upi_fraud.state import DAY_MS

FEATURES = (
    "log_amount", "deviations", "log_times_mean", "learned", "count_1h", "log_paise_1h",
    "count_24h", "log_paise_24h", "hour_share", "km", "log_speed", "is_new_device", "is_new_payee",
    "device_users", "payee_flags", "payer_flags", "reputation", "merchant_age_days", "is_merchant",
)  # fmt: skip
RISING = ("log_amount", "deviations", "log_times_mean", "log_paise_1h", "log_paise_24h")
"""Features that may only raise the score: more money is never safer."""

_FASTEST_KMH, _FAR_KM, _OLD_DAYS = 10_000.0, 3_000.0, 3_650.0
_UNKNOWN = -1.0


def model_features(facts: Facts) -> list[float]:
    """`FEATURES` of a payment; always finite."""
    merchant, payment = facts.merchant, facts.payment
    age = _UNKNOWN
    if merchant is not None:
        age = min((payment.event_time - merchant.first_seen_ms) / DAY_MS, _OLD_DAYS)
    mean, (km, speed) = facts.state.mean, facts.journey
    return [
        math.log1p(facts.paise), 0.0 if facts.z is None else min(facts.z, 100.0),
        math.log(facts.paise / mean) if mean > 0 else 0.0, float(min(facts.learned, 1_000)),
        float(facts.count_1h), math.log1p(facts.paise_1h), float(facts.count_24h),
        math.log1p(facts.paise_24h), facts.hour_share(),
        _UNKNOWN if km is None else min(km, _FAR_KM),
        _UNKNOWN if speed is None else math.log1p(min(speed, _FASTEST_KMH)),
        float(facts.is_new_device), float(facts.is_new_payee),
        float(facts.device_flags.get("DEVICE_SHARED", 0)), float(len(facts.payee_flags)),
        float(len(facts.payer_flags)), _UNKNOWN if merchant is None else float(merchant.reputation),
        age, float(payment.merchant_id is not None),
    ]  # fmt: skip
