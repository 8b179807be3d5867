"""What `python -m pipelines produce <domain>` sends: the topics of a domain and who makes records.

Another domain is a module here with `make_records`, and one line in `DOMAINS`.
"""

import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

Json = Any
Records = Mapping[str, Iterable[Json]]
"""Records by topic, in the order in which the topics are sent."""


class Maker(Protocol):
    """A generator as the producers use it."""

    def __call__(self, number: int, seed: int, folder: Path) -> Records:
        """Records by topic.

        Args:
            number: records of the domain's largest topic, about.
            seed: equal seed, equal records.
            folder: scratch space that lives as long as the records are read.
        """


@dataclass(frozen=True)
class Domain:
    """A domain of the catalogue.

    Attributes:
        topics: what it sends; records that others refer to come first.
        module: has `make_records`, a `Maker`; None = samples drawn from the contract alone.
    """

    topics: tuple[str, ...]
    module: str | None = None

    def load(self) -> Maker | None:
        """The generator. It is loaded by name, since no package imports a job."""
        if self.module is None:
            return None
        return cast(Maker, importlib.import_module(self.module).make_records)


DOMAINS = {
    "identity": Domain(("identity.enrolments.v1",), f"{__name__}.identity"),
    "credit": Domain(
        (
            "credit.ref-tradelines.v1", "credit.applications.v1", "credit.outcomes.v1",
            "credit.transactions.v1",
        ),
        f"{__name__}.credit",
    ),
    "rail": Domain(
        ("rail.trains.v1", "rail.booking_requests.v1", "rail.cancellations.v1"), f"{__name__}.rail"
    ),
    "upi": Domain(("upi.ref-merchants.v1", "upi.transactions.v1"), f"{__name__}.upi"),
    "viewer": Domain(("viewer.events.v1",), f"{__name__}.viewer"),
}  # fmt: skip
"""Domains by the name that the command takes."""
