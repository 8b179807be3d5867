"""The door of the job: which payments are decided, and why the others are not (section 4)."""

import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple, cast

from pipelines.core.privacy import Tokeniser, mask_value
from pipelines.upi_fraud.geo import place_of
from pipelines.upi_fraud.hashing import hash46, hash64
from pipelines.upi_fraud.payment import CheckedPayment

is_id = re.compile(r"[A-Za-z0-9_-]{1,64}").fullmatch
_VPA = re.compile(r"[a-z0-9._-]{1,255}@[a-z][a-z0-9]{1,63}")
RULE_VERSION = "intake@1"


class Refusal(NamedTuple):
    """A payment refused before scoring: an outcome, never a fault.

    Attributes:
        reason: symbol of `upi.Rejection`.
        field: field that failed, if one alone did.
        observed: its value, masked.
        sender: token of the payer; None where the address is ill-formed.
    """

    reason: str
    field: str | None
    observed: str | None
    sender: str | None


class TooLate(NamedTuple):
    """A payment that came after the payer was answered long ago."""

    lateness_ms: int


class BadTime(NamedTuple):
    """Times that cannot be: the record is a dead letter."""

    message: str


class Limits(NamedTuple):
    """Numbers of the configuration that the intake needs.

    Attributes:
        most_paise: largest payment.
        late_after_ms: lateness that still passes.
        skew_ms: how far `event_time` may lie ahead of `ingest_time`.
        first_ms: before it there was no UPI.
        handles: known payment service providers.
        rejects_unknown: refuse other handles instead of counting them.
    """

    most_paise: int
    late_after_ms: int
    skew_ms: int
    first_ms: int
    handles: frozenset[str]
    rejects_unknown: bool


class Address(NamedTuple):
    """A valid address: lower case as it is compared, its token, 64 bits of it, its handle.

    Attributes:
        is_known: the handle is on the list.
    """

    text: str
    token: str
    hash: int
    handle: str
    is_known: bool


Outcome = CheckedPayment | Refusal | TooLate | BadTime


