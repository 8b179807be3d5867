"""Alerts and milestones of an audience: one FIRING and one RESOLVED for each breach (rule A3).

Plain Python on a few rows a second; the same code runs beside Flink, in Spark and in the tests.
Time is event time; calling twice with the same reading changes nothing.
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pipelines.viewers.config import AlertSettings

_NAMES = uuid.UUID("3f1a4f3e-98b9-4d7b-8f2c-0d5a6d5e7b11")


@dataclass(frozen=True)
class Notice:
    """What an alert says.

    Attributes:
        alert_id: of rule, labels and start of the breach; equal for begin and end.
        alert_type: symbol of `ViewerAlertType`.
        severity: LOW, MEDIUM or HIGH.
        state: FIRING or RESOLVED.
        action: what to do.
        viewer_region, content_id: what it is about; None for all.
        value, threshold: what was measured, and held against what.
        at_ms: event time, epoch ms.
    """

    alert_id: str
    alert_type: str
    severity: str
    state: str
    action: str
    viewer_region: str | None
    content_id: str | None
    value: float
    threshold: float
    at_ms: int


@dataclass(frozen=True)
class Rule:
    """A limit with hysteresis.

    Attributes:
        alert_type, severity, action: as in `Notice`.
        fire_above: fires when the value is greater.
        resolve_below: resolves when the value stays smaller for `hold_ms`.
        hold_ms: how long, event time.
    """

    alert_type: str
    severity: str
    action: str
    fire_above: float
    resolve_below: float
    hold_ms: int


def rule_of(kind: str, given: AlertSettings) -> Rule:
    """The rule of an alert type; values are shares of what the limit allows."""
    hold = int(given.hold_seconds * 1000)
    if kind == "QUALITY_DROP":
        action = "check the delivery network of the region"
        return Rule(kind, "HIGH", action, given.stall_fire, given.stall_resolve, hold)
    if kind == "SCALE":
        return Rule(kind, "HIGH", "scale out at once", 1.0, given.resolve_share, hold)
    action = "send new sessions to another network"
    return Rule(kind, "MEDIUM", action, given.fire_share, given.resolve_share, hold)


@dataclass
class Breach:
    """State of one rule for one subject."""

    rule: Rule
    viewer_region: str | None
    content_id: str | None
    since_ms: int | None = None
    calm_ms: int | None = None
    seen_ms: int = -1

    def read(self, value: float, at_ms: int) -> Iterator[Notice]:
        """Take one reading; older ones than the last are ignored.

        Args:
            value: what was measured.
            at_ms: event time of the reading.
        """
        if at_ms <= self.seen_ms:
            return
        self.seen_ms = at_ms
        if self.since_ms is None:
            if value > self.rule.fire_above:
                self.since_ms, self.calm_ms = at_ms, None
                yield self._tell("FIRING", value, self.rule.fire_above, at_ms)
            return
        if value >= self.rule.resolve_below:
            self.calm_ms = None
            return
        self.calm_ms = at_ms if self.calm_ms is None else self.calm_ms
        if at_ms - self.calm_ms >= self.rule.hold_ms:
            yield self._tell("RESOLVED", value, self.rule.resolve_below, at_ms)
            self.since_ms = self.calm_ms = None

    def _tell(self, state: str, value: float, limit: float, at_ms: int) -> Notice:
        rule = self.rule
        labels = f"{rule.alert_type}|{self.viewer_region}|{self.content_id}|{self.since_ms}"
        return Notice(
            str(uuid.uuid5(_NAMES, labels)), rule.alert_type, rule.severity, state, rule.action,
            self.viewer_region, self.content_id, value, limit, at_ms,
        )  # fmt: skip


@dataclass
class Milestones:
    """Every full step of an audience, once a crossing.

    Hovering around a step tells it once: after a crossing upwards the audience has to fall below
    the step by the hysteresis before it can be crossed again.
    """

    step: float
    hysteresis: float
    content_id: str | None = None
    reached: int = 0
    seen_ms: int = -1

    def read(self, audience: float, at_ms: int) -> Iterator[Notice]:
        """Take one reading; a jump over several steps tells each of them."""
        if at_ms <= self.seen_ms:
            return
        self.seen_ms = at_ms
        while self.reached and audience < self.reached * self.step * (1 - self.hysteresis):
            self.reached -= 1
        while audience >= (self.reached + 1) * self.step:
            self.reached += 1
            limit = self.reached * self.step
            name = f"MILESTONE|{self.content_id}|{limit:g}|{at_ms}"
            yield Notice(
                str(uuid.uuid5(_NAMES, name)), "MILESTONE", "LOW", "FIRING",
                f"{limit:,.0f} viewers", None, self.content_id, audience, limit, at_ms,
            )  # fmt: skip


@dataclass
class Watch:
    """All rules over the readings of a match.

    Attributes:
        settings: limits, for an audience of `scale` times the national one.
    """

    settings: AlertSettings
    breaches: dict[tuple[str, str | None, str | None], Breach] = field(default_factory=dict)
    steps: dict[str, Milestones] = field(default_factory=dict)

    def read_audience(
        self, regions: Mapping[str, int], contents: Mapping[str, int], at_ms: int
    ) -> Iterator[Notice]:
        """Audience of one moment: capacity of regions, the whole service, milestones of contents.

        Args:
            regions: live sessions by region, all contents together.
            contents: live sessions by content.
            at_ms: the moment.
        """
        given = self.settings
        total = sum(contents.values())
        yield from self._hold("SCALE", None, None, total / given.scaled(given.total_limit), at_ms)
        for region in sorted(given.capacity):
            share = regions.get(region, 0) / given.scaled(given.capacity[region])
            yield from self._hold("REGIONAL_OVERLOAD", region, None, share, at_ms)
        for content in sorted(contents):
            step = given.scaled(given.milestone)
            found = self.steps.setdefault(content, Milestones(step, given.hysteresis, content))
            yield from found.read(contents[content], at_ms)

    def read_quality(self, stalls: Mapping[str, float], at_ms: int) -> Iterator[Notice]:
        """Rebuffering ratio by region in the window that ends at a moment."""
        for region in sorted(stalls):
            yield from self._hold("QUALITY_DROP", region, None, stalls[region], at_ms)

    def _hold(
        self, kind: str, region: str | None, content: str | None, value: float, at_ms: int
    ) -> Iterator[Notice]:
        key = kind, region, content
        if key not in self.breaches:
            self.breaches[key] = Breach(rule_of(kind, self.settings), region, content)
        yield from self.breaches[key].read(value, at_ms)
