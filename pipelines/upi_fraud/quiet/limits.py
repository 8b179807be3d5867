"""What a payment must stay below for hardly a rule of a profile to fire: one limit a measure.

Each rule gives limits on the safe side: a payment within all of them fires none, one beyond may.
Two soft rules are an exception, `amount_z` and `odd_hour`: they fire for every seventh payment and
rarely decide anything, so the compiled walk knows them and what they tell.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from pipelines.core.flat_records import Ints
from pipelines.upi_fraud.profile import ActiveRule, Profile
from pipelines.upi_fraud.quiet.rows import Floats
from pipelines.upi_fraud.rules import FACTORS, RULES
from pipelines.upi_fraud.rules.base import paise_of
from pipelines.upi_fraud.state import DAY_MS, HOUR_MS

_ANY = 2**62


class Limits(NamedTuple):
    """Limits of one profile; a payment is quiet if it keeps all of them.

    Attributes:
        count_1h: attempts of the hour before, fewer than these.
        paise_1h, paise_24h: sums with this payment, at most these.
        paise: amount, less than this.
        round_from, round_paise: from the first on, no multiple of the second.
        amounts: amounts that it must not have, paise.
        z_over, z_points: deviations above which the amount gives points, most first.
        moved: degrees x 1e5 from the last approved place, at most these.
        hour_learned, hour_share, hour_points: from so many approved payments on, an hour with at
            most this share of them gives points.
        hour_cap: points at which the risk of the time is 1.
        verify: sum of points, less than this.
        device_age_ms: of a device beside which another is learned, at least this; -1 asks nothing.
        device_length: characters of a device id, at least these.
        needs_device, needs_place: 1 if it must have one.
        reputation: of the merchant, at most this.
        merchant_age_ms: since the merchant was first seen, at least this.
    """

    count_1h: int = _ANY
    paise_1h: int = _ANY
    paise_24h: int = _ANY
    paise: int = _ANY
    round_from: int = _ANY
    round_paise: int = 1
    amounts: Ints = np.empty(0, np.int64)
    z_over: Floats = np.empty(0, np.float64)
    z_points: Ints = np.empty(0, np.int64)
    moved: int = _ANY
    hour_learned: int = _ANY
    hour_share: float = -1.0
    hour_points: int = 0
    hour_cap: int = 1
    verify: int = 0
    device_age_ms: int = -1
    device_length: int = 0
    needs_device: int = 0
    needs_place: int = 0
    reputation: int = _ANY
    merchant_age_ms: int = -_ANY


class Quiet(NamedTuple):
    """When nothing fires under a profile.

    Attributes:
        limits: for numbers.
        labels: place labels a payment must not have.
        categories: lines of business a merchant must not have.
    """

    limits: Limits
    labels: frozenset[str]
    categories: frozenset[str]


Z_LIMITS = ("top_over", "high_over", "over")
"""Limits of `amount_z`, the highest first."""
_Z_POINTS = ("top_points", "high_points", "points")

Given = Mapping[str, Any]
_Bound = Callable[[Limits, Given], Mapping[str, Any]]


def _count(limits: Limits, given: Given) -> Mapping[str, Any]:
    asked = [given.get(key) for key in ("prior_at_least", "high_at_least", "with_current_over")]
    return {"count_1h": min([limits.count_1h, *filter(None, asked)])}


def _repeat(limits: Limits, given: Given) -> Mapping[str, Any]:
    return {"count_1h": min(limits.count_1h, given["latest"])}


def _round(limits: Limits, given: Given) -> Mapping[str, Any]:
    if given.get("amounts_rs"):
        return _amounts(limits, given)
    return {"round_from": paise_of(given["from_rs"]), "round_paise": paise_of(given["multiple_rs"])}


def _amounts(limits: Limits, given: Given) -> Mapping[str, Any]:
    more = [paise_of(int(one)) for one in given["amounts_rs"].split()]
    return {"amounts": np.array([*limits.amounts, *more], np.int64)}


def _device(limits: Limits, given: Given) -> Mapping[str, Any]:
    age = given.get("recent_hours", 0) * HOUR_MS
    return {"device_age_ms": max(limits.device_age_ms, age)}


_BY_HAND = dict.fromkeys(_Z_POINTS, 1 << 40)
"""Points of a soft rule that only watches: whoever it fires for is left alone."""


def _covered(limits: Limits, given: Given) -> Mapping[str, Any]:
    """Nothing more: the rule needs what no quiet payment has."""
    return {}


BOUNDS: Mapping[str, _Bound] = {
    "velocity_count": _count,
    "velocity_amount_1h": lambda limits, given: {
        "paise_1h": min(limits.paise_1h, paise_of(given["over_rs"]))
    },
    "velocity_amount_24h": lambda limits, given: {
        "paise_24h": min(limits.paise_24h, paise_of(given["over_rs"]))
    },
    "repeat_amount": _repeat,
    "amount_round": _round,
    "amount_just_below": _amounts,
    "amount_z": lambda limits, given: {
        "z_over": np.array([given[key] for key in Z_LIMITS], np.float64),
        "z_points": np.array([given[key] for key in _Z_POINTS], np.int64),
    },
    "restricted_place": _covered,
    "location_unknown": lambda limits, given: {"needs_place": 1},
    "odd_hour": lambda limits, given: {
        "hour_learned": given["learned_at_least"], "hour_share": given["share_at_most"],
        "hour_points": given["points"],
    },
    "device_new": _device,
    "device_fingerprint": lambda limits, given: {"device_length": given["shorter_than"]},
    "device_missing": lambda limits, given: {"needs_device": 1},
    "merchant_reputation": lambda limits, given: {"reputation": given["over"]},
    "merchant_new": lambda limits, given: {
        "merchant_age_ms": given["younger_than_days"] * DAY_MS
    },
    "merchant_category": _covered,
}  # fmt: skip
"""What each rule asks that needs neither a flag nor a large amount nor a far place."""


def quiet_of(profile: Profile) -> Quiet:
    """When a payment fires no rule of a profile."""
    limits = Limits(paise=profile.large, moved=profile.near, verify=profile.levels.verify,
                    hour_cap=profile.caps[FACTORS.index("time")])  # fmt: skip
    for rule in profile.rules:
        given = dict(rule.params) if not rule.is_shadow else dict(rule.params, **_BY_HAND)
        limits = limits._replace(**_bound(rule)(limits, given))
    return Quiet(
        limits, _listed(profile, "restricted_place", "places"),
        _listed(profile, "merchant_category", "categories"),
    )  # fmt: skip


def _bound(rule: ActiveRule) -> _Bound:
    """What a rule asks; a flag, a large amount and a far place are asked for every profile."""
    is_covered = RULES[rule.code].needs in ("flag", "large", "far")
    return _covered if is_covered else BOUNDS[rule.code]


def _listed(profile: Profile, code: str, key: str) -> frozenset[str]:
    rules = [rule for rule in profile.rules if rule.code == code]
    return frozenset(rules[0].params[key].split()) if rules else frozenset()
