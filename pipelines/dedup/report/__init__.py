"""The self-contained HTML report of a dedup run: fill a `DedupReport`, call `write_report`."""

from pathlib import Path

from pipelines.core.report import Check, Report, Section
from pipelines.core.report_parts import (
    caveats_section,
    counts_section,
    quality_section,
    setup_section,
    show_count,
    show_percent,
    steps_section,
)
from pipelines.dedup.report import explorers, sections
from pipelines.dedup.report.data import (
    Band,
    ClusterEdge,
    ClusterGraph,
    DedupReport,
    Evidence,
    FieldValue,
    PairExplanation,
    RecordView,
)

__all__ = [
    "Band",
    "Check",
    "ClusterEdge",
    "ClusterGraph",
    "DedupReport",
    "Evidence",
    "FieldValue",
    "PairExplanation",
    "RecordView",
    "build_report",
    "write_report",
]


def write_report(data: DedupReport, path: Path) -> Path:
    """Write the page to `path` and return it. Clear values enter it only if `data.is_public`."""
    return build_report(data).write(path)


def build_report(data: DedupReport) -> Report:
    """Return the page of a run; sections without data are left out."""
    return Report(
        job="duplicate persons",
        title=_title(data),
        subtitle=_subtitle(data),
        kpis=sections.head_kpis(data),
        sections=_sections(data),
        facts=(
            ("run", data.run_id),
            ("as of", data.as_of),
            ("model", data.model_id),
            ("values", "shown, public data" if data.is_public else "masked"),
        ),
    )


def _title(data: DedupReport) -> str:
    found = show_count(data.metrics.get("duplicates_found"))
    return f"{found} duplicates among {show_count(data.metrics.get('records'))} records"


def _subtitle(data: DedupReport) -> str:
    rates = [show_percent(data.metrics.get(name)) for name in ("precision", "recall")]
    word = "Precision" if data.is_labelled else "Expected precision"
    return f"{data.source}. {word} {rates[0]}, recall {rates[1]}; no label was used to find them."


def _sections(data: DedupReport) -> list[Section]:
    made = [
        sections.accuracy_section(data),
        explorers.pairs_section(data),
        explorers.clusters_section(data),
    ]
    if len(data.weights):
        made.append(sections.weights_section(data))
    made.append(sections.blocking_section(data))
    if len(data.completeness):
        made.append(sections.input_section(data))
    if len(data.slices):
        made.append(sections.slices_section(data))
    made.append(counts_section(data.counts, data.reasons, data.previous))
    if data.checks:
        made.append(quality_section(data.checks))
    made.append(steps_section(data.seconds))
    if data.caveats:
        made.append(caveats_section(data.caveats))
    return [*made, setup_section(data.config, data.manifest)]
