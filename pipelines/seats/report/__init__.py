"""The self-contained HTML report of an allocation: fill a `SeatsReport`, call `write_report`."""

from pathlib import Path

from pipelines.core.report import Report, Section
from pipelines.core.report_parts import (
    caveats_section,
    counts_section,
    quality_section,
    setup_section,
    show_count,
    show_percent,
    steps_section,
)
from pipelines.seats.report import sections
from pipelines.seats.report.data import SeatsReport, TrainPicture

__all__ = ["SeatsReport", "TrainPicture", "build_report", "write_report"]

CAVEATS = (
    "The optimum leaves out quotas, the waitlist cap and groups: no allocation reaches it.",
    "Split groups are confirmed groups in several bays; one larger than any bay always is.",
    "RAC passengers of a group mostly sit apart: a bay has one side-lower berth.",
)


def write_report(data: SeatsReport, path: Path) -> Path:
    """Write the page to `path` and return it."""
    return build_report(data).write(path)


def build_report(data: SeatsReport) -> Report:
    """Return the page of a run; sections without data are left out."""
    accepted = show_percent(data.metrics.get("accepted_fraction"), 1)
    requests, trains = (show_count(data.metrics.get(name)) for name in ("bookings", "trains"))
    return Report(
        job="seat allocation",
        title=f"{accepted} of the passengers have a place",
        subtitle=f"{data.source}: {requests} requests on {trains} trains.",
        kpis=sections.head_kpis(data),
        sections=_sections(data),
        facts=(("run", data.run_id), ("as of", data.as_of)),
    )


def _sections(data: SeatsReport) -> list[Section]:
    made = [] if data.picture is None else [sections.train_section(data.picture)]
    made += [
        sections.status_section(data),
        sections.quota_section(data),
        sections.load_section(data),
        sections.classes_section(data),
        counts_section(data.counts, data.reasons),
    ]
    if data.checks:
        made.append(quality_section(data.checks))
    made += [steps_section(data.seconds), caveats_section(CAVEATS)]
    return [*made, setup_section(data.config, data.manifest)]