class Intake:
    """Checks and tokenises payments. Keeps the tokens of addresses it has seen lately.

    Attributes:
        notes: oddities of accepted payments: `unknown_handle`, `odd_coordinates`.

    Args:
        limits: of the configuration.
        tokeniser: key of the run.
    """

    def __init__(self, limits: Limits, tokeniser: Tokeniser) -> None:
        self.limits = limits
        self.notes: Counter[str] = Counter()
        self.address = lru_cache(maxsize=200_000)(_address_maker(tokeniser, limits.handles))
        self.device = lru_cache(maxsize=100_000)(_device_maker(tokeniser))

    def check(self, record: Mapping[str, Any], key: bytes | None, at: tuple[int, int]) -> Outcome:
        """Hold one decoded `upi.Transaction` to the table; the first row that fails decides.

        Args:
            record: as `core.wire` decodes it.
            key: key of the message.
            at: partition and offset.
        """
        event_time, recorded = record["event_time"], record["ingest_time"]
        ingest = event_time if recorded is None else recorded
        if event_time - ingest > self.limits.skew_ms:
            return BadTime(f"event_time is {event_time - ingest} ms after ingest_time")
        payer = self.address(record["sender_vpa"])
        payee = self.address(record["receiver_vpa"])
        refusal = self._refuse(record, key, payer, payee)
        if refusal is not None:
            return refusal
        lateness = ingest - event_time
        if lateness > self.limits.late_after_ms:
            return TooLate(lateness)
        return self._accept(record, cast(Address, payer), cast(Address, payee), ingest, at)

    def _refuse(
        self, record: Mapping[str, Any], key: bytes | None, payer: Address | None,
        payee: Address | None,
    ) -> Refusal | None:  # fmt: skip
        paise, limits = record["amount_paise"], self.limits
        sender = payer.token if payer is not None else None

        def refuse(reason: str, field: str | None, observed: object = None) -> Refusal:
            return Refusal(reason, field, None if observed is None else str(observed), sender)

        if not is_id(record["transaction_id"]):
            return refuse("INVALID_ID", "transaction_id")
        if paise <= 0:
            return refuse("INVALID_AMOUNT", "amount_paise", paise)
        if paise > limits.most_paise:
            return refuse("OVER_LIMIT", "amount_paise", paise)
        for field, address in (("sender_vpa", payer), ("receiver_vpa", payee)):
            if address is None:
                return refuse("INVALID_VPA", field, mask_value(record[field])[:64])
        if payer == payee:
            return refuse("SELF_PAYMENT", "receiver_vpa")
        if record["currency"] != "INR":
            return refuse("CURRENCY", "currency", record["currency"][:8])
        return self._refuse_rest(record, key, payer, payee, refuse)

    def _refuse_rest(
        self, record: Mapping[str, Any], key: bytes | None, payer: Any, payee: Any, refuse: Any
    ) -> Refusal | None:
        limits, balance = self.limits, record["sender_balance_paise"]
        found: Refusal | None = None
        if key is None or _folded(key) != payer.text:
            found = refuse("KEY_MISMATCH", "sender_vpa")
        elif record["event_time"] < limits.first_ms:
            found = refuse("OUT_OF_RANGE", "event_time", record["event_time"])
        elif balance is not None and balance < record["amount_paise"]:
            found = refuse("INSUFFICIENT_BALANCE", "sender_balance_paise")
        elif limits.rejects_unknown:
            for field, one in (("sender_vpa", payer), ("receiver_vpa", payee)):
                if not one.is_known:
                    return Refusal("UNKNOWN_HANDLE", field, one.handle, payer.token)
        return found

    def _accept(
        self, record: Mapping[str, Any], payer: Address, payee: Address, ingest: int,
        at: tuple[int, int],
    ) -> CheckedPayment:  # fmt: skip
        device_id, label = record["device_id"], (record["location"] or "").strip().lower()
        device, device_hash = (None, 0) if device_id is None else self.device(device_id)
        lat, lon = record["lat"], record["lon"]
        if not are_on_earth(lat, lon):
            if lat is not None or lon is not None:
                self.notes["odd_coordinates"] += 1
            lat, lon = (place_of(label) if label else None) or (None, None)
        if not (payer.is_known and payee.is_known):
            self.notes["unknown_handle"] += 1
        identifier = record["transaction_id"]
        return CheckedPayment(
            record["event_time"], ingest, identifier, hash64(identifier),
            payment_digest(
                record["event_time"], payer.text, payee.text, record["amount_paise"], device_id,
                record["location"], record["merchant_id"],
            ),
            payer.token, payer.hash, payee.token, payee.hash,
            record["amount_paise"], device, device_hash, len(device_id or ""), label, lat, lon,
            record["merchant_id"], record["merchant_category"], record["ingest_time"],
            record["region"], record["priority"], *at,
        )  # fmt: skip


def _address_maker(tokeniser: Tokeniser, known: frozenset[str]) -> Any:
    def make(raw: str) -> Address | None:
        text = raw.lower()
        if not _VPA.fullmatch(text):
            return None
        handle = text.rpartition("@")[2]
        token = f"{tokeniser.token(text)}@{handle}"
        return Address(text, token, hash64(token), handle, handle in known)

    return make


def _device_maker(tokeniser: Tokeniser) -> Any:
    def make(raw: str) -> tuple[str, int]:
        token = tokeniser.token(raw)
        return token, hash64(token)

    return make


def _folded(key: bytes) -> str:
    return key.decode("utf-8", "replace").lower()


def are_on_earth(lat: float | None, lon: float | None) -> bool:
    """Both are there and in range; NaN is in no range."""
    return lat is not None and lon is not None and abs(lat) <= 90 and abs(lon) <= 180


def payment_digest(
    event_time: int, payer: str, payee: str, paise: int, device_id: str | None,
    location: str | None, merchant_id: str | None,
) -> int:  # fmt: skip
    """46 bits of what makes a payment the one it is."""
    more = [None if one is None else one.encode() for one in (device_id, location, merchant_id)]
    return hash46(payment_bytes(event_time, payer.encode(), payee.encode(), paise, *more))


def payment_bytes(
    event_time: int, payer: bytes, payee: bytes, paise: int, device_id: bytes | None,
    location: bytes | None, merchant_id: bytes | None,
) -> bytes:  # fmt: skip
    """What makes a payment the one it is; times of transport are no part of it."""
    return b"%d|%b|%b|%d|%b|%b|%b" % (
        event_time, payer, payee, paise, b"None" if device_id is None else device_id,
        b"None" if location is None else location, b"None" if merchant_id is None else merchant_id,
    )  # fmt: skip
