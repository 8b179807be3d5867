"""What is decided about a payment, and the two overrides of its score: a model and a block."""

from typing import NamedTuple

from pipelines.upi_fraud.facts import Facts
from pipelines.upi_fraud.profile import Profile
from pipelines.upi_fraud.rows import maker


class FiredRule(NamedTuple):
    """A rule that fired: what it saw and what it held that against. No identifier is in it."""

    code: str
    factor: str
    points: int
    observed: str
    limit: str


class Decision(NamedTuple):
    """What to do with a payment, and why.

    Attributes:
        action, level: of the contract's enums.
        points: score.
        factors: points and risk of each factor, in the order of `FACTORS`.
        fired: rules, most points first, then by code.
        rule_version, model_version, model_score: what decided.
        degraded: reason, `NONE` where everything worked.
        is_window_exact: no bucket was counted.
    """

    action: str
    level: str
    points: int
    factors: tuple[tuple[int, float], ...]
    fired: tuple[FiredRule, ...]
    rule_version: str
    model_version: str | None
    model_score: float | None
    degraded: str
    is_window_exact: bool


make_decision = maker(Decision)


def apply_model(
    probability: float, points: int, profile: Profile, p_verify: float, told: list[FiredRule]
) -> int:
    """Points after the model had its say; told as the override `model`."""
    use = profile.model
    if use is None:
        return points
    if use.kind == "add":
        added = int(use.weight * probability + 0.5)
        if added:
            told.append(FiredRule("model", "network", added, _told(probability), "weight"))
        return points + added
    levels = profile.levels
    for limit, floor in (
        (use.block_at, levels.block), (use.review_at, levels.review), (p_verify, levels.verify),
    ):  # fmt: skip
        if probability >= limit:
            told.append(
                FiredRule("model", "network", floor, _told(probability), f"at least {limit:.4f}")
            )
            return max(points, floor)
    return points


def _told(probability: float) -> str:
    return f"probability {probability:.4f}"


def apply_block(facts: Facts, points: int, least: int, told: list[FiredRule]) -> int:
    """Score of a payment where payer, payee or device is blocked; told as `blocklisted`."""
    sides = (("payer", facts.payer_flags), ("payee", facts.payee_flags),
             ("device", facts.device_flags))  # fmt: skip
    for side, flags in sides:
        if "BLOCK" in flags:
            told.append(FiredRule("blocklisted", "network", least, f"{side} blocked", "flag BLOCK"))
            return max(points, least)
    return points
