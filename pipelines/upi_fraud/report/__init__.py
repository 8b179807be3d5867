"""The page of a fraud run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.core.report import Report, Section
from pipelines.core.report_parts import counts_section, setup_section, steps_section
from pipelines.core.summary import RunSummary
from pipelines.upi_fraud.config import UpiConfig
from pipelines.upi_fraud.report import sections
from pipelines.upi_fraud.result import Run


def write_report(result: Run, config: UpiConfig, summary: RunSummary, path: Path) -> None:
    """Write report.html of a finished run."""
    _write(summary, _sections(result, config, summary), path)


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
        setup_section(summary.config, summary.inputs),
    ]
    _write(summary, made, path)


def _write(summary: RunSummary, made: list[Section], path: Path) -> None:
    profile = summary.inputs["profile"]
    report = Report(
        job="UPI fraud",
        title="UPI fraud decisions",
        subtitle=f"{summary.counts['in']:,} payments decided with the rule profile {profile}.",
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
        sections.caveats_section(),
        setup_section(summary.config, summary.inputs),
    ]
    return made
