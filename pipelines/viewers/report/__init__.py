"""The self-contained HTML report of a match: fill a `MatchReport`, call `write_report`."""

from pathlib import Path

from pipelines.core.report import Report, Section
from pipelines.core.report_parts import (
    caveats_section,
    counts_section,
    setup_section,
    show_count,
    show_percent,
    steps_section,
)
from pipelines.viewers.report import sections
from pipelines.viewers.report.data import MatchReport

__all__ = ["MatchReport", "build_report", "write_report"]

GENERATED = ("The match comes from a generator: its shares are settings, not findings.",)
CAVEATS = (
    "Unique viewers are told apart by digests of 38 bits; of a million, about 2 share one.",
    "Startup in a window counts starts whose first frame came inside it; sessions have all.",
    "A heartbeat lost at the edge of a window is missing there, and present in its session.",
)


def write_report(data: MatchReport, path: Path) -> Path:
    """Write the page to `path` and return it."""
    return build_report(data).write(path)


def build_report(data: MatchReport) -> Report:
    """Return the page of a run."""
    peak = show_count(data.metrics.get("peak_concurrent_viewers"))
    stalled = show_percent(data.metrics.get("rebuffering_ratio"))
    return Report(
        job="viewer analytics",
        title=f"{peak} watched at once, {stalled} of the time stalled",
        subtitle=f"{data.source}: {show_count(data.metrics.get('events'))} events.",
        kpis=sections.head_kpis(data),
        sections=_sections(data),
        facts=(("run", data.run_id), ("as of", data.as_of)),
    )


def _sections(data: MatchReport) -> list[Section]:
    return [
        sections.audience_section(data),
        sections.people_section(data),
        sections.quality_strip(data),
        sections.alerts_section(data),
        sections.trending_section(data),
        sections.decisions_section(data),
        *([sections.tastes_section(data)] if len(data.preferences) else []),
        counts_section(data.counts, data.reasons),
        steps_section(data.seconds),
        caveats_section([*GENERATED, *CAVEATS] if data.is_generated else CAVEATS),
        setup_section(data.config, data.manifest),
    ]
