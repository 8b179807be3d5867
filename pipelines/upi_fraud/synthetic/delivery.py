"""The way to Kafka: records of the contract, disorder, copies, late arrivals, damage."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.core.wire import Wire
from pipelines.upi_fraud.arrays import BoolArray, IntArray
from pipelines.upi_fraud.config import GeneratorSettings, TimeSettings
from pipelines.upi_fraud.hashing import partition_of
from pipelines.upi_fraud.synthetic.drafts import KINDS, NOT_A_MERCHANT, Drafts, place_label
from pipelines.upi_fraud.synthetic.people import People, merchant_id

_BREAKS = (
    {"amount_paise": 0}, {"amount_paise": -1_000}, {"amount_paise": 20_000_001},
    {"sender_vpa": "a@b@paytm"}, {"receiver_vpa": "ravi"}, {"currency": "USD"},
    {"transaction_id": ""}, {"sender_balance_paise": 0},
)  # fmt: skip
"""Ways a payment breaks a rule of the intake."""


@dataclass(frozen=True)
class Message:
    """A payment as it lies in the topic, with the truth beside it, never in it.

    Attributes:
        partition, offset: coordinates.
        key, value: bytes.
        time_ms: record timestamp.
        transaction_id: empty where the bytes are damaged.
        kind, episode: `genuine` and -1, or the fraud.
    """

    partition: int
    offset: int
    key: bytes
    value: bytes
    time_ms: int
    transaction_id: str
    kind: str
    episode: int


def deliver(
    drafts: Drafts, people: People, rng: np.random.Generator, settings: GeneratorSettings,
    times: TimeSettings, seed: int,
) -> Iterator[Message]:  # fmt: skip
    """Messages in the order of arrival."""
    arrival, rows, is_late = _arrivals(drafts, rng, settings, times)
    wire, offsets = Wire("upi.Transaction"), [0] * settings.partitions
    breaks = rng.random(len(rows))
    partitions: dict[bytes, int] = {}
    for place, row in enumerate(rows.tolist()):
        record = _record(drafts, people, row, int(arrival[place]), settings, seed)
        key = record["sender_vpa"].encode()
        if key not in partitions:
            partitions[key] = partition_of(key, settings.partitions)
        is_fraud = bool(drafts.kind[row])
        if not is_fraud and not is_late[place] and breaks[place] < settings.invalid_share:
            record |= _BREAKS[place % len(_BREAKS)]
        value = wire.encode(record)
        if not is_fraud and breaks[place] > 1 - settings.corrupt_share:
            value = damage(value, place)
        partition = partitions[key]
        offset, offsets[partition] = offsets[partition], offsets[partition] + 1
        yield Message(
            partition, offset, key, value, record["event_time"], record["transaction_id"],
            KINDS[drafts.kind[row]], int(drafts.episode[row]),
        )  # fmt: skip


def _arrivals(
    drafts: Drafts, rng: np.random.Generator, settings: GeneratorSettings, times: TimeSettings
) -> tuple[IntArray, IntArray, BoolArray]:
    """Ingest time, row and lateness of every message, copies included, by ingest time."""
    number = len(drafts)
    delay = rng.exponential(settings.disorder_ms, number).astype(np.int64)
    delay = np.minimum(delay, times.late_after_ms)
    late = (rng.random(number) < settings.late_share) & (drafts.kind == 0)
    delay[late] = times.late_after_ms + 1 + rng.integers(0, 3_600_000, int(late.sum()))
    copies = np.flatnonzero((rng.random(number) < settings.duplicate_share) & ~late)
    rows = np.concatenate([np.arange(number), copies])
    again = rng.integers(1, 60_000, len(copies))
    arrival = drafts.time_ms[rows] + delay[rows]
    arrival[number:] = np.minimum(
        arrival[number:] + again, drafts.time_ms[copies] + times.late_after_ms
    )
    order = np.lexsort((np.arange(len(rows)), arrival))
    return arrival[order], rows[order], late[rows[order]]


def _record(
    drafts: Drafts, people: People, row: int, ingest: int, settings: GeneratorSettings, seed: int
) -> dict[str, Any]:
    payer, shop = int(drafts.payer[row]), int(drafts.merchant[row])
    is_shop = shop != NOT_A_MERCHANT
    merchant = people.merchants[shop] if is_shop else None
    identifier, device = f"T{seed}-{row:08d}", int(drafts.device[row])
    return {
        "event_id": f"upi-{identifier}",
        "event_time": int(drafts.time_ms[row]),
        "ingest_time": ingest,
        "source": "generator",
        "schema_version": 1,
        "region": "UNKNOWN",
        "priority": 5,
        "transaction_id": identifier,
        "sender_vpa": people.vpas[payer],
        "receiver_vpa": people.merchant_vpas[shop] if is_shop else people.vpas[drafts.payee[row]],
        "amount_paise": int(drafts.paise[row]),
        "currency": "INR",
        "sender_balance_paise": None,
        "device_id": people.devices[device] if device < settings.payers else f"phone-{device:016x}",
        "location": place_label(int(drafts.city[row]), payer),
        "lat": float(drafts.lat[row]),
        "lon": float(drafts.lon[row]),
        "merchant_id": merchant_id(shop) if is_shop else None,
        "merchant_category": merchant["category"] if merchant else None,
        "transaction_type": "P2M" if is_shop else "P2P",
        "payment_method": "UPI",
        "purpose": "OTHER" if is_shop else "PERSONAL",
    }


def damage(value: bytes, place: int) -> bytes:
    """Bytes that cannot be decoded: cut short, another magic byte, too long."""
    return (value[:3], b"\x01" + value[1:], value + b"\x00", value[:-4])[place % 4]
