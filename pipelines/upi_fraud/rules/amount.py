"""Rules of the factor amount: round, just below a limit, far from what is usual."""

from pipelines.upi_fraud.facts import Facts
from pipelines.upi_fraud.payment import show_rupees
from pipelines.upi_fraud.rules.base import Check, Hit, paise_of


def amount_round(
    points: int, *, multiple_rs: int = 0, from_rs: int = 0, amounts_rs: str = ""
) -> Check:
    """A round amount: a multiple from a certain size, or one of some favoured amounts."""
    if amounts_rs:
        return _amount_is(points, amounts_rs, "a favoured round amount")
    multiple, start = paise_of(multiple_rs), paise_of(from_rs)

    def check(facts: Facts) -> Hit | None:
        if facts.paise < start or facts.paise % multiple:
            return None
        return points, show_rupees(facts.paise), f"multiple of {show_rupees(multiple)}"

    return check


def _amount_is(points: int, amounts: str, meaning: str) -> Check:
    wanted = frozenset(paise_of(int(one)) for one in amounts.split())

    def check(facts: Facts) -> Hit | None:
        if facts.paise not in wanted:
            return None
        return points, show_rupees(facts.paise), meaning

    return check


def amount_just_below(points: int, *, amounts_rs: str) -> Check:
    """One rupee below a limit people know."""
    return _amount_is(points, amounts_rs, "one rupee below a limit")


def amount_structuring(points: int, *, from_rs: int, to_rs: int) -> Check:
    """An amount in the band below a limit."""
    low, high = paise_of(from_rs), paise_of(to_rs)

    def check(facts: Facts) -> Hit | None:
        if not low <= facts.paise <= high:
            return None
        return points, show_rupees(facts.paise), f"{show_rupees(low)} to {show_rupees(high)}"

    return check


def structuring_run(
    points: int, *, limits_rs: str, band_share: float, at_least: int, from_rs: int
) -> Check:
    """Several payments of the day just below limits, and this one not small."""
    start = paise_of(from_rs)
    bands = [
        (round(paise_of(int(one)) * band_share), paise_of(int(one))) for one in limits_rs.split()
    ]

    def check(facts: Facts) -> Hit | None:
        if facts.paise < start or facts.count_24h < at_least:
            return None
        amounts = facts.amounts_24h()
        found = sum(any(low <= paise < high for low, high in bands) for paise in amounts)
        if found < at_least:
            return None
        return points, f"{found} payments just below a limit in 24 hours", f"{at_least}"

    return check


def amount_z(
    points: int, *, over: float, high_over: float, high_points: int, top_over: float,
    top_points: int,
) -> Check:  # fmt: skip
    """Far above what this payer usually pays, in deviations."""
    tiers = ((top_over, top_points), (high_over, high_points), (over, points))

    def check(facts: Facts) -> Hit | None:
        z = facts.z
        if z is None or z <= over:
            return None
        for limit, worth in tiers:
            if z > limit:
                usual = show_rupees(round(facts.state.mean))
                return worth, f"{z:.2f} deviations above a mean of {usual}", f"{limit:g}"
        return None

    return check


def amount_cold(points: int, *, over_rs: int) -> Check:
    """A large payment of someone hardly known."""
    limit = paise_of(over_rs)

    def check(facts: Facts) -> Hit | None:
        if facts.z is not None or facts.paise <= limit:
            return None
        known = f"{show_rupees(facts.paise)} after {facts.learned} approved payments"
        return points, known, show_rupees(limit)

    return check


def amount_high(points: int, *, over_rs: int) -> Check:
    """A large payment of anyone."""
    limit = paise_of(over_rs)

    def check(facts: Facts) -> Hit | None:
        if facts.paise <= limit:
            return None
        return points, show_rupees(facts.paise), show_rupees(limit)

    return check
