"""The door for payments without anything odd, a batch at a time: nearly all of them.

A payment passes here only if `Intake` would accept it too, with the same tokens and digest; all
others are left to `Intake`, which finds the reason. A test holds both to the same payments.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from pipelines.core.flat_records import Bools, Flat, FlatReader
from pipelines.upi_fraud.geo import place_of
from pipelines.upi_fraud.hashing import hash64
from pipelines.upi_fraud.intake import Address, Intake, are_on_earth, is_id, payment_digest
from pipelines.upi_fraud.payment import CheckedPayment, Raw, make_payment

_RUPEE = b"INR"
_NUMBERS = ("event_time", "ingest_time", "priority", "amount_paise")
_TEXTS = (
    "region", "transaction_id", "sender_vpa", "receiver_vpa", "currency", "device_id", "location",
    "merchant_id", "merchant_category",
)  # fmt: skip
_PLACES = ("lat", "lon")


class PlainIntake:
    """Checks batches of messages; keeps what it made of texts that come again.

    Args:
        intake: gives limits and tokens, counts oddities.
    """

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._reader = FlatReader("upi.Transaction")
        self._address = lru_cache(maxsize=200_000)(self._make_address)
        self._device = lru_cache(maxsize=200_000)(self._make_device)
        self._label = lru_cache(maxsize=65_536)(self._make_label)
        self._text = lru_cache(maxsize=65_536)(_decode)

    def check(self, raws: Sequence[Raw]) -> list[CheckedPayment | None]:
        """Payments that pass; None for each message that `Intake` has to look at."""
        flat = self._reader.read([raw.value for raw in raws])
        passes = self._numbers_pass(flat, [raw.time_ms for raw in raws]).tolist()
        rows = self._rows(flat)
        return [
            self._accept(raw, flat.data, row) if is_plain else None
            for raw, is_plain, row in zip(raws, passes, rows, strict=True)
        ]

    def _numbers_pass(self, flat: Flat, times: list[int]) -> Bools:
        """Rows of the table of bad input that look at numbers alone."""
        limits, at = self._intake.limits, self._reader.place
        event, paise = flat.first[at["event_time"]], flat.first[at["amount_paise"]]
        balance = at["sender_balance_paise"]
        late = np.where(
            flat.second[at["ingest_time"]] < 0, 0, flat.first[at["ingest_time"]] - event
        )
        passes: Bools = (
            flat.is_plain & (event == np.array(times, np.int64)) & (event >= limits.first_ms)
            & (late >= -limits.skew_ms) & (late <= limits.late_after_ms)
            & (paise > 0) & (paise <= limits.most_paise)
            & ((flat.second[balance] < 0) | (flat.first[balance] >= paise))
        )  # fmt: skip
        return passes

    def _rows(self, flat: Flat) -> Iterator[tuple[Any, ...]]:
        """Numbers, begins and ends of texts, coordinates; -1 as an end stands for null."""
        at, columns = self._reader.place, [flat.second[self._reader.place["ingest_time"]].tolist()]
        columns += [flat.first[at[name]].tolist() for name in _NUMBERS]
        for name in _TEXTS:
            columns += [flat.first[at[name]].tolist(), flat.second[at[name]].tolist()]
        for name in _PLACES:
            columns.append(flat.second[at[name]].tolist())
            columns.append(flat.first[at[name]].view(np.float64).tolist())
        return zip(*columns, strict=True)

    def _accept(self, raw: Raw, data: bytes, row: tuple[Any, ...]) -> CheckedPayment | None:
        (
            stamped, event, ingest, priority, paise, region_at, region_end, id_at, id_end,
            payer_at, payer_end, payee_at, payee_end, currency_at, currency_end,
            device_at, device_end, label_at, label_end, shop_at, shop_end, trade_at, trade_end,
            has_lat, lat, has_lon, lon,
        ) = row  # fmt: skip
        key, identifier = raw.key, data[id_at:id_end].decode()
        if data[currency_at:currency_end] != _RUPEE or data[payer_at:payer_end] != key:
            return None
        payer, payee = self._address(key), self._address(data[payee_at:payee_end])
        if not (is_id(identifier) and payer and payee) or payer.text == payee.text:
            return None
        is_known = payer.is_known and payee.is_known
        if not is_known and self._intake.limits.rejects_unknown:
            return None
        if has_lat != has_lon or (has_lat > 0 and not are_on_earth(lat, lon)):
            return None
        place, label, spot = None, "", None
        if label_end >= 0:
            place, label, spot = self._label(data[label_at:label_end])
        if has_lat < 0:
            lat, lon = spot or (None, None)
        device_id, device, device_hash, length = None, None, 0, 0
        if device_end >= 0:
            device_id, device, device_hash, length = self._device(data[device_at:device_end])
        if not is_known:
            self._intake.notes["unknown_handle"] += 1
        shop = None if shop_end < 0 else self._text(data[shop_at:shop_end])
        return make_payment(
            (
                event, event if stamped < 0 else ingest, identifier, hash64(identifier),
                payment_digest(event, payer.text, payee.text, paise, device_id, place, shop),
                payer.token, payer.hash, payee.token, payee.hash, paise, device, device_hash,
                length, label, lat, lon, shop,
                None if trade_end < 0 else self._text(data[trade_at:trade_end]),
                None if stamped < 0 else ingest, self._text(data[region_at:region_end]), priority,
                raw.partition, raw.offset,
            )
        )  # fmt: skip

    def _make_address(self, raw: bytes) -> Address | None:
        address: Address | None = self._intake.address(raw.decode())
        return address

    def _make_device(self, raw: bytes) -> tuple[str, str, int, int]:
        """The id itself, its token, 64 bits of that, its length."""
        text = raw.decode()
        return text, *self._intake.device(text), len(text)

    def _make_label(self, raw: bytes) -> tuple[str, str, tuple[float, float] | None]:
        """The text itself, the label as it is compared, where that is."""
        text = raw.decode()
        label = text.strip().lower()
        return text, label, place_of(label) if label else None


def _decode(raw: bytes) -> str:
    return raw.decode()
