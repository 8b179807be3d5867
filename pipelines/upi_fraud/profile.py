"""Rule profiles: YAML or a `upi.RuleSet` in, checks with their points out.

Unknown keys, negative points, unsorted levels and a cap below a rule's points are refused with file
and path.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from pipelines.core.config import JobConfig
from pipelines.core.yaml_text import read_yaml
from pipelines.upi_fraud.errors import ProfileError
from pipelines.upi_fraud.rules import FACTORS, RULES, Check

FOLDER = Path(__file__).parent / "profiles"
NAMES = ("strict", "upi", "paytm", "tiers")


class Levels(JobConfig):
    """Points from which a payment is verified, reviewed, blocked."""

    verify: int = Field(ge=0)
    review: int = Field(ge=0)
    block: int = Field(ge=0)


class ModelUse(JobConfig):
    """What a model's probability does: points of its own, or a floor under the score.

    Attributes:
        kind: `add` gives floor(weight x p + 0.5) points, `floor` lifts the score to a level.
        weight: points at p = 1 (`add`).
        told_over: p from which an added point is told as a reason (`add`).
        review_at, block_at: p from which the score is lifted that far (`floor`); the model's own
            p_verify lifts it to verification.
    """

    kind: Literal["add", "floor"]
    weight: int = Field(0, ge=0)
    told_over: float = Field(1.0, ge=0, le=1)
    review_at: float = Field(1.0, ge=0, le=1)
    block_at: float = Field(1.0, ge=0, le=1)


class _File(JobConfig):
    profile: str
    version: int = Field(ge=1)
    combine: Literal["sum", "strongest"]
    extra_points: int = Field(0, ge=0)
    levels: Levels
    caps: dict[str, int]
    model: ModelUse | None = None
    rules: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class ActiveRule:
    """A rule with its limits.

    Attributes:
        code: name.
        factor: place of its factor in `FACTORS`.
        check: asks a payment.
        params: limits, as the profile has them.
        is_shadow: gives no points.
        least: rupees or km below which it never fires, if it needs such.
    """

    code: str
    factor: int
    check: Check
    params: Mapping[str, Any]
    is_shadow: bool = False
    least: float = 0


Checks = tuple[tuple[ActiveRule, Check], ...]
_NEEDS = ("merchant", "flag", "large", "far")
"""What a payment may have; a set of them is a number, the first its lowest bit."""
_E5_PER_KM = 899
"""Degrees x 1e5 of a kilometre (6371 km radius), rounded down: who moved less was not so far."""
_NEVER = 2**62


@dataclass(frozen=True)
class Profile:
    """A version of a profile, ready to decide with.

    Attributes:
        name: such as `strict`.
        rule_version: such as `strict@1`.
        is_sum: all fired rules add up; else the strongest of a factor counts.
        extra_points: for each further rule of a factor where the strongest counts.
        caps: most points of each factor, in the order of `FACTORS`.
        checks: rules to ask, each beside its check, by the number of what the payment has.
        large: paise from which an amount is large enough for any rule that needs one.
        near: degrees x 1e5, both directions added, up to which a place is far for no rule.
    """

    name: str
    rule_version: str
    is_sum: bool
    extra_points: int
    levels: Levels
    caps: tuple[int, ...]
    model: ModelUse | None
    rules: tuple[ActiveRule, ...]
    checks: tuple[Checks, ...] = field(init=False, repr=False)
    large: int = field(init=False)
    near: int = field(init=False)

    def __post_init__(self) -> None:
        numbers = range(2 ** len(_NEEDS))
        object.__setattr__(self, "checks", tuple(map(self._asked, numbers)))
        object.__setattr__(self, "large", self._least("large", 100))
        object.__setattr__(self, "near", self._least("far", _E5_PER_KM) - 2)

    def _asked(self, number: int) -> Checks:
        met = {"", *(need for bit, need in enumerate(_NEEDS) if number >> bit & 1)}
        return tuple((rule, rule.check) for rule in self.rules if RULES[rule.code].needs in met)

    def _least(self, need: str, unit: int) -> int:
        """Least limit of the rules that need something, in units."""
        limits = [rule.least for rule in self.rules if RULES[rule.code].needs == need]
        return int(min(limits) * unit) if limits else _NEVER


@cache
def load_profile(name: str) -> Profile:
    """One of the profiles that come with the job.

    Raises:
        ProfileError: no such profile, or its file is wrong.
    """
    if name not in NAMES:
        raise ProfileError(f"There is no profile {name!r}. There are: {', '.join(NAMES)}.")
    return read_profile(FOLDER / f"{name}.yaml")


def read_profile(path: Path) -> Profile:
    """A profile of a file.

    Raises:
        ProfileError: names the file and the path of what is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ProfileError(f"Profile {path.name}: {error.strerror}.") from error
    return parse_profile(read_yaml(text, path.name), path.name)


