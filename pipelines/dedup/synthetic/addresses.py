"""Addresses drawn from the map: state by population, then town, locality, street and house."""

import numpy as np

from pipelines.dedup.synthetic.gazetteer import Gazetteer, find_pin_codes, spread
from pipelines.dedup.synthetic.streams import I64

ADDRESS_FIELDS = ("house", "street", "locality", "town", "state", "pincode")

Columns = dict[str, I64]


def draw_states(rng: np.random.Generator, gazetteer: Gazetteer, count: int) -> I64:
    """States by population share."""
    return np.searchsorted(np.cumsum(gazetteer.state_share)[:-1], rng.random(count), "right")


def draw_other_states(rng: np.random.Generator, gazetteer: Gazetteer, states: I64) -> I64:
    """For each state another one, by population share among the others."""
    edges = np.append(0, np.cumsum(gazetteer.state_share))
    own = gazetteer.state_share[states]
    point = rng.random(len(states)) * (1 - own)
    point = np.where(point < edges[states], point, point + own)
    found = np.searchsorted(edges[1:-1], point, "right")
    return np.where(found == states, (states + 1) % len(gazetteer.states), found)


def draw_communities(rng: np.random.Generator, gazetteer: Gazetteer, states: I64) -> I64:
    """Community of a household by its state."""
    pools = len(gazetteer.communities) // len(gazetteer.states)
    found = np.searchsorted(gazetteer.communities, states + rng.random(len(states)), "right")
    return found - pools * states


def draw_addresses(rng: np.random.Generator, gazetteer: Gazetteer, states: I64) -> Columns:
    """One address per state given; PIN code as a number, everything else as a table index."""
    count = len(states)
    at = np.searchsorted(gazetteer.towns_of, states + rng.random(count), "right")
    town = gazetteer.town_at[at]
    place_rank = np.searchsorted(gazetteer.place_weights[:-1], rng.random(count), "right")
    road_rank = np.searchsorted(gazetteer.road_weights[:-1], rng.random(count), "right")
    zone = gazetteer.zone[states]
    locality = _pick(gazetteer.places, zone, spread(town), place_rank)
    return {
        "house": rng.integers(0, len(gazetteer.houses), count),
        "street": _pick(gazetteer.roads, zone, spread(town * 1000 + locality), road_rank),
        "locality": locality,
        "town": town,
        "state": states,
        "pincode": find_pin_codes(gazetteer.town_pin[town], place_rank),
    }


def _pick(lists: tuple[I64, ...], zone: I64, start: I64, rank: I64) -> I64:
    """Member of a zone's list: `rank` steps on from a start that is the town's own."""
    found = np.empty(len(zone), dtype=np.int64)
    for number, members in enumerate(lists):
        here = zone == number
        found[here] = members[(start[here] + rank[here]) % len(members)]
    return found
