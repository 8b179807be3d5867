"""Rules of the factors merchant and network: who is paid, and what is known of them."""

from pipelines.upi_fraud.facts import Facts
from pipelines.upi_fraud.payment import show_rupees
from pipelines.upi_fraud.rules.base import Check, Hit, paise_of
from pipelines.upi_fraud.state import DAY_MS


def merchant_reputation(points: int, *, over: int, high_over: int, high_points: int) -> Check:
    """A merchant of bad repute (0 good to 100 bad)."""

    def check(facts: Facts) -> Hit | None:
        merchant = facts.merchant
        if merchant is None or merchant.reputation <= over:
            return None
        if merchant.reputation > high_over:
            return high_points, f"risk {merchant.reputation} of 100", f"{high_over}"
        return points, f"risk {merchant.reputation} of 100", f"{over}"

    return check


def merchant_new(points: int, *, younger_than_days: int) -> Check:
    """A merchant nobody knows, or not for long."""
    youth = younger_than_days * DAY_MS

    def check(facts: Facts) -> Hit | None:
        if facts.payment.merchant_id is None:
            return None
        merchant = facts.merchant
        if merchant is None:
            return points, "unknown merchant", f"{younger_than_days} days"
        age = facts.payment.event_time - merchant.first_seen_ms
        if age >= youth:
            return None
        return points, f"first seen {max(0, age // DAY_MS)} days ago", f"{younger_than_days} days"

    return check


def merchant_category(points: int, *, categories: str) -> Check:
    """A line of business with many frauds."""
    listed = frozenset(categories.split())

    def check(facts: Facts) -> Hit | None:
        merchant = facts.merchant
        category = merchant.category if merchant else facts.payment.merchant_category
        if category not in listed:
            return None
        return points, str(category), "high-risk categories"

    return check


def merchant_collusion(points: int) -> Check:
    """Many payers, far above the usual ticket, in half an hour."""

    def check(facts: Facts) -> Hit | None:
        payers = facts.merchant_flags.get("COLLUSION")
        return (points, f"{payers} payers in 30 minutes", "flag COLLUSION") if payers else None

    return check


def account_flag(points: int, *, kind: str) -> Check:
    """A standing flag on payee or payer; a mule's own payments count too."""

    def check(facts: Facts) -> Hit | None:
        for who, flags in (("payee", facts.payee_flags), ("payer", facts.payer_flags)):
            if kind in flags:
                return points, f"{who} flagged, measure {flags[kind]}", f"flag {kind}"
        return None

    return check


def payee_shared_device(points: int, *, over_accounts: int) -> Check:
    """The payee sits on a device with many accounts."""

    def check(facts: Facts) -> Hit | None:
        accounts = facts.payee_flags.get("DEVICE_SHARED", 0)
        if accounts <= over_accounts:
            return None
        return points, f"{accounts} accounts on the payee's device", f"{over_accounts}"

    return check


def payee_new(points: int, *, over_rs: int) -> Check:
    """A larger first payment to somebody."""
    limit = paise_of(over_rs)

    def check(facts: Facts) -> Hit | None:
        if facts.paise <= limit or not facts.is_new_payee:
            return None
        return points, f"first payment, {show_rupees(facts.paise)}", show_rupees(limit)

    return check
