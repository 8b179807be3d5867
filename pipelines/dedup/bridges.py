"""Bridges of a graph, and what they say about a component: edges whose loss parts it.

One depth-first walk finds them all (Tarjan 1974): an edge to a child is a bridge when nothing below
the child reaches above it. In the order of the walk the nodes below an edge are one slice, so both
sides of every bridge come for free.
"""

from typing import NamedTuple

import numba as nb
import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.dedup.components import component_numbers

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]


class Walk(NamedTuple):
    """A depth-first walk over a graph with nodes 0..n-1.

    Attributes:
        order: nodes in the order of the walk; a component is one slice.
        below: per edge the place in `order` where the far side of a bridge begins, -1 = no bridge.
        span: per place in `order` the number of nodes below it, itself included.
        start: per place in `order` the place where its component begins.
    """

    order: I64
    below: I64
    span: I64
    start: I64


@nb.njit(cache=True, nogil=True)
def _adjacency(n: int, a: I64, b: I64) -> tuple[I64, I64, I64]:
    """Neighbours of node i are at offsets[i]..offsets[i+1], with the edge that leads there."""
    offsets = np.zeros(n + 1, dtype=np.int64)
    for e in range(a.size):
        offsets[a[e] + 1] += 1
        offsets[b[e] + 1] += 1
    offsets = np.cumsum(offsets)
    free = offsets[:-1].copy()
    neighbour = np.empty(2 * a.size, dtype=np.int64)
    edge = np.empty(2 * a.size, dtype=np.int64)
    for e in range(a.size):
        for u, v in ((a[e], b[e]), (b[e], a[e])):
            neighbour[free[u]] = v
            edge[free[u]] = e
            free[u] += 1
    return offsets, neighbour, edge


@nb.njit(cache=True, nogil=True)
def _walk(n: int, m: int, offsets: I64, neighbour: I64, edge: I64) -> tuple[I64, I64, I64, I64]:
    order, below = np.empty(n, dtype=np.int64), np.full(m, -1, dtype=np.int64)
    span, start = np.ones(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    place, low = np.full(n, -1, dtype=np.int64), np.empty(n, dtype=np.int64)
    came_by, stack = np.full(n, -1, dtype=np.int64), np.empty(n, dtype=np.int64)
    next_edge, seen = offsets[:-1].copy(), 0
    for root in range(n):
        if place[root] >= 0:
            continue
        depth, first = 0, seen
        stack[0], place[root], low[root], order[seen], start[seen] = root, seen, seen, root, first
        seen += 1
        while depth >= 0:
            u = stack[depth]
            if next_edge[u] < offsets[u + 1]:
                v, e = neighbour[next_edge[u]], edge[next_edge[u]]
                next_edge[u] += 1
                if place[v] < 0:
                    depth += 1
                    stack[depth], place[v], low[v], came_by[v] = v, seen, seen, e
                    order[seen], start[seen] = v, first
                    seen += 1
                elif e != came_by[u]:
                    low[u] = min(low[u], place[v])
                continue
            depth -= 1
            if depth >= 0:
                parent = stack[depth]
                low[parent] = min(low[parent], low[u])
                span[place[parent]] += span[place[u]]
                if low[u] == place[u]:
                    below[came_by[u]] = place[u]
    return order, below, span, start


def walk_graph(n: int, a: I64, b: I64) -> Walk:
    """Walk a graph without repeated edges; the cost is linear in nodes and edges.

    Args:
        n: number of nodes.
        a: one end of each edge, 0..n-1.
        b: the other end.
    """
    return Walk(*_walk(n, len(a), *_adjacency(n, a, b)))


def component_stats(node_a: I64, node_b: I64, bits: F64) -> pd.DataFrame:
    """Measure every component of the kept edges.

    Args:
        node_a: one end of each edge, every pair once.
        node_b: the other end.
        bits: score of each edge; NaN (a decision on an unscored pair) is passed over.

    Returns:
        One row per component, ascending: `component` (smallest node), `size`,
        `weakest_bridge_bits` (NaN where no edge is a bridge) and `density` (edges / pairs).
    """
    nodes, index = np.unique(np.concatenate([node_a, node_b]), return_inverse=True)
    a, b = index[: len(node_a)], index[len(node_a) :]
    numbers = component_numbers(len(nodes), a, b)
    _, first, size = np.unique(numbers, return_index=True, return_counts=True)
    links = np.bincount(numbers[a], minlength=len(first))
    is_bridge = (walk_graph(len(nodes), a, b).below >= 0) & ~np.isnan(bits)
    weakest = np.full(len(first), np.inf)
    np.minimum.at(weakest, numbers[a[is_bridge]], bits[is_bridge])
    stats = pd.DataFrame({"component": nodes[first], "size": size.astype(np.int64)})
    stats["weakest_bridge_bits"] = np.where(np.isinf(weakest), np.nan, weakest)
    stats["density"] = links / (size * (size - 1) / 2)
    return stats.sort_values("component", ignore_index=True)
