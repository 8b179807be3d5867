"""The section of the quality gate: each rule, what was found and what is allowed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.core import quality, report
from pipelines.core.report_parts import quality_section, show_count, show_percent

if TYPE_CHECKING:
    from pipelines.ingest.tally import Tally

DATA_DOCS = "data_docs.html"
"""Page of the suite, beside the report."""


def make_section(
    checks: Sequence[quality.Check], found: quality.QualityReport, tally: "Tally"
) -> report.Section:
    """What the suite found.

    Args:
        checks: the suite.
        found: its verdicts; empty where nothing was decoded.
        tally: counts of the run.
    """
    if not found.rows:
        note = report.Note("No message was decoded, so there was nothing to judge.")
        return report.Section("quality", "Quality", "Nothing to judge", [note])
    passed = {row["expectation"]: row["success"] for row in found.rows}
    made = quality_section([_show(check, passed[check.name]) for check in checks])
    link = f'<p><a href="{DATA_DOCS}">Data Docs of the suite</a></p>'
    aside = show_count(tally.aside.total())
    lead = f"{aside} rows are set aside with their reason. Rules: conf/stack/quality.yaml."
    blocks = [*made.blocks, report.Fragment("docs", link)]
    return report.Section(made.anchor, made.nav, made.title, blocks, lead)


def _show(check: quality.Check, is_passed: bool) -> report.Check:
    """A share of rows with its limit, or a number of rows with its least."""
    if check.minimum is not None:
        observed, allowed = show_count(check.evaluated), f"{check.minimum} or more"
    else:
        observed, allowed = show_percent(check.figure), f"up to {show_percent(check.tolerance)}"
    return report.Check(check.name, check.severity, observed, allowed, check.failed, is_passed)
