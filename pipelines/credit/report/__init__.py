"""The self-contained HTML report of a credit run."""

from pathlib import Path

from pipelines.core.report import Report, Section
from pipelines.core.report_parts import (
    counts_section,
    manifest_of,
    setup_section,
    show_count,
    steps_section,
)
from pipelines.credit.report import sections
from pipelines.credit.report.model_card import model_card_section, reject_inference_section
from pipelines.credit.result import Run
from pipelines.credit.tables import rows_by_reason


def write_report(state: Run, path: Path) -> Path:
    """Write the page of a run and return its path."""
    return build_report(state).write(path)


def build_report(state: Run) -> Report:
    """The page of a run; sections without data are left out."""
    card = state.card
    name = f"{card.id} v{card.version}" if card else "none"
    return Report(
        job="credit score",
        title=_title(state),
        subtitle=sections.subtitle(state),
        kpis=sections.head_kpis(state),
        sections=_sections(state),
        facts=(
            ("run", state.summary.run_id),
            ("as of", state.as_of.isoformat()),
            ("scorecard", name),
            ("sha256", card.sha256[:16] if card else "none"),
        ),
    )


def _title(state: Run) -> str:
    if state.scores:
        area = state.summary.metrics["auc"]
        told = f"{show_count(state.scores.scored)} applications scored"
        return told if area is None else f"{told}, AUC {area:.3f}"
    if state.training:
        return f"A scorecard from {show_count(len(state.training.sample))} outcomes"
    return f"Business day {state.as_of} again"


def _sections(state: Run) -> list[Section]:
    found = state.findings
    made = []
    if found.judged and found.judged.rows and state.card:
        made.append(sections.quality_section(found.judged, state.card, found))
    if state.card:
        made.append(sections.card_section(state.card))
    if found.drift:
        made.append(sections.drift_section(found.drift, state.config.drift))
    if found.fairness:
        made.append(sections.fairness_section(found.fairness, state.config.fairness))
    if found.comparison:
        made.append(sections.challenger_section(found.comparison))
    if found.backtest:
        made.append(sections.backtest_section(found.backtest))
    made.append(counts_section(state.summary.counts, rows_by_reason(state)))
    made.append(steps_section(state.summary.seconds))
    made.append(reject_inference_section(state))
    made.append(model_card_section(state.card))
    return [*made, setup_section(state.summary.config, manifest_of(state.summary))]
