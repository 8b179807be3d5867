"""Train plans: from contract rows to what the kernel needs, with every number checked."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.errors import ConfigError
from pipelines.seats.class_plan import Layouts, broken_plan, class_plan
from pipelines.seats.codes import BERTH, BERTH_TYPES, CLASSES, ClassPlan, Records
from pipelines.seats.config import SeatsConfig


class UnknownTrainClass(ConfigError):
    """A train whose kind has no rank."""


@dataclass(frozen=True)
class Train:
    """A train of one date.

    Attributes:
        train_id, service_date, train_class: as in the contract.
        rank: rank of the kind of train, higher is grander.
        departs_at: ms UTC.
        stations: codes in order.
        first_key: number of its first class among all keys.
        classes: its classes, in the order of `CLASSES`.
    """

    train_id: str
    service_date: date
    train_class: str
    rank: int
    departs_at: int
    stations: tuple[str, ...]
    first_key: int
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Plans:
    """All trains of a run; a key is one train, date and class, numbered from 0.

    Attributes:
        trains: ordered by service date and id.
        train_of: train of each key.
        class_of: class of each key.
        coaches: names of the coaches of each key, in order.
        plans: what the kernel needs, per key.
    """

    trains: list[Train] = field(default_factory=list)
    train_of: list[int] = field(default_factory=list)
    class_of: list[str] = field(default_factory=list)
    coaches: list[tuple[str, ...]] = field(default_factory=list)
    plans: list[ClassPlan] = field(default_factory=list)

    def name(self, key: int) -> tuple[str, date, str]:
        """Train, date and class of a key."""
        train = self.trains[self.train_of[key]]
        return train.train_id, train.service_date, self.class_of[key]


def read_plans(trains: pa.Table, config: SeatsConfig, as_of_ms: int) -> Plans:
    """Check the trains and number their classes.

    Args:
        trains: rows of `rail.Train`.
        config: rules.
        as_of_ms: last moment of the run, ms UTC.

    Raises:
        InvalidTrainPlan: names train, date and field.
        UnknownTrainClass: the rank table has no entry.
    """
    found = Plans()
    layouts: Layouts = {}
    table = trains.sort_by([("service_date", "ascending"), ("train_id", "ascending")])
    seen: set[tuple[str, date]] = set()
    for row, berths in zip(_plain_rows(table), _berths_of(table), strict=True):
        name = (row["train_id"], row["service_date"])
        if name in seen:
            raise broken_plan(row, "train_id", "the train is there twice")
        seen.add(name)
        _check_route(row, config)
        for travel_class in _add_train(found, row, config):
            plan, coaches = class_plan(row, travel_class, berths, config, as_of_ms, layouts)
            found.plans.append(plan)
            found.coaches.append(coaches)
            found.class_of.append(travel_class)
            found.train_of.append(len(found.trains) - 1)
    return found


def _plain_rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    """Rows with all but the berths as Python values."""
    milliseconds = pc.cast(table["departs_at"], pa.timestamp("ms", "UTC"), safe=False)
    table = table.set_column(
        table.schema.get_field_index("departs_at"), "departs_at", pc.cast(milliseconds, pa.int64())
    )
    coaches = table["coaches"].combine_chunks()
    values = coaches.values
    slim = pa.ListArray.from_arrays(
        coaches.offsets,
        pa.StructArray.from_arrays(
            [values.field("coach_id"), values.field("travel_class")], ["coach_id", "travel_class"]
        ),
    )
    stops = table["stations"].combine_chunks()
    codes = pa.ListArray.from_arrays(stops.offsets, stops.values.field("station_code"))
    kept = ["train_id", "service_date", "train_class", "quotas", "rac_berths", "departs_at"]
    plain = table.select([*kept, "rule_set"])
    plain = plain.append_column("coaches", slim).append_column("stations", codes)
    yield from plain.to_pylist()


def _berths_of(table: pa.Table) -> Iterator[list[Records]]:
    """Berths per coach of each train, as rows of `BERTH` with `coach` and `bay` still unset."""
    coaches = table["coaches"].combine_chunks()
    berths = coaches.values.field("berths")
    flat = berths.values
    rows = np.zeros(len(flat), dtype=BERTH)
    rows["berth_no"] = flat.field("berth_no").to_numpy()
    rows["bay_no"] = flat.field("bay").to_numpy()
    kinds = pc.index_in(flat.field("berth_type"), value_set=pa.array(BERTH_TYPES))
    rows["kind"] = kinds.fill_null(-1).to_numpy()
    inner, outer = berths.offsets.to_numpy(), coaches.offsets.to_numpy()
    for start, stop in pairwise(outer):
        yield [rows[inner[c] : inner[c + 1]] for c in range(start, stop)]


def _check_route(row: dict[str, Any], config: SeatsConfig) -> None:
    stations = row["stations"]
    if not 1 <= len(stations) - 1 <= config.max_segments:
        raise broken_plan(
            row,
            "stations",
            f"{len(stations)} stations, must be 2 to {config.max_segments + 1}",
        )
    twice = [code for code, count in Counter(stations).items() if count > 1]
    if twice:
        raise broken_plan(row, "stations", f"{twice[0]} occurs twice")
    if row["rule_set"] not in config.rules.rule_sets:
        known = ", ".join(config.rules.rule_sets)
        raise broken_plan(row, "rule_set", f"{row['rule_set']!r} is not one of {known}")
    if row["train_class"] not in config.rules.train_class_rank:
        raise UnknownTrainClass(
            f"train {row['train_id']} of {row['service_date']}: train_class"
            f" {row['train_class']!r} has no rank; add it to rules.train_class_rank"
        )


def _add_train(found: Plans, row: dict[str, Any], config: SeatsConfig) -> tuple[str, ...]:
    named = {one["travel_class"] for one in (*row["coaches"], *row["quotas"])}
    if unknown := named - set(CLASSES):
        raise broken_plan(row, "coaches", f"class {sorted(unknown)[0]!r} is not known")
    classes = tuple(one for one in CLASSES if one in named)
    rank = config.rules.train_class_rank[row["train_class"]]
    train = Train(
        row["train_id"], row["service_date"], row["train_class"], rank, row["departs_at"],
        tuple(row["stations"]), len(found.plans), classes,
    )  # fmt: skip
    found.trains.append(train)
    return classes
