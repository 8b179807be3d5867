"""A batch of messages as columns, with odd ones marked: what `Intake` would refuse or look up.

A payment is plain here only if `Intake` would accept it too, with the same tokens and digests.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from pipelines.core.flat_records import Bools, Flat, FlatReader, Ints
from pipelines.upi_fraud.geo import place_of, square_of
from pipelines.upi_fraud.hashing import event_digest, label_hash
from pipelines.upi_fraud.intake import Intake, payment_bytes
from pipelines.upi_fraud.payment import Raw
from pipelines.upi_fraud.quiet.known import Known, Made

Texts = list[bytes | None]

_RUPEE, _PAD = b"INR", b"\0\0"
_HERE, _NOWHERE = 1, 0
_ACCOUNTS, _DEVICES, _LABELS = 200_000, 200_000, 65_536
"""Texts kept of each kind."""


class Plain(NamedTuple):
    """n messages as columns; those of an odd one mean nothing.

    Attributes:
        flat: all fields.
        is_plain: nothing is odd, [n].
        payer: number of the payer in `accounts`, `ODD` where it is none; of odd messages too.
        payee, device: their numbers; `NONE` without a device.
        place: 1 where there is one, latitude and longitude (degrees x 1e5), hash of the label,
            [4, n].
        ids: of the payments.
        shops: ids of their merchants; None without one.
        identities: 64 bits of the id, 48 of the whole payment and two bytes of zeros, a SHA-1 of
            the decision's id, each joined over all messages.
    """

    flat: Flat
    is_plain: Bools
    payer: Ints
    payee: Ints
    device: Ints
    place: Ints
    ids: list[bytes]
    shops: Texts
    identities: tuple[bytes, bytes, bytes]


class Door:
    """Makes columns of messages; keeps what it made of texts that come again.

    Attributes:
        accounts: payers and payees: 64 bits of the token; the token.
        devices: 64 bits of the token, characters of the id; the token.
        labels: whether the place is known, degrees x 1e5, hash; the label as it is compared.
        at: place of each field in `Flat`.

    Args:
        intake: gives limits and tokens.
        profile: name, part of a decision's id.
    """

    def __init__(self, intake: Intake, profile: str) -> None:
        self._intake, self._profile = intake, b"|" + profile.encode()
        self._reader = FlatReader("upi.Transaction")
        self.at = self._reader.place
        self.accounts = Known(self._make_account, 1, _ACCOUNTS)
        self.devices = Known(self._make_device, 2, _DEVICES)
        self.labels = Known(_make_label, 4, _LABELS)

    def enter(self, raws: Sequence[Raw]) -> Plain:
        """Columns of a batch."""
        for known in (self.accounts, self.devices, self.labels):
            known.make_room()
        flat = self._reader.read([raw.value for raw in raws])
        passes = self._numbers_pass(flat, np.array([raw.time_ms for raw in raws], np.int64))
        keys, currencies = [raw.key for raw in raws], texts_of(flat, self.at["currency"], passes)
        payers = texts_of(flat, self.at["sender_vpa"], passes)
        payees = texts_of(flat, self.at["receiver_vpa"], passes)
        devices = texts_of(flat, self.at["device_id"], passes)
        labels = texts_of(flat, self.at["location"], passes)
        shops = texts_of(flat, self.at["merchant_id"], passes)
        ids = [one or b"" for one in texts_of(flat, self.at["transaction_id"], passes)]
        agrees = [
            currency == _RUPEE and payer == key != payee
            for currency, payer, key, payee in zip(currencies, payers, keys, payees, strict=True)
        ]
        passes &= np.array(agrees, np.bool_)
        payer = np.array(self.accounts.find(payers), np.int64)
        payee = np.array(self.accounts.find(payees), np.int64)
        place, is_place = self._place(flat, np.array(self.labels.find(labels), np.int64))
        passes &= (payer >= 0) & (payee >= 0) & is_place
        for odd in np.flatnonzero(~passes).tolist():
            payer[odd] = self._payer_of(keys[odd])
        return Plain(
            flat, passes, payer, payee, np.array(self.devices.find(devices), np.int64), place,
            ids, shops, self._identities(flat, payers, payees, devices, labels, shops, ids),
        )  # fmt: skip

    def _numbers_pass(self, flat: Flat, times: Ints) -> Bools:
        """Rows of the table of bad input that look at numbers alone."""
        limits, at = self._intake.limits, self.at
        event, paise = flat.first[at["event_time"]], flat.first[at["amount_paise"]]
        balance = at["sender_balance_paise"]
        late = np.where(
            flat.second[at["ingest_time"]] < 0, 0, flat.first[at["ingest_time"]] - event
        )
        passes: Bools = (
            flat.is_plain & (event == times) & (event >= limits.first_ms)
            & (late >= -limits.skew_ms) & (late <= limits.late_after_ms)
            & (paise > 0) & (paise <= limits.most_paise)
            & ((flat.second[balance] < 0) | (flat.first[balance] >= paise))
        )  # fmt: skip
        return passes

    def _payer_of(self, key: bytes | None) -> int:
        """Whose state an odd message may change; its address may be written in capitals."""
        folded = (key or b"").decode("utf-8", "replace").lower().encode()
        return self.accounts.find([folded])[0]

    def _place(self, flat: Flat, label: Ints) -> tuple[Ints, Bools]:
        """`Plain.place`, and whether the coordinates are no odd ones."""
        known = self.labels.numbers[label].T
        place = np.where(label >= 0, known, _NO_LABEL)
        has_lat, has_lon = (flat.second[self.at[name]] > 0 for name in ("lat", "lon"))
        lat, lon = (flat.first[self.at[name]].view(np.float64) for name in ("lat", "lon"))
        with np.errstate(invalid="ignore"):
            is_on_earth = (np.abs(lat) <= 90) & (np.abs(lon) <= 180)
        given = has_lat & has_lon & is_on_earth
        place[0] |= given
        for row, degrees in ((1, lat), (2, lon)):
            place[row] = np.where(given, np.rint(np.where(given, degrees, 0) * 1e5), place[row])
        for unnamed in np.flatnonzero(given & (place[3] == _NO_LABEL[3, 0])).tolist():
            lat_e5, lon_e5 = place[1:3, unnamed].tolist()
            place[3, unnamed] = label_hash(square_of(lat_e5, lon_e5))
        return place, (has_lat == has_lon) & (given | ~has_lat)

    def _identities(
        self, flat: Flat, payers: Texts, payees: Texts, devices: Texts, labels: Texts,
        shops: Texts, ids: Sequence[bytes],
    ) -> tuple[bytes, bytes, bytes]:  # fmt: skip
        event, paise = (flat.first[self.at[name]] for name in ("event_time", "amount_paise"))
        parts = zip(event.tolist(), payers, payees, paise.tolist(), devices, labels, shops,
                    strict=True)  # fmt: skip
        return (
            b"".join([blake2b(one, digest_size=8).digest() for one in ids]),
            b"".join(
                [blake2b(payment_bytes(*one), digest_size=6).digest() + _PAD for one in parts]
            ),
            b"".join([event_digest(one + self._profile) for one in ids]),
        )

    def _make_account(self, raw: bytes) -> Made | None:
        address = self._intake.address(raw.decode())
        if address is None or not address.is_known or address.text.encode() != raw:
            return None
        return (address.hash,), address.token

    def _make_device(self, raw: bytes) -> Made:
        token, number = self._intake.device(raw.decode())
        return (number, len(raw)), token


def _make_label(raw: bytes) -> Made:
    label = raw.decode().strip().lower()
    place = place_of(label) if label else None
    named = label_hash(label) if label else int(_NO_LABEL[3, 0])
    if place is None:
        return (_NOWHERE, 0, 0, named), label
    return (_HERE, round(place[0] * 1e5), round(place[1] * 1e5), named), label


def texts_of(flat: Flat, field: int, passes: Bools) -> Texts:
    """Texts of a field; None for null, nothing for messages that do not pass."""
    data = flat.data
    begins, ends = (np.where(passes, one[field], 0) for one in (flat.first, flat.second))
    return [
        data[begin:end] if end >= 0 else None
        for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)
    ]


_NO_LABEL = np.array([[_NOWHERE], [0], [0], [-1]])
"""Columns of a payment without a label; no hash of 32 bits is negative."""
