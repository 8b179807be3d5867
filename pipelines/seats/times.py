"""Moments of the rules: Indian wall-clock times as milliseconds UTC."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pipelines.seats.codes import AC_CLASSES
from pipelines.seats.config import RuleSet, RuleSettings

INDIA = ZoneInfo("Asia/Kolkata")
HOUR_MS = 3_600_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def india_ms(day: date, hour: int, minute: int = 0) -> int:
    """Milliseconds UTC of a time of day in India."""
    return to_ms(datetime.combine(day, time(hour, minute), INDIA))


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970, UTC."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def end_of_day(day: date) -> int:
    """Last millisecond of a day in India; what `--as-of` means."""
    return india_ms(day + timedelta(days=1), 0) - 1


def booking_opens(service_date: date, rules: RuleSettings) -> int:
    """First moment at which the train can be booked."""
    day = service_date - timedelta(days=rules.booking_opens_days)
    return india_ms(day, rules.booking_opens_hour)


def tatkal_opens(service_date: date, travel_class: str, rules: RuleSettings) -> int:
    """First moment of Tatkal booking: the day before, an hour that depends on the class."""
    is_ac = travel_class in AC_CLASSES
    hour = rules.tatkal_opens_ac if is_ac else rules.tatkal_opens_other
    return india_ms(service_date - timedelta(days=1), hour)


def chart_time(departs_at: int, rule_set: RuleSet) -> int:
    """Moment at which the chart is made, from the departure in ms."""
    return departs_at - rule_set.chart_lead_hours * HOUR_MS


def waitlist_cap(berths: int, travel_class: str, rule_set: RuleSet) -> int:
    """Passengers that may wait in a class.

    Args:
        berths: all berths of the class, those for RAC included; without any nobody may wait.
        travel_class: code such as SL.
        rule_set: the dated rules.
    """
    if berths == 0:
        return 0
    if rule_set.waitlist_share is None:
        return rule_set.waitlist_caps[travel_class]
    return int(rule_set.waitlist_share * berths)


def rule_set_on(day: date, names: list[str]) -> str:
    """Newest rule set that was in force on a day, by its name YYYY-MM.

    Raises:
        ValueError: the day is older than every rule set.
    """
    known = [name for name in sorted(names) if name <= f"{day:%Y-%m}"]
    if not known:
        raise ValueError(f"no rule set for {day}; the first is {min(names)}")
    return known[-1]
