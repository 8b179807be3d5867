"""What the report shows, collected from a finished run as small tables."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.core.packed import Records
from pipelines.core.report_parts import run_page, verdicts
from pipelines.core.summary import RunSummary
from pipelines.dedup.comparators import LABELS
from pipelines.dedup.decide import Band
from pipelines.dedup.evaluate import Evaluation
from pipelines.dedup.evaluation_pairs import threshold_curve
from pipelines.dedup.matching import collect_edges
from pipelines.dedup.pairs import pair_weights
from pipelines.dedup.report.data import DedupReport
from pipelines.dedup.report_samples import explain, sample_clusters, sample_pairs, words_of
from pipelines.dedup.score import bits_of, posterior

if TYPE_CHECKING:
    from pipelines.dedup.result import Run

I64 = npt.NDArray[np.int64]


def report_input(
    result: "Run", summary: RunSummary, evaluation: Evaluation | None, entity: I64
) -> DedupReport:
    """Everything on the page of one run."""
    config, intake = summary.config["score"], result.intake
    edges = collect_edges(result.edges, Band.NO_MATCH)
    plan = result.candidates.plan
    metrics = summary.metrics | {"candidate_pairs": summary.metrics["pairs_compared"]}
    thresholds = _thresholds(result, edges, evaluation, entity)
    if evaluation is None:
        metrics |= expected_figures(thresholds, bits_of(config["match_posterior"]))
    reasons = {
        f"{name}: only the value was left out" if name.startswith("BAD_") else name: count
        for name, count in intake.reasons.items()
        if count
    }
    return DedupReport(
        **run_page(summary, result.source.name, reasons) | {"metrics": metrics},
        model_id=result.model.model_id,
        plan=f"depth {plan.depth}, split {plan.split_size}",
        is_public=result.source.is_public,
        is_labelled=evaluation is not None,
        match_posterior=config["match_posterior"],
        review_posterior=config["review_posterior"],
        pairs=[explain(result, edge) for edge in sample_pairs(edges)],
        clusters=sample_clusters(result),
        weights=weight_table(result),
        thresholds=thresholds,
        histogram=score_histogram(edges),
        buckets=result.candidates.buckets,
        pairs_skipped=result.candidates.skipped,
        families=_families(evaluation),
        completeness=pd.DataFrame(
            {"field": list(intake.completeness), "share": list(intake.completeness.values())}
        ),
        slices=pd.DataFrame(list(evaluation.slices) if evaluation else [], columns=SLICES),
        checks=verdicts(intake.quality.rows),
        caveats=caveats(result, evaluation),
    )


SLICES = ["kind", "name", "records", "true_pairs", "precision", "recall", "fpir", "fnir"]


def weight_table(result: "Run") -> pd.DataFrame:
    """One row per comparator level: label, m, u and weight."""
    weights, rows = result.model.weights, []
    for comparator, m, u, table in zip(
        weights.comparators, weights.m, weights.u, weights.tables, strict=True
    ):
        for level, label in enumerate(LABELS[comparator.kind]):
            rows.append((words_of(comparator.name), level, label, m[level], u[level], table[level]))
    return pd.DataFrame(rows, columns=["comparator", "level", "label", "m", "u", "bits"])


def score_histogram(edges: Records, width: float = 2.0) -> pd.DataFrame:
    """Pairs by score bin and band."""
    low = np.floor(edges["bits"] / width) * width
    bands = np.array([band.name for band in Band])[edges["band"]]
    counted = pd.DataFrame({"low_bits": low, "band": bands}).value_counts().rename("pairs")
    table = counted.reset_index().sort_values(["low_bits", "band"])
    table["high_bits"] = table["low_bits"] + width
    return table


def _thresholds(
    result: "Run", edges: Records, evaluation: Evaluation | None, entity: I64
) -> pd.DataFrame:
    store, bits = result.intake.store, edges["bits"]
    if evaluation is not None:
        sides = [entity[store.rows_of(edges[side])] for side in ("a", "b")]
        truth = ((sides[0] == sides[1]) & (sides[0] >= 0)).astype(np.float64)
        pairs = float(evaluation.pairs.recall.trials)
    else:
        records = len(store.nodes)
        truth, pairs = posterior(bits), result.model.weights.prior * records * (records - 1) / 2
    weights = pair_weights(edges, result.scoring.comparison)  # equal records go by one of them
    curve = threshold_curve(bits, truth, pairs, np.arange(-8.0, 40.5, 0.5), weights)
    columns = ("threshold", "precision", "recall", "f1")
    return pd.DataFrame({name: getattr(curve, name) for name in columns})


def expected_figures(thresholds: pd.DataFrame, match_bits: float) -> dict[str, float | None]:
    """Precision, recall and F1 of a curve at the first threshold from `match_bits` on."""
    row = thresholds[thresholds["threshold"] >= match_bits].head(1)
    found = {name: row[name].clip(upper=1.0).tolist() for name in ("precision", "recall", "f1")}
    return {name: one[0] if one and one[0] == one[0] else None for name, one in found.items()}


def _families(evaluation: Evaluation | None) -> pd.DataFrame:
    columns = ["family", "pairs", "completeness", "only_completeness"]
    if evaluation is None:
        return pd.DataFrame(columns=columns)
    rows = [
        (name, f.pairs, f.completeness.value, f.only / max(f.completeness.trials, 1))
        for name, f in evaluation.families.items()
        if name != "all"
    ]
    return pd.DataFrame(rows, columns=columns)


def caveats(result: "Run", evaluation: Evaluation | None) -> list[str]:
    """What the figures of this run do not say."""
    said = []
    if result.source.is_public:
        said.append(
            f"{result.source.name} comes from a generator, not from real people; its tokens use a "
            "public key so that results are equal on every machine."
        )
    if evaluation is None:
        said.append("No labels were given: precision and recall are expectations of the model.")
    if result.candidates.skipped:
        said.append(
            f"{result.candidates.skipped:,} pairs of indistinguishable bucket members were not "
            "compared; their records still meet through other keys."
        )
    if result.preflight.warning:
        said.append(result.preflight.warning)
    return said
