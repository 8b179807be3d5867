"""Small graphs for the cluster explorer: spanning tree, weakest bridge, density, and a drawing.

Nodes are 0..n-1 and edges (a, b, bits). Clusters have tens of members, so plain loops will do.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipelines.dedup.bridges import walk_graph

Edge = tuple[int, int, float]


def _find(parents: list[int], node: int) -> int:
    while parents[node] != node:
        parents[node] = parents[parents[node]]
        node = parents[node]
    return node


def spanning_tree(size: int, edges: Sequence[Edge]) -> list[int]:
    """Return the places of the edges of the heaviest spanning tree (Kruskal).

    The way between two nodes in this tree is the strongest path: none has a heavier weakest edge.
    """
    parents = list(range(size))
    chosen = []
    for place in sorted(range(len(edges)), key=lambda i: (-edges[i][2], edges[i][:2])):
        a, b = _find(parents, edges[place][0]), _find(parents, edges[place][1])
        if a != b:
            parents[a] = b
            chosen.append(place)
    return sorted(chosen)


def weakest_bridge(size: int, edges: Sequence[Edge]) -> int | None:
    """Return the place of the lightest edge whose loss parts the cluster; None without a bridge."""
    ends = np.array([edge[:2] for edge in edges], dtype=np.int64).reshape(-1, 2)
    below = walk_graph(size, ends[:, 0].copy(), ends[:, 1].copy()).below
    bridges = [int(place) for place in np.flatnonzero(below >= 0)]
    return min(bridges, key=lambda place: (edges[place][2], place), default=None)


def density(size: int, edges: int) -> float:
    """Return the number of edges as a share of all pairs of members; 1 for a clique."""
    return edges / (size * (size - 1) / 2) if size > 1 else 1.0


def place_nodes(size: int, edges: Sequence[Edge], rounds: int = 150) -> npt.NDArray[np.float64]:
    """Return (size, 2) places in -1..1 such that distances on paper follow steps in the graph.

    Stress majorisation (Gansner, Koren and North 2004), started on a circle: the same drawing each
    time.
    """
    if size < 3:
        return np.array([[-0.8, 0.0], [0.8, 0.0]])[:size]
    steps = _count_steps(size, edges)
    pull = 1.0 / np.where(steps > 0, steps, 1.0) ** 2
    np.fill_diagonal(pull, 0.0)
    laplacian = np.diag(pull.sum(axis=1)) - pull
    inverse = np.linalg.pinv(laplacian)
    places = np.exp(2j * np.pi * np.arange(size) / size)
    for _ in range(rounds):
        gaps = np.abs(places[:, None] - places)
        ratio = pull * steps / np.where(gaps > 1e-9, gaps, 1.0)
        places = inverse @ (ratio.sum(axis=1) * places - ratio @ places)
    places = np.column_stack([places.real, places.imag])
    return _fit_square(places)


def _count_steps(size: int, edges: Sequence[Edge]) -> npt.NDArray[np.float64]:
    steps = np.full((size, size), np.inf)
    np.fill_diagonal(steps, 0.0)
    for a, b, _ in edges:
        steps[a, b] = steps[b, a] = 1.0
    for middle in range(size):
        steps = np.minimum(steps, steps[:, middle, None] + steps[None, middle])
    far = float(steps[np.isfinite(steps)].max()) + 1.0
    return np.where(np.isfinite(steps), steps, far)


def _fit_square(places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    centred = places - places.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    turned = centred @ axes.T
    spread = np.maximum(np.abs(turned).max(axis=0), 1e-9)
    scale = np.array([1.0 / spread[0], 1.0 / max(spread[1], 0.55 * spread[0])])
    fitted: npt.NDArray[np.float64] = np.round(turned * scale, 4)
    return fitted
