"""One payment, one decision: rules, points, reasons, and what the payer's state becomes.

`decide` is the only way a payment is decided, in Flink, in the backtest and in the tests. It is
pure: no clock, no randomness, no input or output.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from pipelines.upi_fraud.decision import (
    Decision,
    FiredRule,
    apply_block,
    apply_model,
    make_decision,
)
from pipelines.upi_fraud.facts import Facts, amount_risk, velocity_risk
from pipelines.upi_fraud.feedback import settle
from pipelines.upi_fraud.geo import square_of
from pipelines.upi_fraud.hashing import label_hash
from pipelines.upi_fraud.memory import add_attempt, learn
from pipelines.upi_fraud.payment import CheckedPayment
from pipelines.upi_fraud.profile import ActiveRule, Levels, Profile
from pipelines.upi_fraud.reference import Reference
from pipelines.upi_fraud.rows import ATTEMPTS, OLD_IDS, Payment, key_of, make_attempt
from pipelines.upi_fraud.rules import FACTORS, Hit
from pipelines.upi_fraud.state import (
    DAY_MS,
    EMPTY,
    LEARNED,
    Capacity,
    PayerState,
    make_lesson,
)

APPROVE, VERIFY, REVIEW, BLOCK = "APPROVE", "ADDITIONAL_VERIFICATION", "MANUAL_REVIEW", "BLOCK"
LEVEL_OF = {APPROVE: "LOW", VERIFY: "MEDIUM", REVIEW: "HIGH", BLOCK: "CRITICAL"}
NETWORK = FACTORS.index("network")
_SILENCED = frozenset((FACTORS.index("merchant"), NETWORK))
_NO_FACTORS = ((0, 0.0),) * len(FACTORS)
_QUIET_FACTORS = _NO_FACTORS[2:]


class ModelSlot(Protocol):
    """A model as the scorer sees it: it answers, or says why it cannot."""

    @property
    def version(self) -> str:
        """Version of the model."""

    @property
    def p_verify(self) -> float:
        """Probability from which a payment is verified."""

    def score(self, facts: Facts) -> tuple[float | None, str]:
        """Calibrated probability of fraud and `NONE`, or None and the reason."""


class Settings(NamedTuple):
    """Numbers of the configuration that a decision needs.

    Attributes:
        capacity: what a state may hold.
        expiry_ms: silence after which what was learned is forgotten.
        blocked_points: least score of a payment with a block flag.
    """

    capacity: Capacity = Capacity()
    expiry_ms: int = 30 * DAY_MS
    blocked_points: int = 100


def find_copy(state: PayerState, payment: CheckedPayment) -> str | None:
    """Whether this payer's payment was seen: DUPLICATE, DUPLICATE_CONFLICT, or None.

    Ids behind the newest attempts are kept without a digest, so a conflict there counts as a copy.
    """
    wanted = key_of(payment.id_hash)
    at = ATTEMPTS.find(state.recent, wanted)
    if at >= 0:
        seen = ATTEMPTS.row(state.recent, at).digest & (LEARNED - 1)
        return "DUPLICATE" if seen == payment.digest else "DUPLICATE_CONFLICT"
    if state.old_ids and OLD_IDS.find(state.old_ids, wanted) >= 0:
        return "DUPLICATE"
    return None


def decide(
    state: PayerState, payment: CheckedPayment, reference: Reference, profile: Profile,
    model: ModelSlot | None, settings: Settings,
) -> tuple[PayerState, Decision]:  # fmt: skip
    """Decide one payment that is no copy; returns what the payer's state becomes.

    An exception in a rule sends the payment to review and leaves the state as it was.
    """
    try:
        current = state
        if payment.event_time - state.newest_ms > settings.expiry_ms and state is not EMPTY:
            current = state.without_profile()
        if reference.labels:
            current = settle(current, reference.labels, payment.ingest_time)
        facts = Facts(current, payment, reference, settings.capacity)
        decision = _judge(facts, profile, model, settings)
        return _remember(current, payment, decision, facts, settings.capacity), decision
    except Exception:
        return state, _failed(profile)


def _judge(facts: Facts, profile: Profile, model: ModelSlot | None, settings: Settings) -> Decision:
    fired = _fire(facts, profile)
    factors = _factors(facts, profile, fired)
    points = sum(one for one, _ in factors) if fired else 0
    told = [FiredRule(rule.code, FACTORS[rule.factor], *hit) for rule, hit in fired]
    probability, degraded = model.score(facts) if model is not None else (None, "NONE")
    if probability is not None and model is not None:
        points = apply_model(probability, points, profile, model.p_verify, told)
    if facts.has_flags:
        points = apply_block(facts, points, settings.blocked_points, told)
    if len(told) > 1:
        told.sort(key=lambda one: (-one.points, one.code))
    action = action_of(points, profile.levels)
    return make_decision(
        (
            action, LEVEL_OF[action], points, factors, tuple(told), profile.rule_version,
            model.version if model is not None else None, probability, degraded,
            facts.is_window_exact,
        )
    )  # fmt: skip


def _fire(facts: Facts, profile: Profile) -> list[tuple[ActiveRule, Hit]]:
    """Rules that fire; a payee who is allowed silences those of merchant and network.

    Only those are asked that may fire for what the payment has.
    """
    has = (facts.payment.merchant_id is not None) | facts.has_flags << 1
    has |= (facts.paise >= profile.large) << 2 | (facts.moved > profile.near) << 3
    checks = profile.checks[has]
    fired = [(rule, hit) for rule, check in checks if (hit := check(facts)) is not None]
    if fired:
        is_allowed = "ALLOW" in facts.payee_flags
        fired = [
            (rule, (0, *hit[1:]) if rule.is_shadow else hit)
            for rule, hit in fired
            if not (is_allowed and rule.factor in _SILENCED)
        ]
    return fired


def _factors(
    facts: Facts, profile: Profile, fired: Sequence[tuple[ActiveRule, Hit]]
) -> tuple[tuple[int, float], ...]:
    """Points and risk of the seven factors."""
    velocity = velocity_risk(facts.count_1h + 1, facts.paise_1h)
    if not fired:
        return ((0, velocity), (0, amount_risk(facts.z)), *_QUIET_FACTORS)
    points = [0] * len(FACTORS)
    groups: dict[int, list[int]] = {}
    for rule, hit in fired:
        if not rule.is_shadow:
            groups.setdefault(rule.factor, []).append(hit[0])
    for factor, given in groups.items():
        extra = profile.extra_points * (len(given) - 1)
        points[factor] = (
            sum(given) if profile.is_sum else min(profile.caps[factor], max(given) + extra)
        )
    risks = [min(1.0, one / cap) for one, cap in zip(points, profile.caps, strict=True)]
    risks[0], risks[1] = velocity, amount_risk(facts.z)
    return tuple(zip(points, risks, strict=True))


def action_of(points: int, levels: Levels) -> str:
    """Action of a score (given levels)."""
    if points < levels.verify:
        return APPROVE
    if points < levels.review:
        return VERIFY
    return REVIEW if points < levels.block else BLOCK


def _remember(
    state: PayerState, payment: CheckedPayment, decision: Decision, facts: Facts, room: Capacity
) -> PayerState:
    """Count the attempt; learn from it only if it was approved."""
    moment, paise, digest = payment.event_time, payment.paise, payment.digest
    if decision.action != APPROVE:
        return add_attempt(state, Payment(moment, payment.id_hash, paise, digest), room)
    attempt = make_attempt((moment, payment.id_hash, paise, digest | LEARNED))
    place = None
    if facts.here is not None:
        lat, lon = facts.here
        place = (lat, lon, label_hash(payment.label or square_of(lat, lon)))
    device = payment.device_hash if payment.device is not None else None
    lesson = make_lesson((moment, paise, facts.hour, place, device, payment.payee_hash))
    return learn(add_attempt(state, attempt, room), lesson, room)


def _failed(profile: Profile) -> Decision:
    return Decision(
        REVIEW, LEVEL_OF[REVIEW], profile.levels.review, _NO_FACTORS, (), profile.rule_version,
        None, None, "RULE_ERROR", True,
    )  # fmt: skip
