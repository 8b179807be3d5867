"""JSON data of the two interactive parts: the waterfall of a pair and the explorer of a cluster.

Only here a clear value can enter the page: `shown` takes the masked one unless data is public.
"""

import math
from collections.abc import Sequence
from typing import Any

from pipelines.dedup.decide import REASON_TEXT, Reason
from pipelines.dedup.report import graph
from pipelines.dedup.report.data import (
    BANDS,
    ClusterEdge,
    ClusterGraph,
    DedupReport,
    Evidence,
    FieldValue,
    PairExplanation,
    RecordView,
)

PREFIX = {"clamp": "limit: ", "frequency": "rarity: "}


def shown(value: FieldValue, is_public: bool) -> str:
    """Return the clear value of public data, else the masked one as the job made it."""
    return value.clear if is_public and value.clear is not None else value.masked


def show_record(record: RecordView, is_public: bool) -> dict[str, Any]:
    """Return {token, fields: {name: text}} in the order of the record."""
    return {
        "token": record.token,
        "fields": {value.name: shown(value, is_public) for value in record.fields},
    }


def stack_steps(
    evidence: Sequence[Evidence], score_bits: float, tolerance: float = 0.01
) -> list[dict[str, Any]]:
    """Return the bars of a waterfall: name, kind, level, bits, start and end; the total is last.

    Where the evidence does not add up to the score, a step says so instead of hiding the rest.
    """
    rest = score_bits - sum(step.bits for step in evidence)
    steps = list(evidence)
    if abs(rest) > tolerance:
        steps.append(Evidence("not itemised", "clamp", rest))
    bars, end = [], 0.0
    for step in steps:
        start, end = end, end + step.bits
        bars.append(_bar(PREFIX.get(step.kind, "") + step.name, step, start, end))
    bars.append(_bar("total", Evidence("total", "prior", score_bits), 0.0, score_bits))
    bars[-1]["kind"] = "total"
    return bars


def _bar(label: str, step: Evidence, start: float, end: float) -> dict[str, Any]:
    return {
        "label": label.replace("_", " "),
        "name": step.name,
        "kind": step.kind,
        "level": step.level,
        "bits": round(step.bits, 3),
        "start": round(start, 3),
        "end": round(end, 3),
    }


def pairs_payload(data: DedupReport) -> list[dict[str, Any]]:
    """Return up to `max_pairs` pairs of each band, the strongest first."""
    chosen: list[PairExplanation] = []
    for band in BANDS:
        of_band = [pair for pair in data.pairs if pair.band == band]
        strongest = sorted(of_band[: data.max_pairs], key=lambda pair: -pair.score_bits)
        chosen.extend(strongest)
    return [_show_pair(pair, data.is_public) for pair in chosen]


def _show_pair(pair: PairExplanation, is_public: bool) -> dict[str, Any]:
    return {
        "band": pair.band,
        "score": round(pair.score_bits, 3),
        "posterior": pair.posterior,
        "reasons": [_say_reason(name) for name in pair.reasons],
        "left": show_record(pair.left, is_public),
        "right": show_record(pair.right, is_public),
        "steps": stack_steps(pair.evidence, pair.score_bits),
    }


def _say_reason(name: str) -> str:
    return REASON_TEXT[Reason[name]] if name in Reason.__members__ else name


def clusters_payload(data: DedupReport) -> list[dict[str, Any]]:
    """Return up to `max_clusters` clusters, the largest first, each with its drawing."""
    largest = sorted(data.clusters, key=lambda one: (-len(one.members), one.cluster_id))
    chosen = largest[: data.max_clusters]
    return [_show_cluster(one, data.is_public, data.max_members) for one in chosen]


def _show_cluster(cluster: ClusterGraph, is_public: bool, max_members: int) -> dict[str, Any]:
    members = cluster.members[:max_members]
    kept = [edge for edge in cluster.edges if max(edge.a, edge.b) < len(members)]
    edges = [(edge.a, edge.b, _strength(edge)) for edge in kept]
    tree = set(graph.spanning_tree(len(members), edges))
    bridge = graph.weakest_bridge(len(members), edges)
    return {
        "id": cluster.cluster_id,
        "size": len(cluster.members),
        "density": round(graph.density(len(cluster.members), len(cluster.edges)), 3),
        "places": graph.place_nodes(len(members), edges).tolist(),
        "members": [show_record(member, is_public) for member in members],
        "edges": [_show_edge(edge, at in tree, at == bridge) for at, edge in enumerate(kept)],
    }


def _strength(edge: ClusterEdge) -> float:
    """A pair joined by a reviewer without a score is stronger than any score."""
    return math.inf if math.isnan(edge.score_bits) else edge.score_bits


def _show_edge(edge: ClusterEdge, is_tree: bool, is_bridge: bool) -> dict[str, Any]:
    return {
        "a": edge.a,
        "b": edge.b,
        "bits": None if math.isnan(edge.score_bits) else round(edge.score_bits, 3),
        "posterior": None if math.isnan(edge.score_bits) else edge.posterior,
        "tree": is_tree,
        "bridge": is_bridge,
        "steps": stack_steps(edge.evidence, edge.score_bits) if edge.evidence else [],
    }
