"""Figures of a finished run: sizes, costs, and with labels its accuracy."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from pipelines.core.local_rows import to_batches
from pipelines.core.packed import Records, of_kind, pack, unpack
from pipelines.dedup.attributes import open_store
from pipelines.dedup.decide import Band
from pipelines.dedup.evaluate import Evaluation, evaluate
from pipelines.dedup.evaluation_metrics import Rate
from pipelines.dedup.evaluation_pairs import FamilyCompleteness, reduction_ratio
from pipelines.dedup.labelled import Labelled
from pipelines.dedup.pairs import COMPARED, IDENTICAL

if TYPE_CHECKING:
    from pipelines.dedup.result import Run

I64 = npt.NDArray[np.int64]

SEEN = np.dtype([("families", "<u4"), ("pairs", "<f8"), ("true", "<f8")])

KIND = "kind of enrolment"

Metrics = dict[str, float | int | None]


def measure(result: "Run", evaluation: Evaluation | None) -> Metrics:
    """All metrics of `run.json`; those that need labels are None without them."""
    records = len(result.intake.store.nodes)
    clusters = int((result.resolution.labels == result.intake.store.nodes).sum())  # one names each
    pairs = int(result.compared.counts["pairs"].sum())
    metrics: Metrics = {
        "records": records,
        "quarantined": result.intake.counts["quarantined"],
        "pairs_predicted": result.preflight.predicted,
        "pairs_made": result.candidates.made,
        "pairs_skipped": result.candidates.skipped,
        "pairs_compared": pairs,
        "reduction_ratio": reduction_ratio(pairs, records),
        "clusters": clusters,
        "duplicates_found": records - clusters,
        "duplicates_estimated": result.model.weights.prior * records * (records - 1) / 2,
        "match_edges": int((result.strong["band"] == Band.MATCH).sum()),
        "review_pairs": result.resolution.reviews.num_rows,
        "reviews_per_million": 1e6 * result.resolution.reviews.num_rows / max(records, 1),
        "start_depth": result.candidates.plan.depth,
        "split_size": result.candidates.plan.split_size,
        "largest_bucket": result.candidates.largest,
    }
    metrics |= dict.fromkeys(("precision", "recall", "f1", "fpir", "fnir"))
    if evaluation is not None:
        metrics |= evaluation.metrics()
    return metrics


def entities_of(result: "Run") -> I64:
    """Number of the entity of each row of the store, -1 without a label."""
    truth = result.source.truth
    rows = len(result.intake.store.nodes)
    if truth is None:
        return np.full(rows, -1, dtype=np.int64)
    nodes = result.intake.tokeniser.token_columns(pa.array(truth["id"].astype(str)))[1].to_numpy()
    codes = pd.Series(pd.factorize(truth["entity"])[0], index=nodes)
    codes = codes[~codes.index.duplicated()]
    found = codes.reindex(np.asarray(result.intake.store.nodes)).fillna(-1)
    entities: I64 = found.to_numpy().astype(np.int64)
    return entities


def evaluate_run(result: "Run", entity: I64) -> Evaluation:
    """Compare the clusters with the truth of the source."""
    store = result.intake.store
    rows = np.flatnonzero(entity >= 0)
    tokens = store.tokens.to_numpy(zero_copy_only=False)[rows]
    order = np.empty(len(rows), dtype=np.int64)
    times = np.asarray(store.enrolled_us)[rows]
    order[np.lexsort((tokens.astype("S"), times))] = np.arange(len(rows))
    at = pd.Series(np.arange(len(rows)), index=tokens)
    reviews = result.resolution.reviews
    sides = [at.reindex(reviews[side].to_pandas()).to_numpy() for side in ("token_a", "token_b")]
    known = ~(np.isnan(sides[0]) | np.isnan(sides[1]))
    nothing = np.empty(0, dtype=np.int64)
    evaluation = evaluate(
        Labelled(
            result.resolution.labels[rows],
            entity[rows],
            order,
            (sides[0][known].astype(np.int64), sides[1][known].astype(np.int64)),
            _slices(result, rows),
            (nothing, nothing),
            {},
        )
    )
    families = family_table(result, entity, evaluation.pairs.recall.trials)
    return replace(evaluation, families=families)


def _slices(result: "Run", rows: I64) -> dict[str, "np.ndarray[Any, Any]"]:
    truth = result.source.truth
    if truth is None or "kind" not in truth:
        return {}
    nodes = result.intake.tokeniser.token_columns(pa.array(truth["id"].astype(str)))[1].to_numpy()
    kinds = pd.Series(truth["kind"].to_numpy(), index=nodes)
    kinds = kinds.reindex(np.asarray(result.intake.store.nodes)[rows])
    return {KIND: kinds.fillna("unknown").to_numpy().astype(str)}


def family_table(result: "Run", entity: I64, true_pairs: int) -> dict[str, FamilyCompleteness]:
    """Record pairs each key family saw, and which share of the true pairs.

    A pair of representatives counts for all record pairs behind it.
    """
    np.save(result.intake.folder / "entity.npy", entity)
    folder = str(result.intake.folder)

    def count(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        labels, store = np.load(Path(folder) / "entity.npy", mmap_mode="r"), open_store(folder)
        for batch in batches:
            pairs = unpack([batch], COMPARED)
            sides = [labels[store.rows_of(pairs[side])] for side in ("a", "b")]
            true = (sides[0] == sides[1]) & (sides[0] >= 0)
            weight = pairs["weight"].astype(np.float64)
            seen, inverse = np.unique(pairs["families"], return_inverse=True)
            rows = np.zeros(len(seen), dtype=SEEN)
            rows["families"] = seen
            rows["pairs"] = np.bincount(inverse, weight, len(seen))
            rows["true"] = np.bincount(inverse, weight * true, len(seen))
            yield pack("seen", rows)

    compared = of_kind(result.compared.rows, "compared")
    counts = unpack(to_batches(compared.mapInArrow(count, compared.schema)), SEEN)
    names = dict(enumerate(result.intake.layout.names)) | {IDENTICAL: "identical"}
    table = {}
    for bit, name in names.items():
        saw = counts["families"] >> np.uint32(bit) & np.uint32(1) == 1
        only = counts["families"] == np.uint32(1) << np.uint32(bit)
        if saw.any():
            table[name] = _family(counts[saw], counts[only], true_pairs)
    table["all"] = _family(counts, counts, true_pairs)
    return table


def _family(saw: Records, only: Records, true_pairs: int) -> FamilyCompleteness:
    # Equal records of different people make the weight of a true pair an upper bound.
    found, lone = (min(round(rows["true"].sum()), true_pairs) for rows in (saw, only))
    return FamilyCompleteness(round(saw["pairs"].sum()), lone, Rate(found, true_pairs))
