"""A payment as it comes, and as it passed the intake: tokens, paise, epoch milliseconds."""

from typing import NamedTuple

from pipelines.upi_fraud.rows import maker
from pipelines.upi_fraud.state import DAY_MS, HOUR_MS

IST_OFFSET_MS = 19_800_000
"""India is 5 h 30 min ahead of UTC all year, so no time-zone database is needed."""


class Raw(NamedTuple):
    """A message of the topic."""

    partition: int
    offset: int
    time_ms: int
    key: bytes | None
    value: bytes | None
    attempt: bytes | None = None


class CheckedPayment(NamedTuple):
    """One payment, ready to be decided.

    Attributes:
        event_time, ingest_time: epoch ms; `ingest_time` is `event_time` where the record had none.
        id_hash, digest: 64 bits of the id, 46 of everything that makes the payment what it is.
        payer, payee, device: tokens; `payer_hash`, `payee_hash`, `device_hash` 64 bits of them.
        device_length: characters of the device id as it came.
        label: place label, lower case; empty without one.
        lat, lon: degrees; both None where neither coordinates nor a known label came.
        partition, offset: where the record stood.
    """

    event_time: int
    ingest_time: int
    transaction_id: str
    id_hash: int
    digest: int
    payer: str
    payer_hash: int
    payee: str
    payee_hash: int
    paise: int
    device: str | None
    device_hash: int
    device_length: int
    label: str
    lat: float | None
    lon: float | None
    merchant_id: str | None
    merchant_category: str | None
    recorded_ingest: int | None
    region: str
    priority: int
    partition: int
    offset: int


make_raw = maker(Raw)


def indian_hour(time_ms: int) -> int:
    """Hour of the day in India, 0 to 23."""
    return (time_ms + IST_OFFSET_MS) // HOUR_MS % 24


def indian_day(time_ms: int) -> int:
    """Days since the epoch in India."""
    return (time_ms + IST_OFFSET_MS) // DAY_MS


def show_rupees(paise: int) -> str:
    """An amount as people write it: `Rs 1,00,000` or `Rs 600.01`."""
    whole, cents = divmod(paise, 100)
    digits = str(whole)
    head, tail = digits[:-3], digits[-3:]
    groups = [tail]
    while head:
        groups.insert(0, head[-2:])
        head = head[:-2]
    return f"Rs {','.join(groups)}" + (f".{cents:02d}" if cents else "")
