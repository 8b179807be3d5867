"""What the rules look at: everything measured about one payment before it is added to the state."""

from collections.abc import Mapping
from itertools import islice

from pipelines.upi_fraud.geo import distance_km, speed_kmh
from pipelines.upi_fraud.payment import CheckedPayment, indian_hour
from pipelines.upi_fraud.reference import Merchant, Reference
from pipelines.upi_fraud.state import DAY_MS, HOUR_MS, Capacity, PayerState, look_back

Z_LEAST = 10
"""Approved payments from which a deviation means something."""
_FLOOR_SHARE, _FLOOR_PAISE = 0.1, 10_000.0


class Facts:
    """Measures of one payment. Later arrivals and later stamps have no part in any of them.

    Attributes:
        count_1h, count_24h: attempts before it in the trailing hour and day.
        paise_1h, paise_24h: their sums with this payment.
        z: deviation of the amount from the approved ones; None below `Z_LEAST` of them.
        km, speed: from the last approved place, km/h; None where either place is unknown.
        is_new_device: another device is learned and this one is not.
        device_age_ms: since this device was first learned, where another one is learned too.
        merchant: version in force, None for an unknown merchant.
        payer_flags, payee_flags, device_flags, merchant_flags: values by kind.
        is_new_payee: no approved payment went to this payee.
        is_window_exact: no bucket was counted.
    """

    __slots__ = (
        "count_1h", "count_24h", "device_age_ms", "device_flags", "hour", "is_new_device",
        "is_new_payee", "is_window_exact", "km", "learned", "merchant", "merchant_flags", "paise",
        "paise_1h", "paise_24h", "payee_flags", "payer_flags", "payment", "speed", "state", "z",
    )  # fmt: skip

    def __init__(
        self, state: PayerState, payment: CheckedPayment, reference: Reference, capacity: Capacity
    ) -> None:
        at, paise = payment.event_time, payment.paise
        count_1h, paise_1h, count_24h, paise_24h, is_exact = look_back(
            state, at, capacity.bucket_ms
        )
        self.state, self.payment, self.paise, self.hour = state, payment, paise, indian_hour(at)
        self.count_1h, self.paise_1h = count_1h, paise_1h + paise
        self.count_24h, self.paise_24h = count_24h, paise_24h + paise
        self.is_window_exact = is_exact
        self.learned = state.learned
        self.z = amount_z(state, paise)
        self.km, self.speed = _travel(state, payment)
        self.is_new_device, self.device_age_ms = _device(state, payment)
        wanted = payment.payee_hash
        self.is_new_payee = True
        for known, _, _ in state.payees:
            if known == wanted:
                self.is_new_payee = False
                break
        ingest = payment.ingest_time
        self.payer_flags = reference.active(payment.payer, ingest)
        self.payee_flags = reference.active(payment.payee, ingest)
        self.device_flags = reference.active(payment.device, ingest)
        merchant = payment.merchant_id
        self.merchant: Merchant | None = None
        self.merchant_flags: Mapping[str, int] = {}
        if merchant is not None:
            self.merchant = reference.merchant(merchant, ingest)
            self.merchant_flags = reference.active(merchant, ingest)

    def has_flags(self) -> bool:
        """Whether anything is flagged: payer, payee, device or merchant."""
        return bool(
            self.payee_flags or self.payer_flags or self.device_flags or self.merchant_flags
        )

    def latest_1h(self, number: int) -> list[int]:
        """Amounts of the newest attempts of the trailing hour, newest first, at most `number`."""
        at = self.payment.event_time
        amounts = (
            one.paise for one in reversed(self.state.recent) if at - HOUR_MS < one.time_ms <= at
        )
        return list(islice(amounts, number))

    def amounts_24h(self) -> list[int]:
        """Amounts of the attempts of the trailing day that are kept one by one."""
        at = self.payment.event_time
        return [one.paise for one in self.state.recent if at - DAY_MS < one.time_ms <= at]

    def hour_share(self) -> float:
        """Share of the approved payments that fell in this hour of the day."""
        total = sum(self.state.hours)
        return self.state.hours[self.hour] / total if total else 0.0


def amount_z(state: PayerState, paise: int) -> float | None:
    """How many deviations the amount lies above the mean; the deviation has a floor."""
    if state.learned < Z_LEAST:
        return None
    floor = max(_FLOOR_SHARE * state.mean, _FLOOR_PAISE)
    return (paise - state.mean) / max(state.deviation(), floor)


def _travel(state: PayerState, payment: CheckedPayment) -> tuple[float | None, float | None]:
    last, lat, lon = state.last_place, payment.lat, payment.lon
    if last is None or lat is None or lon is None:
        return None, None
    here = round(lat * 1e5), round(lon * 1e5)
    if here == (last.lat_e5, last.lon_e5):
        return 0.0, 0.0
    km = distance_km(last.lat_e5 / 1e5, last.lon_e5 / 1e5, lat, lon)
    return km, speed_kmh(km, payment.event_time - last.time_ms)


def _device(state: PayerState, payment: CheckedPayment) -> tuple[bool, int | None]:
    if payment.device is None or not state.devices:
        return False, None
    own = next((one for one in state.devices if one.hash == payment.device_hash), None)
    if own is None:
        return True, None
    if len(state.devices) == 1:
        return False, None
    return False, payment.event_time - own.first_s * 1000


def amount_risk(z: float | None) -> float:
    """Risk of the amount alone (given): 0.5 while the payer is hardly known."""
    if z is None:
        return 0.5
    if z > 3:
        return 0.9
    if z > 2:
        return 0.7
    return 0.4 if z > 1 else 0.1


def velocity_risk(count: int, paise: int) -> float:
    """Risk of number and sum in an hour, this payment included (given)."""
    return (min(count / 10, 1.0) + min(paise / 10_000_000, 1.0)) / 2
