"""Merchants and flags: versions by the moment they take effect, looked up by ingest time.

A record holds for payments that enter the platform after its activation, not from when it happens
to arrive; so a replay and the backtest see what the live job saw.
"""

from bisect import insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pipelines.upi_fraud.hashing import hash64
from pipelines.upi_fraud.state import DAY_MS

NETWORK_KINDS = ("FAN_IN", "PASS_THROUGH", "CYCLE", "DEVICE_SHARED", "COLLUSION")


class Merchant(NamedTuple):
    """One version of what is known of a merchant; `first_seen_ms` is the start of that day, UTC."""

    from_ms: int
    reputation: int
    category: str
    typical_paise: int
    first_seen_ms: int


class Flag(NamedTuple):
    """One version of a flag; it holds in [from_ms, until_ms)."""

    from_ms: int
    until_ms: int
    value: int


FOREVER_MS = 2**62
MARKS = 2**22
"""Room for a million labels; every payment of four million hashes is marked by one of them."""
NO_FLAGS: Mapping[str, int] = MappingProxyType({})


@dataclass
class Reference:
    """What the rules look up, as one operator keeps it.

    Attributes:
        activation_ms: delay between the event time of a record and its effect.
        keep: versions kept of one key.
        merchants: versions by merchant id, oldest first.
        flags: kinds of flags by subject, each with its versions.
        labels: moment of effect and whether it was fraud, by hash of the transaction id.
        labels_max: labels kept; the ones that came first go.
        marks: whether a label may have such a hash, modulo `MARKS`: most payments have none, and
            this tells without looking further.
    """

    activation_ms: int
    keep: int = 64
    merchants: dict[str, list[Merchant]] = field(default_factory=dict)
    flags: dict[str, dict[str, list[Flag]]] = field(default_factory=dict)
    labels: dict[int, tuple[int, bool]] = field(default_factory=dict)
    labels_max: int = 1_000_000
    marks: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(MARKS, np.bool_))

    def add_merchant(self, record: Mapping[str, Any]) -> None:
        """Take a `upi.Merchant` in."""
        day = record["first_seen_date"]
        days = day if isinstance(day, int) else day.toordinal() - 719_163
        version = Merchant(
            record["event_time"] + self.activation_ms, record["reputation"], record["category"],
            record["typical_ticket_paise"], days * DAY_MS,
        )  # fmt: skip
        self._insert(self.merchants.setdefault(record["merchant_id"], []), version)

    def add_flag(self, record: Mapping[str, Any]) -> None:
        """Take a `upi.Flag` in; the newest of a kind and subject holds."""
        until = record["expires_at"]
        version = Flag(
            record["event_time"] + self.activation_ms,
            FOREVER_MS if until is None else until,
            record["value"],
        )
        kinds = self.flags.setdefault(record["subject"], {})
        self._insert(kinds.setdefault(record["kind"], []), version)

    def add_label(self, record: Mapping[str, Any]) -> None:
        """Take a `upi.Label` in; a later word on a payment replaces an earlier one."""
        key = hash64(record["transaction_id"])
        label = (record["event_time"] + self.activation_ms, record["is_fraud"])
        if key not in self.labels or self.labels[key] < label:
            self.labels[key] = label
            self.marks[key % MARKS] = True
        if len(self.labels) > self.labels_max:
            del self.labels[next(iter(self.labels))]

    def _insert(self, versions: list[Any], version: Any) -> None:
        if version not in versions:
            insort(versions, version)
            del versions[: -self.keep]

    def merchant(self, merchant_id: str, at_ms: int) -> Merchant | None:
        """What held of a merchant at a moment of ingest."""
        for version in reversed(self.merchants.get(merchant_id, ())):
            if version.from_ms <= at_ms:
                return version
        return None

    def active(self, subject: str | None, at_ms: int) -> Mapping[str, int]:
        """Kinds of flags that hold on a subject at a moment of ingest, with their values."""
        kinds = self.flags.get(subject) if subject is not None else None
        if kinds is None:
            return NO_FLAGS
        found = {}
        for kind, versions in kinds.items():
            for version in reversed(versions):
                if version.from_ms <= at_ms:
                    if at_ms < version.until_ms:
                        found[kind] = version.value
                    break
        return found

    def add_all(
        self, merchants: Iterable[Mapping[str, Any]] = (), flags: Iterable[Mapping[str, Any]] = ()
    ) -> "Reference":
        """Take many records in; returns itself."""
        for record in merchants:
            self.add_merchant(record)
        for record in flags:
            self.add_flag(record)
        return self
