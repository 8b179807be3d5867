"""Trains of the synthetic day: routes over five trunk lines, coaches, quotas, berths for RAC.

Stations and distances are public and rounded; the trains themselves are invented.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.seats.config import RuleSet
from pipelines.seats.times import india_ms

FLEET = (("A1", 1), ("A2", 1), ("A3", 1), ("SL", 2))
"""Coaches per train: with these 288 berths the default day asks for more than there is."""
KINDS = ("Express", "Express", "Express", "Rajdhani", "Passenger")
SPEED_KMH = 60
_BAY = {
    "A1": ("LB", "UB", "LB", "UB"),
    "A2": ("LB", "UB", "LB", "UB", "SL", "SU"),
    "A3": ("LB", "MB", "UB", "LB", "MB", "UB", "SL", "SU"),
    "SL": ("LB", "MB", "UB", "LB", "MB", "UB", "SL", "SU"),
}
_BERTHS = {"A1": 24, "A2": 48, "A3": 64, "SL": 72}
_LOWER_QUOTA = {"A1": 0, "A2": 3, "A3": 3, "SL": 6}
_SMALL_QUOTA = {"HP": 2, "DF": 2}
TATKAL_SHARE = 0.3


@dataclass(frozen=True)
class Route:
    """Stations of a train and the kilometres from its first one."""

    stations: tuple[str, ...]
    kilometres: tuple[int, ...]


def read_corridors() -> list[Route]:
    """The trunk lines, each in both directions."""
    path = Path(__file__).parent / "data" / "corridors.csv"
    lines: dict[str, list[tuple[str, int]]] = {}
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            stop = (row["station_code"], int(row["distance_km"]))
            lines.setdefault(row["corridor"], []).append(stop)
    routes = []
    for stops in lines.values():
        end = stops[-1][1]
        back = [(code, end - km) for code, km in reversed(stops)]
        for way in (stops, back):
            codes, kilometres = zip(*way, strict=True)
            routes.append(Route(codes, kilometres))
    return routes


def make_coach(travel_class: str, coach_id: str) -> dict[str, Any]:
    """A coach as in the contract; the type of berth n is given by its place in the bay."""
    kinds = _BAY[travel_class]
    berths = [
        {"berth_no": n + 1, "berth_type": kinds[n % len(kinds)], "bay": n // len(kinds) + 1}
        for n in range(_BERTHS[travel_class])
    ]
    return {"coach_id": coach_id, "travel_class": travel_class, "berths": berths}


def rac_berths(coach: dict[str, Any], rule_set: RuleSet) -> list[int]:
    """The first side-lower berths of a coach, as many as the rules keep for RAC."""
    side = [b["berth_no"] for b in coach["berths"] if b["berth_type"] == "SL"]
    return side[: rule_set.rac_per_coach.get(coach["travel_class"], 0)]


def split_quotas(travel_class: str, coaches: int, berths: int) -> dict[str, int]:
    """Berths per quota of a class; GN takes the remainder.

    Args:
        travel_class: code such as SL.
        coaches: coaches of the class.
        berths: berths not kept for RAC.
    """
    lower = _LOWER_QUOTA[travel_class] * coaches
    small = {name: count * coaches * (lower > 0) for name, count in _SMALL_QUOTA.items()}
    found = {"TQ": int(TATKAL_SHARE * berths), "SS": lower, "LD": lower, **small}
    return {"GN": berths - sum(found.values()), **found}


def make_class(travel_class: str, coaches: int, rule_set: RuleSet) -> dict[str, Any]:
    """Coaches, quotas and RAC berths of one class, as parts of a train."""
    made = [make_coach(travel_class, f"{travel_class}-{n + 1}") for n in range(coaches)]
    kept = [
        {
            "travel_class": travel_class,
            "coach_id": coach["coach_id"],
            "berth_nos": rac_berths(coach, rule_set),
        }
        for coach in made
    ]
    berths = sum(len(coach["berths"]) for coach in made)
    berths -= sum(len(one["berth_nos"]) for one in kept)
    quotas = split_quotas(travel_class, coaches, berths)
    return {
        "coaches": made,
        "rac_berths": [one for one in kept if one["berth_nos"]],
        "quotas": [
            {"travel_class": travel_class, "quota": name, "berths": count}
            for name, count in quotas.items()
        ],
    }


def make_trains(
    rng: np.random.Generator, count: int, stops: int, day: date, rule_set: tuple[str, RuleSet]
) -> tuple[list[dict[str, Any]], Sequence[Route]]:
    """Trains as contract rows without the envelope, and the route of each."""
    corridors = read_corridors()
    parts = [make_class(name, coaches, rule_set[1]) for name, coaches in FLEET]
    merged = {key: [one for part in parts for one in part[key]] for key in parts[0]}
    trains, routes = [], []
    for n in range(count):
        whole = corridors[n % len(corridors)]
        first = int(rng.integers(0, len(whole.stations) - stops + 1))
        stations = whole.stations[first : first + stops]
        kilometres = whole.kilometres[first : first + stops]
        route = Route(stations, tuple(km - kilometres[0] for km in kilometres))
        departs = india_ms(day, 0) + int(rng.integers(5 * 60, 23 * 60)) * 60_000
        trains.append(
            {
                "train_id": f"{12001 + n}",
                "service_date": day,
                "train_class": KINDS[n % len(KINDS)],
                "stations": _stops(route, departs),
                **merged,
                "departs_at": departs,
                "rule_set": rule_set[0],
            }
        )
        routes.append(route)
    return trains, routes


def _stops(route: Route, departs: int) -> list[dict[str, Any]]:
    hour = 3_600_000
    last = len(route.stations) - 1
    return [
        {
            "station_code": code,
            "departs_at": None if n == last else departs + km * hour // SPEED_KMH,
            "distance_km": km,
        }
        for n, (code, km) in enumerate(zip(route.stations, route.kilometres, strict=True))
    ]


def class_shares() -> npt.NDArray[np.float64]:
    """Share of the berths in each class of `FLEET`; demand follows it."""
    sizes = np.array([coaches * _BERTHS[name] for name, coaches in FLEET], dtype=np.float64)
    shares: npt.NDArray[np.float64] = sizes / sizes.sum()
    return shares
