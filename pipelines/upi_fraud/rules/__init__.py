"""The rules of all profiles; comparisons are those of the specification, section 7.

The keyword arguments of a builder are the keys a profile may set.
"""

from collections.abc import Mapping

from pipelines.upi_fraud.rules import amount, circumstances, counterparty, velocity
from pipelines.upi_fraud.rules.base import FACTORS, Check, Hit, Rule

__all__ = ["FACTORS", "RULES", "Check", "Hit", "Rule"]

RULES: Mapping[str, Rule] = {
    "velocity_count": Rule("velocity", velocity.velocity_count),
    "velocity_amount_1h": Rule("velocity", velocity.velocity_amount_1h),
    "velocity_amount_24h": Rule("velocity", velocity.velocity_amount_24h),
    "repeat_amount": Rule("velocity", velocity.repeat_amount),
    "amount_round": Rule("amount", amount.amount_round),
    "amount_just_below": Rule("amount", amount.amount_just_below),
    "amount_structuring": Rule("amount", amount.amount_structuring, "large", "from_rs"),
    "structuring_run": Rule("amount", amount.structuring_run, "large", "from_rs"),
    "amount_z": Rule("amount", amount.amount_z),
    "amount_cold": Rule("amount", amount.amount_cold, "large", "over_rs"),
    "amount_high": Rule("amount", amount.amount_high, "large", "over_rs"),
    "amount_very_high": Rule("amount", amount.amount_high, "large", "over_rs"),
    "impossible_travel": Rule("location", circumstances.travel, "far", "least_km"),
    "fast_travel": Rule("location", circumstances.travel, "far", "least_km"),
    "suspicious_travel": Rule("location", circumstances.travel, "far", "least_km"),
    "restricted_place": Rule("location", circumstances.restricted_place),
    "location_unknown": Rule("location", circumstances.location_unknown),
    "night_amount": Rule("time", circumstances.night_amount, "large", "over_rs"),
    "odd_hour": Rule("time", circumstances.odd_hour),
    "device_new": Rule("device", circumstances.device_new),
    "device_new_large": Rule("device", circumstances.device_new_large, "large", "over_rs"),
    "device_shared": Rule("device", circumstances.device_shared, "flag"),
    "device_fingerprint": Rule("device", circumstances.device_fingerprint),
    "device_missing": Rule("device", circumstances.device_missing),
    "merchant_reputation": Rule("merchant", counterparty.merchant_reputation, "merchant"),
    "merchant_new": Rule("merchant", counterparty.merchant_new, "merchant"),
    "merchant_category": Rule("merchant", counterparty.merchant_category),
    "merchant_collusion": Rule("merchant", counterparty.merchant_collusion, "flag"),
    "mule_fan_in": Rule("network", counterparty.account_flag, "flag"),
    "mule_pass_through": Rule("network", counterparty.account_flag, "flag"),
    "money_cycle": Rule("network", counterparty.account_flag, "flag"),
    "payee_shared_device": Rule("network", counterparty.payee_shared_device, "flag"),
    "payee_new": Rule("network", counterparty.payee_new, "large", "over_rs"),
}
"""Every rule a profile may have. `model` and `blocklisted` are overrides, see `scorer.py`."""
