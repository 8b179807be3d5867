"""The offline optimum: the most that any allocation could have done, knowing all requests ahead.

Stations are nodes; every berth is a unit that flows from the first to the last station, either
empty (cost 0) or with a passenger (an arc from boarding to leaving, cost -1 or minus the segments).
The cheapest flow seats as much as possible (Carlisle, Lloyd 1995). Quotas, caps and groups are left
out, so it is an upper bound. Successive shortest paths with potentials; path costs only rise, so
the search ends at the first path that gains nothing.
"""

import numba as nb
import numpy as np

from pipelines.seats.codes import I64, Int

_INFINITE = 1 << 40


@nb.njit(cache=True, nogil=True)
def most_seated(demand: I64, capacity: Int, by_distance: bool) -> Int:
    """Passengers, or berth-segments, of the best allocation.

    Args:
        demand: passengers from station a to station b, int64 [stations, stations], zero unless
            a < b.
        capacity: berths on each segment.
        by_distance: count berth-segments instead of passengers.
    """
    stations = len(demand)
    left, seated, empty = demand.copy(), np.zeros_like(demand), np.zeros(stations, dtype=np.int64)
    potential = _first_potential(demand, by_distance)
    gained: Int = 0
    units = capacity
    parent = np.empty(stations, dtype=np.int64)
    while units > 0:
        reached = _shortest(left, seated, empty, potential, parent, by_distance)
        for s in range(stations):
            potential[s] += min(reached[s], reached[stations - 1])
        cost = potential[stations - 1] - potential[0]
        if cost >= 0:
            break
        moved = _augment(left, seated, empty, parent, units)
        units -= moved
        gained -= cost * moved
    return gained


@nb.njit(cache=True, nogil=True)
def _gain(a: Int, b: Int, by_distance: bool) -> Int:
    return b - a if by_distance else 1


@nb.njit(cache=True, nogil=True)
def _first_potential(demand: I64, by_distance: bool) -> I64:
    """Shortest distances while nobody sits: every arc leads forwards, one sweep is enough."""
    stations = len(demand)
    distance = np.zeros(stations, dtype=np.int64)
    for b in range(1, stations):
        distance[b] = distance[b - 1]
        for a in range(b):
            if demand[a, b]:
                distance[b] = min(distance[b], distance[a] - _gain(a, b, by_distance))
    return distance


@nb.njit(cache=True, nogil=True)
def _cost(left: I64, seated: I64, empty: I64, a: Int, b: Int, by_distance: bool) -> Int:
    """Cheapest residual arc from a to b; `_INFINITE` if there is none."""
    if a < b:
        if left[a, b]:
            return -_gain(a, b, by_distance)
        return 0 if b == a + 1 else _INFINITE
    if b == a - 1 and empty[b]:
        return 0
    return _gain(b, a, by_distance) if seated[b, a] else _INFINITE


@nb.njit(cache=True, nogil=True)
def _shortest(
    left: I64, seated: I64, empty: I64, potential: I64, parent: I64, by_distance: bool
) -> I64:
    """Dijkstra from station 0 over reduced costs; fills `parent` and returns the distances."""
    stations = len(left)
    distance = np.full(stations, _INFINITE, dtype=np.int64)
    is_done = np.zeros(stations, dtype=np.bool_)
    distance[0] = 0
    for _ in range(stations):
        a = -1
        for s in range(stations):
            if not is_done[s] and (a < 0 or distance[s] < distance[a]):
                a = s
        is_done[a] = True
        for b in range(stations):
            if is_done[b] or a == b:
                continue
            cost = _cost(left, seated, empty, a, b, by_distance)
            if cost < _INFINITE:
                there = distance[a] + cost + potential[a] - potential[b]
                if there < distance[b]:
                    distance[b], parent[b] = there, a
    return distance


@nb.njit(cache=True, nogil=True)
def _augment(left: I64, seated: I64, empty: I64, parent: I64, units: Int) -> Int:
    """Push as much as the path to the last station takes; returns how much."""
    moved = units
    b = len(left) - 1
    while b > 0:
        a = parent[b]
        if a < b:
            moved = min(moved, left[a, b]) if left[a, b] else moved
        else:
            moved = min(moved, empty[b] if b == a - 1 and empty[b] else seated[b, a])
        b = a
    b = len(left) - 1
    while b > 0:
        a = parent[b]
        if a < b and left[a, b]:
            left[a, b] -= moved
            seated[a, b] += moved
        elif a < b:
            empty[a] += moved
        elif b == a - 1 and empty[b]:
            empty[b] -= moved
        else:
            seated[b, a] -= moved
            left[b, a] += moved
        b = a
    return moved
