"""What the rules look at: everything measured about one payment before it is added to the state."""

from itertools import islice

from pipelines.upi_fraud.geo import distance_km, speed_kmh
from pipelines.upi_fraud.payment import CheckedPayment, indian_hour
from pipelines.upi_fraud.reference import NO_FLAGS, Merchant, Reference
from pipelines.upi_fraud.rows import DEVICES, PAYEES, key_of, newest_first
from pipelines.upi_fraud.state import DAY_MS, HOUR_MS, Capacity, PayerState, Place, look_back

Z_LEAST = 10
"""Approved payments from which a deviation means something."""

Journey = tuple[float | None, float | None]
_FLOOR_SHARE, _FLOOR_PAISE = 0.1, 10_000.0


class Facts:
    """Measures of one payment. Later arrivals and later stamps have no part in any of them.

    Attributes:
        count_1h, count_24h: attempts before it in the trailing hour and day.
        paise_1h, paise_24h: their sums with this payment.
        z: deviation of the amount from the approved ones; None below `Z_LEAST` of them.
        here: its place, degrees x 1e5; None without one.
        moved: degrees x 1e5 from the last approved place, both directions added; -1 where either
            place is unknown.
        is_new_device: another device is learned and this one is not.
        device_age_ms: since this device was first learned, where another one is learned too.
        merchant: version in force, None for an unknown merchant.
        payer_flags, payee_flags, device_flags, merchant_flags: values by kind.
        has_flags: any of them holds something.
        is_window_exact: no bucket was counted.
    """

    __slots__ = (
        "_journey", "count_1h", "count_24h", "device_age_ms", "device_flags", "has_flags", "here",
        "hour", "is_new_device", "is_window_exact", "learned", "merchant", "merchant_flags",
        "moved", "paise", "paise_1h", "paise_24h", "payee_flags", "payer_flags", "payment", "state",
        "z",
    )  # fmt: skip

    def __init__(
        self, state: PayerState, payment: CheckedPayment, reference: Reference, capacity: Capacity
    ) -> None:
        at, paise = payment.event_time, payment.paise
        self.count_1h, paise_1h, self.count_24h, paise_24h, self.is_window_exact = look_back(
            state, at, capacity.bucket_ms
        )
        self.paise_1h, self.paise_24h = paise_1h + paise, paise_24h + paise
        self.state, self.payment, self.paise, self.hour = state, payment, paise, indian_hour(at)
        self.learned = state.learned
        self.z = amount_z(state, paise)
        self._journey: Journey | None = None
        self.here, self.moved = _moved(state.last_place, payment.lat, payment.lon)
        self.is_new_device, self.device_age_ms = _device(state, payment)
        self.merchant: Merchant | None = None
        if payment.merchant_id is not None:
            self.merchant = reference.merchant(payment.merchant_id, payment.ingest_time)
        self.payer_flags = self.payee_flags = self.device_flags = self.merchant_flags = NO_FLAGS
        self.has_flags = bool(reference.flags) and self._look_up_flags(reference)

    def _look_up_flags(self, reference: Reference) -> bool:
        """Look up what is flagged; tells whether anything is."""
        payment, active = self.payment, reference.active
        self.payer_flags = active(payment.payer, payment.ingest_time)
        self.payee_flags = active(payment.payee, payment.ingest_time)
        self.device_flags = active(payment.device, payment.ingest_time)
        self.merchant_flags = active(payment.merchant_id, payment.ingest_time)
        return bool(
            self.payee_flags or self.payer_flags or self.device_flags or self.merchant_flags
        )

    @property
    def is_new_payee(self) -> bool:
        """Whether no approved payment went to this payee."""
        return PAYEES.find(self.state.payees, key_of(self.payment.payee_hash)) < 0

    @property
    def journey(self) -> Journey:
        """Way from the last approved place, km, and its speed, km/h; None where one is unknown."""
        if self._journey is None:
            self._journey = _travel(self)
        return self._journey

    def latest_1h(self, number: int) -> list[int]:
        """Amounts of the newest attempts of the trailing hour, newest first, at most `number`."""
        at = self.payment.event_time
        amounts = (
            paise
            for time_ms, paise in newest_first(self.state.recent)
            if at - HOUR_MS < time_ms <= at
        )
        return list(islice(amounts, number))

    def amounts_24h(self) -> list[int]:
        """Amounts of the attempts of the trailing day that are kept one by one."""
        at = self.payment.event_time
        recent = newest_first(self.state.recent)
        return [paise for time_ms, paise in recent if at - DAY_MS < time_ms <= at]

    def hour_share(self) -> float:
        """Share of the approved payments that fell in this hour of the day."""
        total = sum(self.state.hours)
        return self.state.hours[self.hour] / total if total else 0.0


def amount_z(state: PayerState, paise: int) -> float | None:
    """How many deviations the amount lies above the mean; None while the payer is hardly known."""
    if state.learned < Z_LEAST:
        return None
    return deviations(paise, state.mean, state.deviation())


def deviations(paise: int, mean: float, deviation: float) -> float:
    """Distance of an amount from the mean in deviations, of which there is a least one."""
    return (paise - mean) / max(deviation, _FLOOR_SHARE * mean, _FLOOR_PAISE)


def _moved(
    last: Place | None, lat: float | None, lon: float | None
) -> tuple[tuple[int, int] | None, int]:
    if lat is None or lon is None:
        return None, -1
    here = round(lat * 1e5), round(lon * 1e5)
    if last is None:
        return here, -1
    return here, abs(here[0] - last.lat_e5) + abs(here[1] - last.lon_e5)


def _travel(facts: Facts) -> Journey:
    payment, last = facts.payment, facts.state.last_place
    if facts.moved < 0 or last is None or payment.lat is None or payment.lon is None:
        return None, None
    if facts.moved == 0:
        return 0.0, 0.0
    km = distance_km(last.lat_e5 / 1e5, last.lon_e5 / 1e5, payment.lat, payment.lon)
    return km, speed_kmh(km, payment.event_time - last.time_ms)


def _device(state: PayerState, payment: CheckedPayment) -> tuple[bool, int | None]:
    devices = state.devices
    if not devices or payment.device is None:
        return False, None
    at = DEVICES.find(devices, key_of(payment.device_hash))
    if at < 0:
        return True, None
    if len(devices) == DEVICES.size:
        return False, None
    return False, payment.event_time - DEVICES.row(devices, at).first_s * 1000


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
    by_count = count / 10 if count < 10 else 1.0
    by_sum = paise / 10_000_000 if paise < 10_000_000 else 1.0
    return (by_count + by_sum) / 2
