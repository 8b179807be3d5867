"""Scored edges: every compared pair gets a score and one band, likely ones become rows."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from pipelines.core.local_rows import Rows
from pipelines.core.packed import Records, pack, unpack
from pipelines.dedup.attributes import RecordStore, open_store
from pipelines.dedup.candidates import PAIR
from pipelines.dedup.comparators import radix, unpack_patterns
from pipelines.dedup.decide import (
    Band,
    DecideSettings,
    PairEvidence,
    band_posterior,
    decide,
    reason_lists,
)
from pipelines.dedup.decisions import reviewer_codes
from pipelines.dedup.pairs import COMPARED, IDENTICAL, Comparison, compare_records
from pipelines.dedup.score import Weights, bits_of, group_agreement, group_columns, posterior

I8 = npt.NDArray[np.int8]
I64 = npt.NDArray[np.int64]

EDGE = np.dtype(
    [("a", "<i8"), ("b", "<i8"), ("families", "<u4"), ("pattern", "<i8"), ("tf", "<f8", (2,)),
     ("bits", "<f8"), ("band", "i1"), ("reason", "i1")]
)  # fmt: skip


@dataclass(frozen=True)
class Scoring:
    """Everything a task needs to turn compared pairs into edges.

    Attributes:
        comparison: how the pairs were compared.
        weights: the model's weights.
        decide: thresholds and override rules.
        decisions: decisions of reviewers that hold, `DECISION_SCHEMA`.
    """

    comparison: Comparison
    weights: Weights
    decide: DecideSettings
    decisions: pa.Table


def score_stage(compared: Rows, scoring: Scoring) -> Rows:
    """Packed rows of kind `edge` from packed rows of kind `compared`."""
    return compared.mapInArrow(score_task(scoring), compared.schema)


def score_task(scoring: Scoring) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Function of one partition."""

    def emit(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        store = open_store(scoring.comparison.folder)
        for batch in batches:
            yield pack("edge", score_pairs(unpack([batch], COMPARED), store, scoring))

    return emit


def score_pairs(compared: Records, store: RecordStore, scoring: Scoring) -> Records:
    """Score compared pairs; unlikely ones leave, unless decided or of equal content."""
    weights = scoring.weights
    inverse, patterns = pd.factorize(compared["pattern"])
    places = radix(weights.comparators)
    levels = unpack_patterns(patterns, weights.comparators, places)
    floor = bits_of(weights.settings.store_posterior)
    # Household fields that agree on rare values help a relative as much as a match.
    highest = weights.score_bits(levels)[inverse] + _most_tf(scoring)
    nodes = np.ascontiguousarray(compared["a"]), np.ascontiguousarray(compared["b"])
    verdict = reviewer_codes(*nodes, scoring.decisions)
    settled = (verdict > 0) | (compared["families"] >> np.uint32(IDENTICAL) & np.uint32(1) == 1)
    likely = np.flatnonzero((highest >= floor) | settled)
    compared, levels, verdict = compared[likely], levels[inverse[likely]], verdict[likely]
    bits = weights.score_bits(levels, compared["tf"].astype(np.float64))
    band, reason = _decide(compared, levels, bits, verdict, store, scoring)
    edges = np.empty(len(compared), dtype=EDGE)
    for name in ("a", "b", "families", "pattern", "tf"):
        edges[name] = compared[name]
    edges["bits"], edges["band"], edges["reason"] = bits, band, reason
    kept: Records = edges[(bits >= floor) | settled[likely]]
    return kept


def pair_scorer(
    store: RecordStore, scoring: Scoring
) -> Callable[[I64, I64], npt.NDArray[np.float64]]:
    """Score any pairs of nodes on the driver, in bits; the chain guard asks for few."""

    def score(node_a: I64, node_b: I64) -> npt.NDArray[np.float64]:
        pairs = np.zeros(len(node_a), dtype=PAIR)
        pairs["a"], pairs["b"] = np.minimum(node_a, node_b), np.maximum(node_a, node_b)
        return full_scores(compare_records(pairs, store, scoring.comparison), scoring)

    return score


def full_scores(compared: Records, scoring: Scoring) -> npt.NDArray[np.float64]:
    """Score of every compared pair, however unlikely, in bits."""
    comparators = scoring.weights.comparators
    levels = unpack_patterns(compared["pattern"], comparators, radix(comparators))
    return scoring.weights.score_bits(levels, compared["tf"].astype(np.float64))


def _most_tf(scoring: Scoring) -> float:
    tf = scoring.comparison.tf
    return tf.clip * len(scoring.comparison.mapping.fields)


def _decide(
    compared: Records, levels: I8, bits: npt.NDArray[np.float64], verdict: I8,
    store: RecordStore, scoring: Scoring,
) -> tuple[I8, I8]:  # fmt: skip
    comparators = scoring.weights.comparators
    probability = posterior(bits)
    capture_columns = [i for i, c in enumerate(comparators) if c.kind == "capture"]
    captures = scoring.comparison.captures
    quality = np.full((len(compared), len(capture_columns)), -1, dtype=np.int8)
    if captures is not None and store.templates is not None:
        rows = store.rows_of(compared["a"]), store.rows_of(compared["b"])
        quality = captures.quality(store.templates, *rows)
    agrees = np.zeros(len(compared), dtype=bool)
    address = group_columns(comparators).get("address")
    if address:
        _, agrees, _ = group_agreement(comparators, address, levels)
    evidence = PairEvidence(
        levels[:, capture_columns],
        quality,
        {c.name: levels[:, i] for i, c in enumerate(comparators)},
        verdict,
        agrees,
        captures is not None,
    )
    base = band_posterior(probability, scoring.decide)
    base[compared["families"] >> np.uint32(IDENTICAL) & np.uint32(1) == 1] = Band.MATCH
    decision = decide(probability, base, evidence, scoring.decide)
    return decision.band, decision.reason


def edge_rows(
    edges: Records, store: RecordStore, scoring: Scoring, names: tuple[str, ...]
) -> pa.Table:
    """Edges as rows of the table `candidate_edges`; tokens in order within a pair."""
    weights = scoring.weights
    places = radix(weights.comparators)
    levels = unpack_patterns(edges["pattern"], weights.comparators, places)
    first, second = (store.tokens.take(store.rows_of(edges[side])) for side in ("a", "b"))
    swap = pa.compute.greater(first, second)
    columns = [c.name for c in weights.comparators]
    tables = edges["tf"].sum(axis=1), -weights.context_bits(levels, edges["tf"][:, 1])
    return pa.table(
        {
            "token_a": pa.compute.if_else(swap, second, first).cast(pa.string()),
            "token_b": pa.compute.if_else(swap, first, second).cast(pa.string()),
            "families": _family_lists(edges["families"], names),
            "levels": _maps(columns, levels.astype(np.int32), levels >= 0),
            "weights": _maps(
                [*columns, "term frequency", "surroundings"],
                np.column_stack([weights.field_bits(levels), *tables]),
                np.column_stack([levels >= 0, *(table != 0 for table in tables)]),
            ),
            "prior_bits": np.full(len(edges), weights.prior_bits),
            "score_bits": edges["bits"],
            "posterior": posterior(edges["bits"]),
            "band": pa.array([band.name for band in Band]).take(pa.array(edges["band"])),
            "reasons": reason_lists(edges["reason"]),
        }
    )


def _family_lists(families: npt.NDArray[np.uint32], names: tuple[str, ...]) -> pa.Array:
    labels = dict(enumerate(names)) | {IDENTICAL: "identical"}
    distinct, inverse = np.unique(families, return_inverse=True)
    lists = [
        [label for bit, label in labels.items() if value >> bit & 1] for value in distinct.tolist()
    ]
    return pa.array(lists, pa.list_(pa.string())).take(pa.array(inverse))


def _maps(
    names: list[str], values: npt.NDArray[np.generic], present: npt.NDArray[np.bool_]
) -> pa.Array:
    row, column = np.nonzero(present)
    offsets = np.append(0, np.cumsum(present.sum(axis=1))).astype(np.int32)
    keys = pa.array(names).take(pa.array(column))
    return pa.MapArray.from_arrays(pa.array(offsets), keys, pa.array(values[row, column]))
