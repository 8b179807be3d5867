"""Configuration of the seat allocation job: every number of the rules and of the synthetic day.

`given` marks values fixed by public rules or the product requirement, `chosen` ours.
"""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from pipelines.core.config import JobConfig
from pipelines.seats.codes import CATEGORIES, CLASSES

Category = Literal["SENIOR", "LADIES", "MILITARY", "DISABILITY", "REGULAR"]


class RuleSet(JobConfig):
    """Public rules that changed over the years; a train names the set that holds for it."""

    chart_lead_hours: int = Field(8, ge=0, description="chart made before departure, h (given)")
    waitlist_share: float | None = Field(
        0.25, ge=0, description="waitlist cap, share of the berths; null takes the caps (given)"
    )
    waitlist_caps: dict[str, int] = Field(
        default_factory=dict, description="waitlist cap by class, passengers"
    )
    rac_per_coach: dict[str, int] = Field(
        default={"SL": 7, "A3": 4, "A2": 3}, description="side-lower berths for RAC (given)"
    )
    release_priority: tuple[Category, ...] = Field(
        ("SENIOR", "LADIES", "MILITARY", "DISABILITY", "REGULAR"),
        description="order in which released berths are offered (given)",
    )

    @field_validator("release_priority")
    @classmethod
    def _complete(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        if sorted(given) != sorted(CATEGORIES):
            raise ValueError(f"must hold each of {', '.join(CATEGORIES)} once")
        return given

    @model_validator(mode="after")
    def _has_cap(self) -> Self:
        if self.waitlist_share is None and set(self.waitlist_caps) != set(CLASSES):
            raise ValueError(f"waitlist_caps must name each of {', '.join(CLASSES)}")
        return self


_OLD_CAPS = {"A1": 30, "A2": 100, "A3": 300, "E3": 300, "SL": 400, "CC": 300, "S2": 400}
_LADIES_FIRST: tuple[Category, ...] = ("LADIES", "SENIOR", "MILITARY", "DISABILITY", "REGULAR")
RULE_SETS = {
    "2016-01": RuleSet(
        chart_lead_hours=4,
        waitlist_share=None,
        waitlist_caps=_OLD_CAPS,
        rac_per_coach={"SL": 5, "A3": 2, "A2": 2},
    ),
    "2016-12": RuleSet(chart_lead_hours=4, waitlist_share=None, waitlist_caps=_OLD_CAPS),
    "2018-02": RuleSet(
        chart_lead_hours=4,
        waitlist_share=None,
        waitlist_caps=_OLD_CAPS,
        release_priority=_LADIES_FIRST,
    ),
    "2025-06": RuleSet(),
}


class RuleSettings(JobConfig):
    """Rules that hold for every train."""

    group_limit: int = Field(6, ge=1, le=6, description="passengers per PNR (given)")
    tatkal_group_limit: int = Field(4, ge=1, le=6, description="passengers per TQ PNR (given)")
    tatkal_opens_ac: int = Field(10, ge=0, le=23, description="hour of the day before (given)")
    tatkal_opens_other: int = Field(11, ge=0, le=23, description="the same, other classes (given)")
    booking_opens_days: int = Field(60, ge=1, description="days before the service date (given)")
    booking_opens_hour: int = Field(8, ge=0, le=23, description="hour of that day, IST (chosen)")
    senior_age: int = Field(60, ge=1, description="SENIOR from this age (given)")
    child_age: int = Field(12, ge=0, description="child under this age in LD (chosen)")
    lower_berth_age_female: int = Field(45, description="entitled to LB from this age (chosen)")
    train_class_rank: dict[str, int] = Field(
        default={"Rajdhani": 4, "Shatabdi": 3, "Express": 2, "Passenger": 1},
        description="kinds of train and their rank; a train of another kind is refused (given)",
    )
    rule_sets: dict[str, RuleSet] = Field(default=RULE_SETS, description="dated rules by name")


class SyntheticSettings(JobConfig):
    """The synthetic railway day."""

    bookings: int = Field(20_000, ge=1, description="booking requests (chosen)")
    trains: int = Field(60, ge=1, description="trains of the day (chosen)")
    stops: int = Field(20, ge=2, le=20, description="stations per train (chosen)")
    tatkal_share: float = Field(0.15, ge=0, le=1, description="requests in TQ (chosen)")
    special_share: float = Field(0.08, ge=0, le=1, description="requests in LD SS DF HP (chosen)")
    cancelled_share: float = Field(0.05, ge=0, le=1, description="requests cancelled (chosen)")
    fault_share: float = Field(0.002, ge=0, le=0.5, description="spoilt records (chosen)")
    hot_requests: int = Field(0, ge=0, description="extra TQ requests on the first train (chosen)")
    only_tatkal: bool = Field(False, description="all requests are TQ, in one hour (chosen)")


class SeatsConfig(JobConfig):
    """All settings; `conf/seat_allocation.yaml` and `--set section.key=value` change them."""

    seed: int = Field(7, ge=0, description="seed of the synthetic day (chosen)")
    partitions: int = Field(0, ge=0, description="partitions of the kernel; 0 = by size (chosen)")
    rows_per_partition: int = Field(40_000, ge=1, description="events per partition (chosen)")
    max_reject_share: float = Field(
        0.01, ge=0, le=1, description="largest share of records set aside (chosen)"
    )
    max_segments: int = Field(128, ge=1, le=128, description="segments of a train (chosen)")
    numbering_variants: int = Field(8, ge=1, le=8, description="berth numberings tried (chosen)")
    efficiency_epsilon: float = Field(0.1, gt=0, description="in 1 / (utilisation + e) (given)")
    least_slice: int = Field(30, ge=1, description="smaller slices are not shown (chosen)")
    rules: RuleSettings = RuleSettings()
    synthetic: SyntheticSettings = SyntheticSettings()
