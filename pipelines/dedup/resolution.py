"""Transform: from match edges to guarded clusters, golden records and the review queue."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from pipelines.core.packed import Records
from pipelines.dedup.attributes import RecordStore
from pipelines.dedup.bridges import component_stats
from pipelines.dedup.clusters import assign_clusters
from pipelines.dedup.components import label_components, spread_labels
from pipelines.dedup.config import DedupConfig
from pipelines.dedup.decide import Band, Reason
from pipelines.dedup.decisions import decision_nodes
from pipelines.dedup.golden import golden_records, pack_golden
from pipelines.dedup.guard import Edges, GuardSettings, guard_components
from pipelines.dedup.mapping import Mapping
from pipelines.dedup.pairs import IDENTICAL
from pipelines.dedup.reviews import mask_evidence
from pipelines.dedup.score import bits_of, posterior
from pipelines.dedup.survival import rules_from_comparators

REASON_NAMES = np.array([reason.name for reason in Reason])

Bool = npt.NDArray[np.bool_]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
Scorer = Callable[[I64, I64], F64]


@dataclass(frozen=True)
class Resolution:
    """Clusters of the register.

    Attributes:
        clusters: one row per record, as `assign_clusters`.
        labels: component of each row of the store.
        links: kept match edges: token_a, token_b, score_bits, rule.
        cuts: match edges the guard cut, same columns.
        reviews: pairs for the queue: token_a, token_b, score_bits, posterior, reasons, evidence.
    """

    clusters: pd.DataFrame
    labels: I64
    links: pd.DataFrame
    cuts: pd.DataFrame
    reviews: pa.Table


def resolve(
    edges: Records, store: RecordStore, mapping: Mapping, decisions: pa.Table, score: Scorer,
    config: DedupConfig,
) -> Resolution:  # fmt: skip
    """Cluster the match edges under the guard and list what a person must look at.

    Args:
        edges: edges of band REVIEW and MATCH, array of `EDGE`.
        store: the records.
        mapping: compared fields.
        decisions: decisions that hold.
        score: scores any pairs, bits.
        config: guard settings and thresholds.
    """
    matches = _with_decided(edges[edges["band"] == Band.MATCH], store, decisions)
    rules = REASON_NAMES[matches["reason"]]
    guarded = guard_components(
        Edges(
            np.ascontiguousarray(matches["a"]),
            np.ascontiguousarray(matches["b"]),
            np.ascontiguousarray(matches["bits"]),
            matches["reason"] == Reason.REVIEWER_SAME,
            matches["families"] >> np.uint32(IDENTICAL) & np.uint32(1) == 1,
        ),
        _cannot_links(decisions),
        score,
        guard_settings(config),
    )
    kept, cut = matches[guarded.keep], matches[guarded.cut["edge"]]
    a, b = np.ascontiguousarray(kept["a"]), np.ascontiguousarray(kept["b"])
    labels = spread_labels(np.asarray(store.nodes), *label_components(a, b))
    tokens = store.tokens.to_numpy(zero_copy_only=False)
    clusters = assign_clusters(
        np.asarray(store.nodes), labels, np.asarray(store.enrolled_us), tokens,
        component_stats(a, b, np.ascontiguousarray(kept["bits"])),
    )  # fmt: skip
    names = np.where(rules == "SCORE", "MATCH", rules)
    reviewed = edges[edges["band"] == Band.REVIEW]
    reasons = np.append(REASON_NAMES[reviewed["reason"]], guarded.cut["reason"])
    return Resolution(
        clusters,
        labels,
        _edge_frame(kept, names[guarded.keep], store),
        _edge_frame(cut, guarded.cut["reason"], store),
        _reviews(np.append(reviewed, cut), reasons, store, mapping),
    )


def guard_settings(config: DedupConfig) -> GuardSettings:
    """Guard settings in the terms of `guard.py`."""
    return GuardSettings(
        match_bits=bits_of(config.score.match_posterior),
        seed=config.seed,
        margin_bits=config.guard.margin,
        max_size=config.guard.max_cluster_size,
        step_bits=config.guard.step,
        max_cross_pairs=config.guard.max_cross_pairs,
    )


def _with_decided(matches: Records, store: RecordStore, decisions: pa.Table) -> Records:
    """Match edges plus the SAME decisions on pairs of this register that were no candidates."""
    same = np.array([answer == "SAME" for answer in decisions["decision"].to_pylist()], dtype=bool)
    pairs = np.sort(decision_nodes(decisions)[same], axis=1)
    pairs = pairs[np.isin(pairs, store.nodes).all(axis=1)]
    known = set(zip(matches["a"].tolist(), matches["b"].tolist(), strict=True))
    extra = [pair for pair in pairs.tolist() if tuple(pair) not in known]
    added = np.zeros(len(extra), dtype=matches.dtype)
    for row, (a, b) in enumerate(extra):
        added[row]["a"], added[row]["b"] = a, b
    added["bits"], added["band"], added["reason"] = np.nan, Band.MATCH, Reason.REVIEWER_SAME
    return np.append(matches, added)


def _cannot_links(decisions: pa.Table) -> I64:
    apart = np.array([d == "DIFFERENT" for d in decisions["decision"].to_pylist()], dtype=bool)
    links: I64 = decision_nodes(decisions)[apart]
    return links


def _tokens(edges: Records, store: RecordStore) -> tuple[pa.Array, pa.Array, npt.NDArray[np.bool_]]:
    """Tokens of both sides in order, and whether a side was exchanged for it."""
    a, b = (store.tokens.take(store.rows_of(edges[side])) for side in ("a", "b"))
    swap = pa.compute.greater(a, b)
    first, second = pa.compute.if_else(swap, b, a), pa.compute.if_else(swap, a, b)
    return first.cast(pa.string()), second.cast(pa.string()), np.asarray(swap)


def _edge_frame(edges: Records, rules: npt.NDArray[np.str_], store: RecordStore) -> pd.DataFrame:
    first, second, _ = _tokens(edges, store)
    return pd.DataFrame(
        {
            "token_a": first.to_numpy(zero_copy_only=False),
            "token_b": second.to_numpy(zero_copy_only=False),
            "score_bits": edges["bits"],
            "rule": rules.astype(object),
        }
    )


def _reviews(
    edges: Records, reasons: npt.NDArray[np.str_], store: RecordStore, mapping: Mapping
) -> pa.Table:
    first, second, swap = _tokens(edges, store)
    left, right = store.rows_of(edges["a"]), store.rows_of(edges["b"])
    sides = [
        field_values(store, mapping, np.where(swap, *pair))
        for pair in ((right, left), (left, right))
    ]
    names = [[reason] if reason != "SCORE" else [] for reason in reasons.tolist()]
    return pa.table(
        {
            "token_a": first,
            "token_b": second,
            "score_bits": edges["bits"],
            "posterior": posterior(edges["bits"]),
            "reasons": pa.array(names, pa.list_(pa.string())),
            "evidence": mask_evidence(*sides),
        }
    )


def field_values(store: RecordStore, mapping: Mapping, rows: I64) -> pa.Table:
    """Normalised values of some rows of the store, one string column per field."""
    columns = {}
    for name in mapping.fields:
        codes = store.attributes.codes[name][rows]
        words = store.attributes.vocabularies[name].words
        columns[name] = words.take(pa.array(codes, mask=codes < 0)).cast(pa.string())
    return pa.table(columns)


def build_golden(
    resolution: Resolution, store: RecordStore, mapping: Mapping, is_wanted: Bool | None = None
) -> pa.Table:
    """Golden records of the clusters with two members or more, or of some of them.

    Args:
        resolution: the clusters.
        store: the records.
        mapping: compared fields.
        is_wanted: records whose clusters are wanted, [records]; None: all.
    """
    is_member = resolution.clusters["size"].to_numpy() > 1
    rows = np.flatnonzero(is_member if is_wanted is None else is_member & is_wanted)
    members = field_values(store, mapping, rows)
    keys = {
        "cluster_id": pa.array(resolution.clusters["cluster_id"].to_numpy()[rows], pa.string()),
        "record_token": store.tokens.take(pa.array(rows)).cast(pa.string()),
        "enrolled_at": pa.array(np.asarray(store.enrolled_us)[rows], pa.timestamp("us", "UTC")),
    }
    table = pa.table({**keys, **{name: members[name] for name in members.column_names}})
    comparators = {name: spec.comparator for name, spec in mapping.fields.items()}
    groups = {name: spec.group for name, spec in mapping.fields.items() if spec.group}
    rules = rules_from_comparators(comparators, groups)
    return pack_golden(golden_records(table, rules), list(comparators))
