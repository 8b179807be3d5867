"""Rules of the factor velocity: number, sum and sameness of the payments of an hour or a day."""

from pipelines.upi_fraud.facts import Facts
from pipelines.upi_fraud.payment import show_rupees
from pipelines.upi_fraud.rules.base import Check, Hit, paise_of


def velocity_count(
    points: int, *, prior_at_least: int = 0, with_current_over: int = 0, high_at_least: int = 0,
    high_points: int = 0,
) -> Check:  # fmt: skip
    """Many payments in an hour: so many before, or more than so many with this one."""

    def check(facts: Facts) -> Hit | None:
        count = facts.count_1h
        if high_at_least and count >= high_at_least:
            return high_points, f"{count} payments in the hour before", f"{high_at_least}"
        if prior_at_least and count >= prior_at_least:
            return points, f"{count} payments in the hour before", f"{prior_at_least}"
        if with_current_over and count + 1 > with_current_over:
            return points, f"{count + 1} payments in an hour", f"{with_current_over}"
        return None

    return check


def _velocity_amount(
    points: int, over: int, high_over: int, high_points: int, needs_prior: bool, is_day: bool
) -> Check:
    span = "24 hours" if is_day else "an hour"

    def check(facts: Facts) -> Hit | None:
        paise = facts.paise_24h if is_day else facts.paise_1h
        if paise <= over or (needs_prior and not (facts.count_24h if is_day else facts.count_1h)):
            return None
        if high_over and paise > high_over:
            return high_points, f"{show_rupees(paise)} in {span}", show_rupees(high_over)
        return points, f"{show_rupees(paise)} in {span}", show_rupees(over)

    return check


def velocity_amount_1h(
    points: int, *, over_rs: float, high_over_rs: float = 0, high_points: int = 0,
    needs_prior: bool = False,
) -> Check:  # fmt: skip
    """Much money in an hour, this payment included."""
    limits = paise_of(over_rs), paise_of(high_over_rs)
    return _velocity_amount(points, *limits, high_points, needs_prior, is_day=False)


def velocity_amount_24h(
    points: int, *, over_rs: float, high_over_rs: float = 0, high_points: int = 0,
    needs_prior: bool = False,
) -> Check:  # fmt: skip
    """Much money in 24 hours, this payment included."""
    limits = paise_of(over_rs), paise_of(high_over_rs)
    return _velocity_amount(points, *limits, high_points, needs_prior, is_day=True)


def repeat_amount(points: int, *, latest: int, counts_current: bool) -> Check:
    """The newest payments of the hour have one amount; this one too, if it is counted."""

    def check(facts: Facts) -> Hit | None:
        if facts.count_1h < latest:
            return None
        amounts = facts.latest_1h(latest)
        if len(amounts) < latest or (counts_current and amounts[0] != facts.paise):
            return None
        if any(amount != amounts[0] for amount in amounts):
            return None
        number = latest + counts_current
        return points, f"{number} payments of {show_rupees(amounts[0])}", f"{number} alike"

    return check
