"""Payments before they become messages: columns of numpy arrays that can be joined and sorted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from pipelines.upi_fraud.arrays import FloatArray, IntArray
from pipelines.upi_fraud.synthetic.people import AREAS, CITIES, People, city_centres

NOT_A_MERCHANT = -1
GENUINE = 0
KINDS = (
    "genuine", "takeover", "mule_ring", "velocity_burst", "impossible_travel", "structuring",
    "merchant_collusion",
)  # fmt: skip


@dataclass
class Drafts:
    """Columns of n payments.

    Attributes:
        time_ms: event time.
        payer, payee: places in `People.vpas`; the payee of a merchant payment is unused.
        merchant: place of the merchant, or `NOT_A_MERCHANT`.
        paise: amount.
        device: owner of the device, as a place in `People.devices`; n and above are new phones.
        city: place in `CITIES`.
        lat, lon: degrees.
        kind, episode: place in `KINDS` and number of the fraud; 0 and -1 for genuine.
    """

    time_ms: IntArray
    payer: IntArray
    payee: IntArray
    merchant: IntArray
    paise: IntArray
    device: IntArray
    city: IntArray
    lat: FloatArray
    lon: FloatArray
    kind: IntArray
    episode: IntArray

    def __len__(self) -> int:
        return len(self.time_ms)

    def take(self, rows: IntArray) -> "Drafts":
        """Rows by place or by mask."""
        return Drafts(*(getattr(self, one.name)[rows] for one in fields(self)))


def join(parts: Iterable[Drafts]) -> Drafts:
    """All rows of the parts."""
    listed = list(parts)
    columns = [np.concatenate([getattr(p, one.name) for p in listed]) for one in fields(Drafts)]
    return Drafts(*columns)


def make_drafts(
    people: People, rng: np.random.Generator, time_ms: Sequence[int] | IntArray,
    payer: Sequence[int] | IntArray, payee: Sequence[int] | IntArray,
    rupees: Sequence[float] | FloatArray, *, device: Sequence[int] | IntArray | None = None,
    city: Sequence[int] | IntArray | None = None, merchant: int | IntArray = NOT_A_MERCHANT,
    kind: str = "genuine", episode: int = -1,
) -> Drafts:  # fmt: skip
    """Payments at home, or in a city, with the jitter of a phone's position."""
    times, payers = np.asarray(time_ms, np.int64), np.asarray(payer, np.int64)
    number = len(times)
    cities = people.home[payers] if city is None else np.asarray(city, np.int64)
    is_home = cities == people.home[payers]
    centre = city_centres()[cities]
    lat = np.where(is_home, people.lat[payers], centre[:, 0]) + rng.normal(0, 0.01, number)
    lon = np.where(is_home, people.lon[payers], centre[:, 1]) + rng.normal(0, 0.01, number)
    return Drafts(
        times, payers, np.asarray(payee, np.int64),
        np.broadcast_to(np.asarray(merchant, np.int64), number).copy(),
        np.maximum(np.round(np.asarray(rupees) * 100), 1).astype(np.int64),
        payers.copy() if device is None else np.asarray(device, np.int64),
        cities, np.round(lat, 5), np.round(lon, 5),
        np.full(number, KINDS.index(kind)), np.full(number, episode),
    )  # fmt: skip


def place_label(city: int, row: int) -> str:
    """Label of a payment's place."""
    return CITIES[city] + AREAS[row % len(AREAS)]
