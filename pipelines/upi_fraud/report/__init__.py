"""The page of a fraud run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.core.report import Report, Section
from pipelines.core.report_parts import (
    caveats_section,
    counts_section,
    manifest_of,
    setup_section,
    show_count,
    steps_section,
)
from pipelines.core.summary import RunSummary
from pipelines.upi_fraud.config import UpiConfig
from pipelines.upi_fraud.evaluate import Quality
from pipelines.upi_fraud.report import sections
from pipelines.upi_fraud.result import Run

GENERATED = (
    "Payments and frauds are generated: recall and false positives are of this generator.",
)
CAVEATS = (
    "Decisions a second include the start of the operators; see the benchmark for more.",
    "Flags take effect two seconds after their event time, whenever they arrive.",
)


def write_report(result: Run, config: UpiConfig, summary: RunSummary, path: Path) -> None:
    """Write report.html of a finished run."""
    title = found_title(result.quality) if result.quality else decided_title(summary)
    _write(summary, title, _sections(result, config, summary), path)


def write_stack_report(
    decisions: Sequence[Mapping[str, Any]], flags: Sequence[Mapping[str, Any]],
    reasons: Mapping[str, int], summary: RunSummary, path: Path,
) -> None:  # fmt: skip
    """Write report.html of a run on Kafka, of what its topics hold."""
    made = [
        sections.actions_section(decisions, summary),
        sections.rules_section(decisions),
        sections.examples_section(decisions),
        sections.flags_section(flags),
        counts_section(summary.counts, reasons),
        steps_section(summary.seconds),
        setup_section(summary.config, manifest_of(summary)),
    ]
    _write(summary, decided_title(summary), made, path)


def found_title(quality: Quality) -> str:
    """The finding of a run whose frauds are known."""
    stopped, frauds = (
        sum(getattr(one, name) for one in quality.kinds.values())
        for name in ("stopped", "payments")
    )
    return (
        f"{show_count(stopped)} of {show_count(frauds)} fraudulent payments stopped,"
        f" {show_count(quality.false_positives)} of {show_count(quality.genuine)} others questioned"
    )


def decided_title(summary: RunSummary) -> str:
    """The finding of a run without a truth."""
    get, out = summary.metrics.get, summary.counts["out"]
    approved, blocked = show_count(get("approved")), show_count(get("blocked"))
    return f"{approved} of {show_count(out)} payments approved at once, {blocked} blocked"


def _write(summary: RunSummary, title: str, made: list[Section], path: Path) -> None:
    profile = summary.inputs["profile"]
    report = Report(
        job="UPI fraud",
        title=title,
        subtitle=f"{show_count(summary.counts['out'])} payments decided by the rules of {profile}.",
        kpis=sections.head_kpis(summary),
        sections=made,
        facts=(("run", summary.run_id), ("as of", summary.as_of.isoformat())),
    )
    report.write(path)


def _sections(result: Run, config: UpiConfig, summary: RunSummary) -> list[Section]:
    made = [sections.actions_section(result.decisions, summary)]
    if result.quality is not None and result.baseline is not None and result.source.truth:
        made += [
            sections.kinds_section(result.quality, result.baseline),
            sections.curve_section(result.decisions, result.source.truth, config),
        ]
    made += [
        sections.rules_section(result.decisions),
        sections.latency_section(result.replayed.decide_ms, summary),
        sections.examples_section(result.decisions),
        sections.flags_section(result.flags),
        counts_section(summary.counts, sections.reasons_of(result.outcomes)),
        steps_section(summary.seconds),
        caveats_section([*GENERATED, *CAVEATS] if result.source.is_public else CAVEATS),
        setup_section(summary.config, manifest_of(summary)),
    ]
    return made
