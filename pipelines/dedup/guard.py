"""Chain guard: one wrong edge must not make one person of two.

Three cuts, repeated until none applies, because every cut can expose another: a weak bridge whose
two sides do not look alike (`crossing.py`), a component that is too large, and two records that a
reviewer keeps apart (`partings.py`). Every order of the input edges gives the same cuts.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from pipelines.core.errors import SangamError
from pipelines.dedup.bridges import walk_graph
from pipelines.dedup.components import component_numbers
from pipelines.dedup.crossing import CrossScores, PairScorer, crossing_medians
from pipelines.dedup.partings import check_decisions, oversize_edges, part_pairs

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

CUT_FIELDS = np.dtype(
    [("edge", np.int64), ("reason", "U16"), ("median_bits", np.float64), ("component", np.int64)]
)


class CutReason(StrEnum):
    """Why a match edge goes to review instead of joining two records."""

    WEAK_BRIDGE = "WEAK_BRIDGE"
    OVERSIZE = "OVERSIZE"
    CANNOT_LINK = "CANNOT_LINK"


@dataclass(frozen=True)
class Edges:
    """Match edges, every pair once and `node_a < node_b`.

    Attributes:
        node_a: smaller node id.
        node_b: larger node id.
        bits: score; may be NaN where `is_must`.
        is_must: a reviewer said SAME; never cut.
        is_exact: star edge between records of equal content; cut by a reviewer only, and equal
            records count once towards the largest size.
    """

    node_a: I64
    node_b: I64
    bits: F64
    is_must: Bool
    is_exact: Bool


@dataclass(frozen=True)
class GuardSettings:
    """Limits of the guard, in bits, or in score units for the profiles v1 and v2.

    Attributes:
        match_bits: score from which an edge is a match.
        seed: seed of the cross pairs picked.
        margin_bits: a bridge below `match_bits` + this is weak.
        keep_bits: a weak bridge stays when the median over its cross pairs reaches this.
        max_size: larger components are re-thresholded.
        step_bits: step of the re-threshold.
        max_cross_pairs: most cross pairs per bridge, the bridge included.
    """

    match_bits: float
    seed: int
    margin_bits: float = 3.0
    keep_bits: float = 0.0
    max_size: int = 25
    step_bits: float = 2.0
    max_cross_pairs: int = 2000


@dataclass(frozen=True)
class GuardResult:
    """What the guard decided.

    Attributes:
        keep: one flag per input edge.
        cut: rows of `CUT_FIELDS` in the order of cutting: `edge` is the input position,
            `median_bits` is NaN unless WEAK_BRIDGE, `component` is the smallest node of the
            component before any cut.
    """

    keep: Bool
    cut: npt.NDArray[np.void]


class _Graph:
    """Edges of the suspicious components in canonical order, and which of them are still there."""

    def __init__(self, edges: Edges, index: I64, home: I64) -> None:
        ends = np.concatenate([edges.node_a[index], edges.node_b[index]])
        self.nodes, slots = np.unique(ends, return_inverse=True)
        self.a, self.b = slots[: len(index)], slots[len(index) :]
        self.bits, self.is_must = edges.bits[index], edges.is_must[index]
        self.is_exact = edges.is_exact[index] & ~self.is_must
        self.is_free = ~(self.is_must | self.is_exact)
        self.index, self.home = index, home
        self.alive = np.ones(len(index), dtype=np.bool_)
        self.cuts = [np.empty(0, dtype=CUT_FIELDS)]

    def cut(self, rows: I64, reason: CutReason, medians: F64 | float = np.nan) -> None:
        """Remove edges and log why."""
        log = np.empty(len(rows), dtype=CUT_FIELDS)
        log["edge"], log["component"] = self.index[rows], self.home[rows]
        log["reason"], log["median_bits"] = reason, medians
        self.alive[rows] = False
        self.cuts.append(log)


def guard_components(
    edges: Edges, cannot_links: I64, score_pairs: PairScorer, settings: GuardSettings
) -> GuardResult:
    """Cut the edges that should not join records.

    Args:
        edges: match edges and must-links, in any order.
        cannot_links: m x 2 node ids that a reviewer keeps apart.
        score_pairs: called once per round with all cross pairs that have no score yet.
        settings: limits.

    Returns:
        The edges to keep and the log of cuts.

    Raises:
        DecisionConflict: must-links join the two ends of a cannot-link.
        SangamError: a pair occurs twice, is not oriented or has no score.
    """
    order = np.lexsort((edges.node_b, edges.node_a))
    _check(edges, order)
    index, home = _select_suspects(edges, order, cannot_links, settings)
    graph = _Graph(edges, index, home)
    links = _known_links(graph.nodes, cannot_links)
    check_decisions(graph.nodes, graph.a[graph.is_must], graph.b[graph.is_must], links)
    scores, scored = CrossScores(graph.nodes, score_pairs), ~graph.is_must
    scores.learn(graph.a[scored], graph.b[scored], graph.bits[scored])
    left = -1
    while left != (left := int(graph.alive.sum())):
        while _cut_weak_bridges(graph, scores, settings):
            pass
        _cut_oversize(graph, settings)
        _cut_cannot_links(graph, links)
    keep = np.ones(len(order), dtype=np.bool_)
    keep[graph.index[~graph.alive]] = False
    return GuardResult(keep, np.concatenate(graph.cuts))


def _check(edges: Edges, order: I64) -> None:
    a, b = edges.node_a[order], edges.node_b[order]
    if np.any(a >= b):
        raise SangamError("guard: an edge has node_a >= node_b; orient the pairs first")
    if np.any((a[1:] == a[:-1]) & (b[1:] == b[:-1])):
        raise SangamError("guard: a pair occurs twice among the match edges; make pairs distinct")
    if not np.all(np.isfinite(edges.bits[~edges.is_must])):
        raise SangamError("guard: a match edge has no finite score; score it or mark it must-link")


def _known_links(nodes: I64, cannot_links: I64) -> I64:
    """Cannot-links as indexes into `nodes`, distinct and sorted; others concern no edge."""
    links = np.unique(np.sort(cannot_links.reshape(-1, 2), axis=1), axis=0)
    if len(nodes) == 0 or len(links) == 0:
        return np.empty((0, 2), dtype=np.int64)
    slot = np.minimum(np.searchsorted(nodes, links), len(nodes) - 1)
    known: I64 = slot[(nodes[slot] == links).all(axis=1)]
    return known


def _select_suspects(
    edges: Edges, order: I64, cannot_links: I64, settings: GuardSettings
) -> tuple[I64, I64]:
    """Edges of the components that a cut could concern: weak edge, too large, or decided.

    Returns:
        Positions in canonical order, and the smallest node of the component of each.
    """
    nodes, slots = np.unique(np.concatenate([edges.node_a, edges.node_b]), return_inverse=True)
    a = slots[: len(order)]
    numbers = component_numbers(len(nodes), a, slots[len(order) :])
    _, first, size = np.unique(numbers, return_index=True, return_counts=True)
    weak = (edges.bits < settings.match_bits + settings.margin_bits) & ~edges.is_must
    has_weak = np.bincount(numbers[a[weak]], minlength=len(size)) > 0
    links = numbers[_known_links(nodes, cannot_links)]
    inside = links[links[:, 0] == links[:, 1], 0]
    is_suspect = ((size >= 4) & has_weak) | (size > settings.max_size)  # a bridge with 2 + 2 nodes
    is_suspect[inside] = True
    index = order[is_suspect[numbers[a[order]]]]
    return index, nodes[first[numbers[a[index]]]]


def _cut_weak_bridges(graph: _Graph, scores: CrossScores, settings: GuardSettings) -> bool:
    """Cut weak bridges between sides that do not look alike; False when there was none.

    Of several in one component only the worse half (at least one) goes, the others are looked at
    again: beyond a wrong bridge everything looks wrong.
    """
    rows = np.flatnonzero(graph.alive)
    a, b = graph.a[rows], graph.b[rows]
    walk = walk_graph(len(graph.nodes), a, b)
    inner = walk.span[walk.below]
    outer = walk.span[walk.start[walk.below]] - inner
    weak = graph.is_free[rows] & (graph.bits[rows] < settings.match_bits + settings.margin_bits)
    weak &= (walk.below >= 0) & (inner >= 2) & (outer >= 2)
    bridges = np.flatnonzero(weak)
    component = walk.start[walk.below[bridges]]
    # A long chain of weak bridges shares the effort of one full component.
    share = settings.max_cross_pairs * settings.max_size // np.bincount(component)[component]
    limit = np.clip(share, 1, settings.max_cross_pairs)
    medians = crossing_medians(walk, a, b, bridges, limit, scores, settings.seed)
    bad = np.flatnonzero(medians < settings.keep_bits)
    bad = bad[np.lexsort((graph.bits[rows[bridges[bad]]], medians[bad], component[bad]))]
    _, first, count = np.unique(component[bad], return_index=True, return_counts=True)
    rank = np.arange(len(bad)) - np.repeat(first, count)
    worse = bad[rank < np.repeat(np.maximum(count // 2, 1), count)]
    graph.cut(rows[bridges[worse]], CutReason.WEAK_BRIDGE, medians[worse])
    return len(worse) > 0


def _cut_oversize(graph: _Graph, settings: GuardSettings) -> None:
    limits = (settings.max_size, settings.match_bits, settings.step_bits)
    while True:
        rows = np.flatnonzero(graph.alive)
        edges = (graph.a[rows], graph.b[rows], graph.bits[rows])
        cut = oversize_edges(edges, graph.is_free[rows], graph.is_exact[rows], limits)
        if not cut.any():
            return
        graph.cut(rows[cut], CutReason.OVERSIZE)


def _cut_cannot_links(graph: _Graph, links: I64) -> None:
    """Cut the edge between the two itself, then the weakest edge of every path that remains."""
    n = len(graph.nodes)
    direct = np.isin(graph.a * n + graph.b, links[:, 0] * n + links[:, 1])
    graph.cut(np.flatnonzero(direct & graph.alive), CutReason.CANNOT_LINK)
    rows = np.flatnonzero(graph.alive)
    strength = np.where(graph.is_must[rows], np.inf, graph.bits[rows])
    cut = part_pairs(graph.a[rows], graph.b[rows], strength, links)
    graph.cut(rows[cut], CutReason.CANNOT_LINK)
