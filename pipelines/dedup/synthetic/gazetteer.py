"""A map of India that is right in its states, districts and PIN code regions and invented below.

Towns, PIN codes and the streets of a town are derived from the tables by fixed hashes: they are the
same for every seed, as the map of a country is.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa

from pipelines.dedup.hashing import splitmix64
from pipelines.dedup.synthetic.streams import F64, I64, Bool
from pipelines.dedup.synthetic.tables import read_rows, split_list, stack_pools, zipf

_PATTERN = re.compile(r"\{(\w+)-(\w+)\}")
_TOWNS_PER_DISTRICT, _SEAT_SHARE = 12, 0.35
_PLACES_PER_TOWN, _STREETS_PER_PLACE, _PLACES_PER_OFFICE = 24, 20, 6
_EXPONENT = 0.8


@dataclass(frozen=True)
class Gazetteer:
    """Places as integers.

    Attributes:
        states, state_codes, districts, towns, localities, streets, houses: their names.
        state_share: share of population.
        communities: one weight per community name and state, end to end (`stack_pools`).
        towns_of: weights of the towns of each state, end to end; town_at maps to the town.
        town_district, town_pin: district and first PIN code of each town.
        district_state: state of each district.
        zone: zone of each state; places, roads: localities and streets of each zone.
        place_weights, road_weights: rank weights inside a town and a locality.
    """

    states: pa.StringArray
    state_codes: pa.StringArray
    state_share: F64
    communities: F64
    districts: pa.StringArray
    district_state: I64
    towns: pa.StringArray
    towns_of: F64
    town_at: I64
    town_district: I64
    town_pin: I64
    zone: I64
    localities: pa.StringArray
    places: tuple[I64, ...]
    streets: pa.StringArray
    roads: tuple[I64, ...]
    houses: pa.StringArray
    place_weights: F64
    road_weights: F64


@lru_cache(maxsize=2)
def load_gazetteer(communities: tuple[str, ...]) -> Gazetteer:
    """Build the map; communities is the order in which their weights are stacked."""
    states, districts = read_rows("states.csv"), read_rows("districts.csv")
    zones = sorted({row["zone"] for row in states})
    state_of = {row["code"]: number for number, row in enumerate(states)}
    district_state = np.array([state_of[row["code"]] for row in districts])
    population = np.array([float(row["population_thousands"]) for row in states])
    localities, places = _by_zone(read_rows("localities.csv"), "locality", zones)
    streets, roads = _by_zone(read_rows("streets.csv"), "street", zones)
    towns = _name_towns([row["district"] for row in districts], states, district_state)
    town_district = np.repeat(np.arange(len(districts)), _TOWNS_PER_DISTRICT)
    return Gazetteer(
        states=pa.array([row["state"] for row in states]),
        state_codes=pa.array([row["code"] for row in states]),
        state_share=population / population.sum(),
        communities=stack_pools([_weigh(row["communities"], communities) for row in states]),
        districts=pa.array([row["district"] for row in districts]),
        district_state=district_state,
        towns=pa.array(towns),
        towns_of=stack_pools([_town_weights(district_state == s) for s in range(len(states))]),
        town_at=np.argsort(district_state[town_district], kind="stable"),
        town_district=town_district,
        town_pin=_pin_codes([split_list(row["pin_prefixes"]) for row in states], district_state),
        zone=np.array([zones.index(row["zone"]) for row in states]),
        localities=pa.array(localities),
        places=places,
        streets=pa.array(streets),
        roads=roads,
        houses=pa.array(_name_houses()),
        place_weights=np.cumsum(zipf(_PLACES_PER_TOWN, _EXPONENT)),
        road_weights=np.cumsum(zipf(_STREETS_PER_PLACE, _EXPONENT)),
    )


def spread(values: I64) -> I64:
    """A fixed pseudo-random number below 2^31 for each value."""
    return (splitmix64(values.astype(np.uint64)) >> np.uint64(33)).astype(np.int64)


def find_pin_codes(town_pin: I64, rank: I64) -> I64:
    """PIN code of a locality by its rank in the town: a few localities share a post office."""
    return town_pin + rank // _PLACES_PER_OFFICE


def _weigh(cell: str, communities: tuple[str, ...]) -> F64:
    """Weights of all communities from a cell such as `hindi:79|muslim:19`."""
    shares = dict(part.split(":") for part in split_list(cell))
    return np.array([float(shares.get(name, 0)) for name in communities])


def _by_zone(
    rows: list[dict[str, str]], column: str, zones: list[str]
) -> tuple[list[str], tuple[I64, ...]]:
    """All names of a table, patterns such as `Gali No {1-30}` written out, and those of a zone."""
    named = [(row["zone"], name) for row in rows for name in _write_out(row[column])]
    members = [
        np.array([at for at, (zone, _) in enumerate(named) if zone in ("all", wanted)])
        for wanted in zones
    ]
    mixed = tuple(found[np.argsort(spread(found), kind="stable")] for found in members)
    return [name for _, name in named], mixed


def _write_out(pattern: str) -> list[str]:
    """Names of a pattern with one range of numbers or letters, or the name as it is."""
    found = _PATTERN.search(pattern)
    if found is None:
        return [pattern]
    low, high = found.groups()
    if low.isdigit():
        values = [str(value) for value in range(int(low), int(high) + 1)]
    else:
        values = [chr(value) for value in range(ord(low), ord(high) + 1)]
    return [pattern.replace(found.group(), value) for value in values]


def _name_towns(
    districts: list[str], states: list[dict[str, str]], district_state: I64
) -> list[str]:
    """The seat of each district bears its name; the others are made of two parts of the zone."""
    parts: dict[str, dict[str, list[str]]] = {}
    for row in read_rows("town_parts.csv"):
        parts.setdefault(row["zone"], {"head": [], "tail": []})[row["part"]].append(row["text"])
    towns = []
    for number, district in enumerate(districts):
        zone = parts[states[district_state[number]]["zone"]]
        picks = spread(number * _TOWNS_PER_DISTRICT + np.arange(_TOWNS_PER_DISTRICT - 1))
        heads, tails = zone["head"], zone["tail"]
        towns.append(district)
        towns += [heads[p % len(heads)] + tails[p // 997 % len(tails)] for p in picks.tolist()]
    return towns


def _town_weights(is_member: Bool) -> F64:
    """Weights of the towns of one state: larger districts first, the seat largest in each."""
    within = np.append(_SEAT_SHARE, (1 - _SEAT_SHARE) * zipf(_TOWNS_PER_DISTRICT - 1, _EXPONENT))
    return np.outer(zipf(int(is_member.sum()), 0.5), within).ravel()


def _pin_codes(prefixes: list[list[str]], district_state: I64) -> I64:
    """First PIN code of each town: real postal region, sorting district by turns, post office."""
    owned = {p for own in prefixes for p in own if len(p) == 3}
    pins = []
    for state, own in enumerate(prefixes):
        wide = [f"{p}{d}" for d in range(10) for p in own if len(p) == 2]
        regions = [int(p) for p in wide if p not in owned] + [int(p) for p in own if len(p) == 3]
        for number in range(int((district_state == state).sum())):
            turn, region = divmod(number, len(regions))
            first = regions[region] * 1000 + 1 + turn * 4 * _TOWNS_PER_DISTRICT
            pins.append(first + 4 * np.arange(_TOWNS_PER_DISTRICT))
    order = np.argsort(np.argsort(district_state, kind="stable"), kind="stable")
    return np.array(pins)[order].ravel()


def _name_houses() -> list[str]:
    """House numbers as people write them."""
    plain = [str(n) for n in range(1, 401)]
    split = [f"{n}/{k}" for n in range(1, 121) for k in range(1, 6)]
    lettered = [f"{letter}-{n}" for letter in "ABCDE" for n in range(1, 61)]
    worded = [f"H No {n}" for n in range(1, 301)] + [
        f"Flat {n}0{k}" for n in range(1, 10) for k in range(1, 7)
    ]
    return plain + split + lettered + worded
