"""Plan of one class of a train: berths, RAC, quotas and moments, with every number checked."""

from typing import Any, NamedTuple

import numpy as np

from pipelines.core.errors import ConfigError
from pipelines.seats.codes import BERTH, CATEGORIES, I64, QUOTAS, Bools, ClassPlan, Records
from pipelines.seats.config import RuleSet, SeatsConfig
from pipelines.seats.times import booking_opens, chart_time, tatkal_opens, waitlist_cap


class InvalidTrainPlan(ConfigError):
    """A train whose plan cannot be right; the message names train, date and field."""


def broken_plan(row: dict[str, Any], name: str, problem: str) -> InvalidTrainPlan:
    """The error for a field of a train.

    Args:
        row: the train.
        name: the field.
        problem: what is wrong with it.
    """
    place = f"train {row['train_id']} of {row['service_date']}: {name}"
    return InvalidTrainPlan(f"{place}: {problem}. Correct the train plan; nothing was allotted.")


class Layout(NamedTuple):
    """What trains of equal coaches, quotas and rules have in common; see `ClassPlan`."""

    capacity: I64
    priority: I64
    berths: Records
    rac_berths: Records


Layouts = dict[tuple[object, ...], Layout]
"""Layouts checked so far by what they are made from; a railway has few kinds of trains."""


def class_plan(
    row: dict[str, Any], travel_class: str, berths: list[Records], config: SeatsConfig, as_of: int,
    layouts: Layouts,
) -> tuple[ClassPlan, tuple[str, ...]]:  # fmt: skip
    """Plan of one class, and the names of its coaches.

    Args:
        row: the train.
        travel_class: the class.
        berths: berths of each of its coaches.
        config: rules.
        as_of: last moment of the run, ms UTC.
        layouts: those of the trains before; added to.

    Raises:
        InvalidTrainPlan: names train, date and field.
    """
    rules = config.rules
    rule_set = rules.rule_sets[row["rule_set"]]
    numbers = [n for n, c in enumerate(row["coaches"]) if c["travel_class"] == travel_class]
    numbers.sort(key=lambda n: str(row["coaches"][n]["coach_id"]))
    names = tuple(row["coaches"][n]["coach_id"] for n in numbers)
    own = [berths[n] for n in numbers]
    shares = (repr(_of_class(row, name, travel_class)) for name in ("rac_berths", "quotas"))
    coaches = tuple(one.tobytes() for one in own)
    kind = (travel_class, row["rule_set"], names, coaches, *shares)
    if kind not in layouts:
        layouts[kind] = _layout(row, travel_class, names, own, rule_set)
    layout = layouts[kind]
    times = [
        booking_opens(row["service_date"], rules),
        tatkal_opens(row["service_date"], travel_class, rules),
        chart_time(row["departs_at"], rule_set),
        as_of,
    ]
    plan = ClassPlan(
        len(row["stations"]) - 1, layout.capacity, np.array(times, dtype=np.int64),
        rules.tatkal_group_limit, layout.priority, layout.berths, layout.rac_berths,
    )  # fmt: skip
    return plan, names


def _layout(
    row: dict[str, Any], travel_class: str, names: tuple[str, ...], berths: list[Records],
    rule_set: RuleSet,
) -> Layout:  # fmt: skip
    everything = [_coach_rows(row, names[c], one, c) for c, one in enumerate(berths)]
    rows = np.concatenate(everything) if everything else np.empty(0, dtype=BERTH)
    if len(set(names)) < len(names):
        raise broken_plan(row, "coaches", f"a coach of {travel_class} is there twice")
    is_rac = _rac_rows(row, travel_class, names, rows)
    rows["bay"] = np.cumsum(np.diff(rows["coach"] * 4096 + rows["bay_no"], prepend=-1) != 0) - 1
    quotas = _quota_berths(row, travel_class, int((~is_rac).sum()))
    cap = waitlist_cap(len(rows), travel_class, rule_set)
    capacity = np.array([*quotas, 2 * int(is_rac.sum()), cap], dtype=np.int64)
    return Layout(capacity, _priority(rule_set), rows[~is_rac], rows[is_rac])


def _of_class(row: dict[str, Any], name: str, travel_class: str) -> list[dict[str, Any]]:
    return [one for one in row[name] if one["travel_class"] == travel_class]


def _coach_rows(row: dict[str, Any], name: str, berths: Records, coach: int) -> Records:
    """Berths of one coach by bay and number."""
    rows: Records = berths[np.lexsort((berths["berth_no"], berths["bay_no"]))].copy()
    rows["coach"] = coach
    numbers = rows["berth_no"]
    if len(np.unique(numbers)) < len(numbers):
        raise broken_plan(row, f"coaches.{name}.berths", "a berth number occurs twice")
    if len(rows) and (numbers.min() < 1 or rows["bay_no"].min() < 1 or rows["kind"].min() < 0):
        raise broken_plan(row, f"coaches.{name}.berths", "numbers start at 1, types must be known")
    return rows


def _rac_rows(
    row: dict[str, Any], travel_class: str, names: tuple[str, ...], rows: Records
) -> Bools:
    """Which berths are kept for RAC."""
    is_rac = np.zeros(len(rows), dtype=np.bool_)
    for one in _of_class(row, "rac_berths", travel_class):
        if one["coach_id"] not in names:
            raise broken_plan(row, "rac_berths", f"there is no coach {one['coach_id']!r}")
        in_coach = rows["coach"] == names.index(one["coach_id"])
        for number in one["berth_nos"]:
            chosen = in_coach & (rows["berth_no"] == number)
            if not chosen.any() or is_rac[chosen].any():
                raise broken_plan(row, "rac_berths", f"berth {number} is missing or named twice")
            is_rac |= chosen
    return is_rac


def _quota_berths(row: dict[str, Any], travel_class: str, berths: int) -> list[int]:
    """Berths per quota; their sum must be the berths not kept for RAC."""
    shares = _of_class(row, "quotas", travel_class)
    names = [one["quota"] for one in shares]
    if set(names) - set(QUOTAS) or len(set(names)) < len(names):
        raise broken_plan(row, f"quotas.{travel_class}", "a quota is unknown or named twice")
    found = dict(zip(names, (one["berths"] for one in shares), strict=True))
    if min(found.values(), default=0) < 0:
        raise broken_plan(row, f"quotas.{travel_class}", "a count is negative")
    if sum(found.values()) != berths:
        total = sum(found.values())
        raise broken_plan(row, f"quotas.{travel_class}", f"sum is {total}, berths are {berths}")
    return [found.get(quota, 0) for quota in QUOTAS]


def _priority(rule_set: RuleSet) -> I64:
    """Rank of each category, in the order of `CATEGORIES`."""
    return np.array([rule_set.release_priority.index(one) for one in CATEGORIES], dtype=np.int64)
