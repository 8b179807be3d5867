"""What a viewer likes, and what is talked about: sums that fade with event time (rules A3, V4, V6).

A fading sum is a value at a moment. Two of them join in any order and grouping, because both are
moved to the later moment first; so partial sums of any partition give the same result.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

WEIGHTS: Mapping[str, float] = {
    "WATCH_COMPLETE": 3.0, "LIKE": 2.0, "DISLIKE": -1.0, "ADD_TO_LIST": 1.5, "SHARE": 1.2,
}  # fmt: skip
OTHER_WEIGHT = 0.5
"""Weights of interactions (given); WATCH_PARTIAL weighs the share that was watched."""

TASTE_HOURS = 168.0
"""A weight falls to 1/e in this time, hours (given)."""

HOUR_MS = 3_600_000
TASTE_RATE = 1 / (TASTE_HOURS * HOUR_MS)


@dataclass(frozen=True)
class Fading:
    """A sum that fades.

    Attributes:
        value: the sum at `at_ms`.
        at_ms: epoch ms; None for a sum without parts.
        rate: 1/ms by which it fades.
    """

    value: float
    at_ms: int | None
    rate: float

    def at(self, moment_ms: int) -> float:
        """Value at a moment, also an earlier one."""
        if self.at_ms is None:
            return 0.0
        return self.value * math.exp(-self.rate * (moment_ms - self.at_ms))

    def joined(self, other: "Fading") -> "Fading":
        """Sum of both; associative and commutative up to rounding."""
        if self.at_ms is None or other.at_ms is None:
            return self if other.at_ms is None else other
        moment = max(self.at_ms, other.at_ms)
        return Fading(self.at(moment) + other.at(moment), moment, self.rate)


def half_life_rate(seconds: float) -> float:
    """Rate (1/ms) of a sum that halves in so many seconds."""
    return math.log(2) / (seconds * 1000)


def weight_of(interaction: str, watch_ms: int = 0, content_ms: int = 0) -> float:
    """Weight of an interaction; a part of content without length counts nothing."""
    if interaction == "WATCH_PARTIAL":
        return min(1.0, max(0.0, watch_ms / content_ms)) if content_ms > 0 else 0.0
    return WEIGHTS.get(interaction, OTHER_WEIGHT)


def top_trending(
    scores: Mapping[str, Fading], at_ms: int, most: int = 10
) -> list[tuple[str, float]]:
    """Names with the highest score at a moment; ties by name, so that the order is stable."""
    found = [(name, score.at(at_ms)) for name, score in scores.items()]
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:most]


def diversity(sums: Mapping[str, float]) -> float:
    """Spread over genres: entropy over its maximum, 0 for one genre, 1 for equal shares."""
    parts = [value for value in sums.values() if value > 0]
    if len(parts) < 2:
        return 0.0
    total = sum(parts)
    entropy = -sum(part / total * math.log(part / total) for part in parts)
    return entropy / math.log(len(parts))
