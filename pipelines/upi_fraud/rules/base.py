"""What a rule is: limits in, a check over `Facts` out.

A check returns None, or the points it gives, what it observed and the limit it held that against.
"""

from collections.abc import Callable
from typing import NamedTuple

from pipelines.upi_fraud.facts import Facts

FACTORS = ("velocity", "amount", "location", "time", "device", "merchant", "network")

Hit = tuple[int, str, str]
Check = Callable[[Facts], Hit | None]


class Rule(NamedTuple):
    """A kind of rule.

    Attributes:
        factor: one of `FACTORS`.
        build: builder `(points, **params) -> Check`.
        needs: what a payment must have for the rule to fire at all: a `merchant`, any `flag`, an
            amount that is `large`, a place that is `far`, or nothing of the kind. Most payments
            have none of these, and are not asked.
        least: parameter that says from which amount (rupees) or distance (km) on.
    """

    factor: str
    build: Callable[..., Check]
    needs: str = ""
    least: str = ""


def paise_of(rupees: float) -> int:
    """Limits stand in rupees in a profile, and are compared in paise."""
    return round(rupees * 100)
