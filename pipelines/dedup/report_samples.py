"""Sampled pairs and clusters of a finished run, with the evidence behind their scores."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipelines.core.masks import mask_value
from pipelines.core.packed import Records
from pipelines.dedup.comparators import LABELS, radix, unpack_patterns
from pipelines.dedup.decide import Band, Reason
from pipelines.dedup.hashing import splitmix64
from pipelines.dedup.report.data import (
    BANDS,
    ClusterEdge,
    ClusterGraph,
    Evidence,
    EvidenceKind,
    FieldValue,
    PairExplanation,
    RecordView,
)
from pipelines.dedup.resolution import field_values
from pipelines.dedup.score import group_columns, posterior

if TYPE_CHECKING:
    from pipelines.dedup.result import Run

PAIRS_PER_BAND, CLUSTERS = 20, 60


def sample_pairs(edges: Records) -> Records:
    """Up to 20 pairs of each band, picked by hash."""
    order = np.argsort(splitmix64(np.ascontiguousarray(edges["a"] ^ edges["b"]).view(np.uint64)))
    shuffled = edges[order]
    return np.concatenate(
        [shuffled[shuffled["band"] == Band[band]][:PAIRS_PER_BAND] for band in BANDS]
    )


def explain(result: "Run", edge: np.void) -> PairExplanation:
    """A pair with both records and the evidence that adds up to its score."""
    store = result.intake.store
    rows = store.rows_of(np.array([edge["a"], edge["b"]]))
    left, right = (view_record(result, int(row)) for row in rows)
    return PairExplanation(
        left,
        right,
        Band(edge["band"]).name,  # type: ignore[arg-type]
        float(edge["bits"]),
        float(posterior(np.array([edge["bits"]]))[0]),
        evidence_of(result, edge),
        [Reason(edge["reason"]).name] if edge["reason"] else [],
    )


def view_record(result: "Run", row: int) -> RecordView:
    """A record as the report shows it; clear values only of public data."""
    store, mapping = result.intake.store, result.intake.mapping
    values = field_values(store, mapping, np.array([row])).to_pylist()[0]
    return RecordView(
        store.tokens[row].as_py(),
        [
            FieldValue(name, value if result.source.is_public else None, mask_value(value or ""))
            for name, value in values.items()
        ],
    )


def evidence_of(result: "Run", edge: np.void) -> list[Evidence]:
    """Steps of the waterfall: prior, fields, what clamps take, term frequency, captures."""
    weights = result.model.weights
    comparators = weights.comparators
    kind: EvidenceKind
    levels = unpack_patterns(np.array([edge["pattern"]]), comparators, radix(comparators))
    bits = weights.field_bits(levels)[0]
    steps = [Evidence("prior", "prior", weights.prior_bits)]
    for group, columns in group_columns(comparators).items():
        for column in columns:
            level = levels[0, column]
            if level >= 0:
                kind = "biometric" if comparators[column].kind == "capture" else "comparator"
                label = LABELS[comparators[column].kind][level]
                name = words_of(comparators[column].name)
                steps.append(Evidence(name, kind, bits[column], label))
        if group is not None:
            total = bits[columns].sum()
            less = weights.shared_bits(levels, group)[0]
            clamp = float(np.clip(total - less, *weights.limits(group)) - total)
            if abs(clamp) > 1e-6:
                steps.append(Evidence(group, "clamp", clamp))
    if edge["tf"].any():
        steps.append(Evidence("rare or common values", "frequency", float(edge["tf"].sum())))
    context = float(weights.context_bits(levels, edge["tf"][1])[0])
    if context > 0.01:
        steps.append(Evidence("one household or one place", "clamp", -context))
    return steps


def words_of(name: str) -> str:
    """A name of the job in words."""
    return name.replace("_", " ").lower()


def sample_clusters(result: "Run") -> list[ClusterGraph]:
    """The largest clusters, then others picked by id, with their match edges.

    Of an increment, those that it changed.
    """
    clusters = result.resolution.clusters
    shared = clusters[clusters["size"] > 1].drop_duplicates("cluster_id")
    largest = shared.nlargest(CLUSTERS // 3, "size")["cluster_id"]
    others = shared[~shared["cluster_id"].isin(largest)]["cluster_id"].sort_values()
    chosen = [*largest, *others[: CLUSTERS - len(largest)]]
    places = np.flatnonzero(clusters["cluster_id"].isin(chosen))
    rows = result.resolution.rows[places]
    by_token = result.strong_by_token(rows)
    rows_of = pd.Series(rows).groupby(clusters["cluster_id"].to_numpy()[places]).indices
    graphs = []
    for name in chosen:
        members = [view_record(result, int(row)) for row in rows[rows_of[name]]]
        graphs.append(ClusterGraph(name, members, _cluster_edges(result, members, by_token)))
    return graphs


def _cluster_edges(
    result: "Run", members: list[RecordView], by_token: dict[tuple[str, str], np.void]
) -> list[ClusterEdge]:
    edges = []
    for a in range(len(members)):
        for b in range(a + 1, len(members)):
            key = (members[a].token, members[b].token)
            edge = by_token.get(key, by_token.get(key[::-1]))
            if edge is not None and edge["band"] == Band.MATCH:
                chance = float(posterior(np.array([edge["bits"]]))[0])
                evidence = evidence_of(result, edge)
                edges.append(ClusterEdge(a, b, float(edge["bits"]), chance, evidence))
    return edges
