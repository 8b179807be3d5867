"""Rules of the factors location, time and device."""

from pipelines.upi_fraud.facts import Facts
from pipelines.upi_fraud.payment import show_rupees
from pipelines.upi_fraud.rules.base import Check, Hit, paise_of
from pipelines.upi_fraud.state import HOUR_MS


def travel(points: int, *, over_kmh: float, least_km: float, up_to_kmh: float = 0) -> Check:
    """Faster from the last approved place than anyone travels; short distances are jitter."""

    def check(facts: Facts) -> Hit | None:
        km, speed = facts.journey
        if km is None or speed is None or km <= least_km or speed <= over_kmh:
            return None
        if up_to_kmh and speed > up_to_kmh:
            return None
        told = "at once" if speed == float("inf") else f"at {speed:,.0f} km/h"
        return points, f"{km:,.0f} km {told}", f"{over_kmh:g} km/h"

    return check


def restricted_place(points: int, *, places: str) -> Check:
    """A place on the configured list."""
    listed = frozenset(places.split())

    def check(facts: Facts) -> Hit | None:
        label = facts.payment.label
        if label not in listed:
            return None
        return points, label, "restricted places"

    return check


def location_unknown(points: int) -> Check:
    """Neither coordinates nor a place that is known."""

    def check(facts: Facts) -> Hit | None:
        return (points, "no place", "a known place") if facts.payment.lat is None else None

    return check


def night_amount(points: int, *, over_rs: int, before_hour: int, from_hour: int = 24) -> Check:
    """A larger payment in the Indian night."""
    limit = paise_of(over_rs)

    def check(facts: Facts) -> Hit | None:
        if facts.paise <= limit or before_hour <= facts.hour < from_hour:
            return None
        return points, f"{show_rupees(facts.paise)} at {facts.hour:02d} h", show_rupees(limit)

    return check


def odd_hour(points: int, *, learned_at_least: int, share_at_most: float) -> Check:
    """An hour at which this payer hardly ever pays."""

    def check(facts: Facts) -> Hit | None:
        if facts.learned < learned_at_least:
            return None
        share = facts.hour_share()
        if share > share_at_most:
            return None
        return points, f"{share:.1%} of payments at {facts.hour:02d} h", f"{share_at_most:.0%}"

    return check


def _is_fresh(facts: Facts, recent_ms: int) -> bool:
    age = facts.device_age_ms
    return facts.is_new_device or (recent_ms > 0 and age is not None and age < recent_ms)


def device_new(points: int, *, recent_hours: int = 0, up_to_rs: int = 0) -> Check:
    """A device this payer has not used, while another is known."""
    recent, limit = recent_hours * HOUR_MS, paise_of(up_to_rs)

    def check(facts: Facts) -> Hit | None:
        if not _is_fresh(facts, recent) or (limit and facts.paise > limit):
            return None
        return points, "new device", "a device in use for longer"

    return check


def device_new_large(points: int, *, over_rs: int, recent_hours: int = 0) -> Check:
    """A large payment from such a device."""
    recent, limit = recent_hours * HOUR_MS, paise_of(over_rs)

    def check(facts: Facts) -> Hit | None:
        if facts.paise <= limit or not _is_fresh(facts, recent):
            return None
        return points, f"{show_rupees(facts.paise)} from a new device", show_rupees(limit)

    return check


def device_shared(points: int, *, over_payers: int) -> Check:
    """A device that many payers used within a day."""

    def check(facts: Facts) -> Hit | None:
        users = facts.device_flags.get("DEVICE_SHARED", 0)
        if users <= over_payers:
            return None
        return points, f"{users} payers on the device in 24 hours", f"{over_payers}"

    return check


def device_fingerprint(points: int, *, shorter_than: int) -> Check:
    """A device id too short to be a fingerprint."""

    def check(facts: Facts) -> Hit | None:
        payment = facts.payment
        if payment.device is None or payment.device_length >= shorter_than:
            return None
        return points, f"{payment.device_length} characters", f"{shorter_than}"

    return check


def device_missing(points: int) -> Check:
    """No device at all."""

    def check(facts: Facts) -> Hit | None:
        return (points, "no device", "a device id") if facts.payment.device is None else None

    return check
