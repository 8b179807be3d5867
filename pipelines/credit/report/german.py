"""The page of `--input german`: a comparison on real, labelled applications."""

from pathlib import Path

from pipelines.core.report import Kpi, Report, Section, Table
from pipelines.core.report_parts import (
    counts_section,
    manifest_of,
    setup_section,
    steps_section,
)
from pipelines.core.summary import RunSummary
from pipelines.credit.german_result import GermanFindings
from pipelines.credit.metrics import count_scores
from pipelines.credit.report import sections
from pipelines.credit.report.model_card import model_card_section
from pipelines.credit.result import Findings


def write_german_report(summary: RunSummary, found: GermanFindings, path: Path) -> Path:
    """Write the page and return its path."""
    get, card = summary.metrics.get, found.card
    counts = count_scores(found.unseen, found.is_bad)
    kpis = [
        Kpi("AUC", sections.show(get("auc"), 4), "mean of 15 folds", is_lead=True),
        Kpi("KS", sections.show(get("ks"), 4), "pooled, mean of 3 seeds", is_lead=True),
        Kpi("AUC without protected", sections.show(get("auc_without_protected"), 4), is_lead=True),
        Kpi("Brier", sections.show(get("brier"), 4), "out of fold"),
        Kpi("Calibration error", sections.show(get("ece"), 4), "out of fold"),
    ]
    report = Report(
        job="credit score",
        title=f"German credit: {len(found.is_bad):,} applications, refitted in every fold",
        subtitle="For comparison only: the scorecard of this page cannot be registered.",
        kpis=kpis,
        sections=[
            sections.quality_section(counts, card, Findings()),
            _fold_section(found),
            sections.card_section(card),
            counts_section(summary.counts, {}),
            steps_section(summary.seconds),
            model_card_section(card),
            setup_section(summary.config, manifest_of(summary)),
        ],
        facts=(("run", summary.run_id), ("sha256", card.sha256[:16])),
    )
    return report.write(path)


def _fold_section(found: GermanFindings) -> Section:
    lines = (("all attributes", found.all), ("without the protected ones", found.fair))
    rows = [
        (name, f"{one.areas.mean():.4f}", f"{one.areas.std():.4f}", f"{one.areas.min():.4f}",
         f"{one.areas.max():.4f}", f"{one.distances.mean():.4f}")
        for name, one in lines
    ]  # fmt: skip
    names = ("attributes", "AUC", "spread", "least", "most", "KS")
    spread = found.all.areas.std()
    lead = (
        f"AUC of 15 folds (5 folds, 3 seeds); a fold varies by {spread:.3f}, so differences below"
        " .01 say nothing. KS is of the pooled scores of each seed."
    )
    return Section("folds", "Folds", "What the folds say", [Table(names, rows, "lrrrrr")], lead)