def parse_profile(content: Any, source: str) -> Profile:
    """A profile of parsed YAML.

    Raises:
        ProfileError: names `source` and the path of what is wrong.
    """
    try:
        file = _File.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise ProfileError(f"{source}: {where}: {first['msg']}.") from error
    _check_levels(file, source)
    rules = tuple(
        _active_rule(code, dict(params), file, f"{source}: rules.{code}")
        for code, params in file.rules.items()
    )
    return Profile(
        file.profile, f"{file.profile}@{file.version}", file.combine == "sum", file.extra_points,
        file.levels, tuple(file.caps[factor] for factor in FACTORS), file.model, rules,
    )  # fmt: skip


def _check_levels(file: _File, source: str) -> None:
    levels = file.levels
    if not levels.verify <= levels.review <= levels.block:
        raise ProfileError(f"{source}: levels: verify <= review <= block must hold.")
    if set(file.caps) != set(FACTORS):
        raise ProfileError(f"{source}: caps: must name {', '.join(FACTORS)}, each once.")


def _active_rule(code: str, params: dict[str, Any], file: _File, where: str) -> ActiveRule:
    if code not in RULES:
        raise ProfileError(f"{where}: no such rule. There are: {', '.join(RULES)}.")
    rule, is_shadow = RULES[code], params.pop("mode", "LIVE") == "SHADOW"
    known = inspect.signature(rule.build).parameters
    for name, value in params.items():
        if name not in known:
            raise ProfileError(f"{where}.{name}: no such key. There are: {', '.join(known)}.")
        wanted = known[name].annotation
        if not isinstance(value, (int, float) if wanted is float else wanted):
            raise ProfileError(f"{where}.{name}: {value!r} is no {wanted.__name__}.")
        if isinstance(value, int | float) and value < 0:
            raise ProfileError(f"{where}.{name}: {value} is negative.")
    missing = [n for n, p in known.items() if p.default is p.empty and n not in params]
    if missing:
        raise ProfileError(f"{where}: {', '.join(missing)} must be given.")
    most = max(value for name, value in params.items() if name.endswith("points"))
    if most > file.caps[rule.factor]:
        raise ProfileError(f"{where}: {most} points are over the cap of {rule.factor}.")
    factor, least = FACTORS.index(rule.factor), params.get(rule.least, 0)
    return ActiveRule(code, factor, rule.build(**params), params, is_shadow, least)


def profile_of_rule_set(record: Mapping[str, Any]) -> Profile:
    """The profile of a `upi.RuleSet`: its rules, the rest as in the file of the same name.

    Raises:
        ProfileError: the profile is unknown or a rule is wrong.
    """
    name, rule_set = record["profile"], record["rule_set_id"]
    if name not in NAMES:
        raise ProfileError(f"{rule_set}: profile: there is no {name!r}.")
    content = dict(read_yaml((FOLDER / f"{name}.yaml").read_text("utf-8"), name))
    rules = {}
    for rule in record["rules"]:
        params = {key: read_yaml(value, rule_set) for key, value in rule["params"].items()}
        mode = {"mode": "SHADOW"} if rule["mode"] == "SHADOW" else {}
        rules[rule["code"]] = {**params, "points": rule["points"], **mode}
    version = rule_set.rpartition("@")[2]
    if not version.isdecimal():
        raise ProfileError(f"{rule_set}: rule_set_id must end with @ and a version number.")
    return parse_profile({**content, "version": int(version), "rules": rules}, rule_set)
