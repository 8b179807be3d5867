"""The section of the quality gate: each rule, what was found and what is allowed."""

from typing import TYPE_CHECKING

from pipelines.core import quality, report
from pipelines.core.report_parts import quality_section, show_count, verdicts

if TYPE_CHECKING:
    from pipelines.ingest.result import Tally

DATA_DOCS = "data_docs.html"
"""Page of the suite, beside the report."""


def make_section(found: quality.QualityReport, tally: "Tally") -> report.Section:
    """What the suite found.

    Args:
        found: its verdicts; empty where nothing was decoded.
        tally: counts of the run.
    """
    if not found.rows:
        note = report.Note("No message was decoded, so there was nothing to judge.")
        return report.Section("quality", "Quality", "Nothing to judge", [note])
    made = quality_section(verdicts(found.rows))
    link = f'<p><a href="{DATA_DOCS}">Data Docs of the suite</a></p>'
    aside = show_count(tally.aside.total())
    lead = f"{aside} rows are set aside with their reason. Rules: conf/stack/quality.yaml."
    blocks = [*made.blocks, report.Fragment("docs", link)]
    return report.Section(made.anchor, made.nav, made.title, blocks, lead)
