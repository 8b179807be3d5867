"""Cuts that need no look at the records: components too large, and pairs a reviewer keeps apart."""

from itertools import pairwise

import numba as nb
import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix, csgraph

from pipelines.core.errors import ConfigError
from pipelines.dedup.components import component_numbers, find_root

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]


class DecisionConflict(ConfigError):
    """A pair is kept apart by one decision and joined by a chain of others.

    Attributes:
        cannot_link: the two node ids kept apart.
        must_links: the chain of pairs that joins them.
    """

    def __init__(self, cannot_link: tuple[int, int], must_links: list[tuple[int, int]]) -> None:
        """Name both sides of the contradiction."""
        self.cannot_link, self.must_links = cannot_link, must_links
        chain = ", ".join(f"{a} - {b}" for a, b in must_links)
        super().__init__(
            f"decisions: DIFFERENT for {cannot_link[0]} - {cannot_link[1]} contradicts SAME for "
            f"{chain}; withdraw one of them"
        )


def check_decisions(nodes: I64, must_a: I64, must_b: I64, cannot_links: I64) -> None:
    """Refuse a cannot-link between records that must-links join.

    Args:
        nodes: node ids; the other arguments are indexes into them.
        must_a: one end of each must-link.
        must_b: the other end.
        cannot_links: m x 2.

    Raises:
        DecisionConflict: for the first such pair, with the shortest chain.
    """
    numbers = component_numbers(len(nodes), must_a, must_b)
    broken = cannot_links[numbers[cannot_links[:, 0]] == numbers[cannot_links[:, 1]]]
    if len(broken) == 0:
        return
    x, y = (int(end) for end in broken[0])
    shape = (len(nodes), len(nodes))
    graph = coo_matrix((np.ones(len(must_a)), (must_a, must_b)), shape=shape).tocsr()
    came_from = csgraph.breadth_first_order(graph, x, directed=False)[1]
    chain = [y]
    while chain[-1] != x:
        chain.append(int(came_from[chain[-1]]))
    ids = [int(nodes[node]) for node in reversed(chain)]
    raise DecisionConflict(
        (int(nodes[x]), int(nodes[y])),
        [(min(pair), max(pair)) for pair in pairwise(ids)],
    )


def oversize_edges(
    edges: tuple[I64, I64, F64],
    is_free: Bool,
    is_exact: Bool,
    limits: tuple[int, float, float],
) -> Bool:
    """Edges below the next threshold of their component, where that is too large.

    The threshold rises in whole steps from the match threshold, over steps that would cut nothing.

    Args:
        edges: `(a, b, bits)`, nodes as small integers.
        is_free: edges that may be cut.
        is_exact: star edges between equal records, which count once.
        limits: `(max_size, match_bits, step_bits)`.

    Returns:
        One flag per edge; no flag means that every component fits or nothing is left to cut.
    """
    (a, b, bits), (max_size, match_bits, step_bits) = edges, limits
    numbers = component_numbers(int(b.max(initial=-1)) + 1, a, b)
    home = numbers[a]
    count = int(numbers.max(initial=-1)) + 1
    size = np.bincount(numbers, minlength=count) - np.bincount(home[is_exact], minlength=count)
    least = np.full(count, np.inf)
    np.minimum.at(least, home[is_free], bits[is_free])
    steps = np.maximum(np.floor((least - match_bits) / step_bits) + 1, 1)
    threshold = np.maximum(match_bits + steps * step_bits, np.nextafter(least, np.inf))
    is_large = (size > max_size) & np.isfinite(least)
    flags: Bool = is_free & is_large[home] & (bits < threshold[home])
    return flags


@nb.njit(cache=True, nogil=True)
def _refuse(n: int, a: I64, b: I64, home: I64, links: I64, offsets: I64) -> Bool:
    parent = np.arange(n)
    refused = np.zeros(a.size, dtype=np.bool_)
    for e in range(a.size):
        u, v = find_root(parent, a[e]), find_root(parent, b[e])
        if u == v:
            continue
        for k in range(offsets[home[e]], offsets[home[e] + 1]):
            x, y = find_root(parent, links[k, 0]), find_root(parent, links[k, 1])
            if (x == u and y == v) or (x == v and y == u):
                refused[e] = True
                break
        if not refused[e]:
            parent[u] = v
    return refused


def part_pairs(a: I64, b: I64, strength: F64, links: I64) -> I64:
    """Least edges whose loss parts every linked pair.

    Edges are joined from strong to weak; the one that would bring a linked pair together is the
    weakest edge of the strongest path between the two, and is left out (Kruskal 1956). All links
    are served in one pass, so their order does not matter.

    Args:
        a: smaller end of each edge, as a small integer.
        b: larger end.
        strength: bits, infinite for must-links.
        links: m x 2 pairs to part; none may be joined by must-links.

    Returns:
        Positions of the edges to cut, strongest first.
    """
    n = int(max(b.max(initial=-1), links.max(initial=-1))) + 1
    numbers = component_numbers(n, a, b)
    by_home = links[np.argsort(numbers[links[:, 0]], kind="stable")]
    by_home = by_home[numbers[by_home[:, 0]] == numbers[by_home[:, 1]]]
    count = np.bincount(numbers[by_home[:, 0]], minlength=int(numbers.max(initial=-1)) + 1)
    offsets = np.concatenate([[0], np.cumsum(count)])
    rows = np.flatnonzero(count[numbers[a]] > 0)
    rows = rows[np.lexsort((-b[rows], -a[rows], -strength[rows]))]
    refused = _refuse(n, a[rows], b[rows], numbers[a[rows]], by_home, offsets)
    cut: I64 = rows[refused]
    return cut
