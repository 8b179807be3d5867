"""Transform: from match edges to guarded clusters, golden records and the review queue."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from pipelines.core.packed import Records, column
from pipelines.dedup.attributes import RecordStore
from pipelines.dedup.bridges import component_stats
from pipelines.dedup.clusters import assign_clusters
from pipelines.dedup.components import label_components, spread_labels
from pipelines.dedup.config import DedupConfig
from pipelines.dedup.decide import Band, Reason
from pipelines.dedup.decisions import decision_nodes
from pipelines.dedup.golden import golden_records, pack_golden
from pipelines.dedup.guard import Edges, GuardSettings, guard_components
from pipelines.dedup.known_clusters import changed_rows, describe
from pipelines.dedup.mapping import Mapping
from pipelines.dedup.pairs import IDENTICAL
from pipelines.dedup.reviews import mask_evidence
from pipelines.dedup.score import bits_of, posterior
from pipelines.dedup.survival import rules_from_comparators
from pipelines.dedup.touched import CUT, Before, touched_part

REASON_NAMES = np.array([reason.name for reason in Reason])

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
Scorer = Callable[[I64, I64], F64]


@dataclass(frozen=True)
class Resolution:
    """Clusters of the register.

    Attributes:
        clusters: one row per record, as `assign_clusters`; of an increment, those of the clusters
            that it changed.
        rows: their rows of the store.
        labels: component of each row of the store.
        known: label and figures of each row of the store, see `known_clusters`.
        guarded: match edges that the guard has cut, array of `CUT`.
        links: kept match edges of these clusters: token_a, token_b, score_bits, rule.
        cuts: `guarded`, same columns.
        reviews: pairs for the queue: token_a, token_b, score_bits, posterior, reasons, evidence.
    """

    clusters: pd.DataFrame
    rows: I64
    labels: I64
    known: Records
    guarded: Records
    links: pd.DataFrame
    cuts: pd.DataFrame
    reviews: pa.Table


def resolve(
    edges: Records, store: RecordStore, mapping: Mapping, decisions: pa.Table, score: Scorer,
    config: DedupConfig, before: Before | None = None,
) -> Resolution:  # fmt: skip
    """Cluster the match edges under the guard and list what a person must look at.

    Args:
        edges: edges of band REVIEW and MATCH, array of `EDGE`.
        store: the records.
        mapping: compared fields.
        decisions: decisions that hold.
        score: scores any pairs, bits.
        config: guard settings and thresholds.
        before: of an increment, what it goes on from.
    """
    matches = _with_decided(edges[edges["band"] == Band.MATCH], store, decisions)
    rows, matches = touched_part(matches, store, None if before is None else before.seeds)
    kept, cuts = _guard(matches, decisions, score, config)
    a, b = column(kept, "a"), column(kept, "b")
    nodes = np.asarray(store.nodes)[rows]
    labels = spread_labels(nodes, *label_components(a, b))
    stats = component_stats(a, b, column(kept, "bits"))
    known = describe(nodes, labels, stats)
    if before is not None:
        changed = changed_rows(before.known[rows], known)
        now = before.with_rows(rows, known, cuts, np.asarray(store.nodes))
        known, cuts, rows, labels = now.known, now.cuts, rows[changed], labels[changed]
        kept = kept[np.isin(store.rows_of(a), rows)]
    tokens = store.tokens.take(pa.array(rows)).to_numpy(zero_copy_only=False)
    clusters = assign_clusters(
        np.asarray(store.nodes)[rows], labels, np.asarray(store.enrolled_us)[rows], tokens, stats
    )
    rules = REASON_NAMES[kept["reason"]]
    reviewed = edges[edges["band"] == Band.REVIEW]
    reasons = np.append(REASON_NAMES[reviewed["reason"]], cuts["reason"])
    return Resolution(
        clusters,
        rows,
        column(known, "label"),
        known,
        cuts,
        _edge_frame(kept, np.where(rules == "SCORE", "MATCH", rules), store),
        _edge_frame(cuts["edge"], cuts["reason"], store),
        _reviews(np.append(reviewed, cuts["edge"]), reasons, store, mapping),
    )


def _guard(
    matches: Records, decisions: pa.Table, score: Scorer, config: DedupConfig
) -> tuple[Records, Records]:
    """Match edges that the guard keeps, and those that it cuts, an array of `CUT`."""
    guarded = guard_components(
        _guarded_edges(matches), _cannot_links(decisions), score, guard_settings(config)
    )
    cuts = np.empty(len(guarded.cut), dtype=CUT)
    cuts["edge"], cuts["reason"] = matches[guarded.cut["edge"]], guarded.cut["reason"]
    return matches[guarded.keep], cuts


def _guarded_edges(matches: Records) -> Edges:
    return Edges(
        column(matches, "a"),
        column(matches, "b"),
        column(matches, "bits"),
        matches["reason"] == Reason.REVIEWER_SAME,
        matches["families"] >> np.uint32(IDENTICAL) & np.uint32(1) == 1,
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
    if not len(pairs):
        return matches
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


def build_golden(resolution: Resolution, store: RecordStore, mapping: Mapping) -> pa.Table:
    """Golden records of the clusters with two members or more."""
    is_member = resolution.clusters["size"].to_numpy() > 1
    rows = resolution.rows[is_member]
    members = field_values(store, mapping, rows)
    ids = resolution.clusters["cluster_id"].to_numpy()[is_member]
    keys = {
        "cluster_id": pa.array(ids, pa.string()),
        "record_token": store.tokens.take(pa.array(rows)).cast(pa.string()),
        "enrolled_at": pa.array(np.asarray(store.enrolled_us)[rows], pa.timestamp("us", "UTC")),
    }
    table = pa.table({**keys, **{name: members[name] for name in members.column_names}})
    comparators = {name: spec.comparator for name, spec in mapping.fields.items()}
    groups = {name: spec.group for name, spec in mapping.fields.items() if spec.group}
    rules = rules_from_comparators(comparators, groups)
    return pack_golden(golden_records(table, rules), list(comparators))
