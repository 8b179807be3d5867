"""Collects from the tables of a run what its page shows."""

from pipelines.core.report_parts import run_page
from pipelines.core.summary import RunSummary
from pipelines.viewers.config import ViewersConfig
from pipelines.viewers.decide import audience_of
from pipelines.viewers.report.data import MatchReport
from pipelines.viewers.result import Run


def report_input(result: Run, config: ViewersConfig, summary: RunSummary) -> MatchReport:
    """Everything the page needs, from the tables as published."""
    metrics = result.metrics
    length = metrics["window_end_ms"] - metrics["window_start_ms"]
    return MatchReport(
        **run_page(summary, result.source.name, result.reasons),
        slices=audience_of(metrics, config.windows.slice_seconds * 1000),
        minutes=metrics[length == config.windows.minute_seconds * 1000],
        alerts=result.alerts,
        trending=result.trending,
        suspects=result.suspects,
        commands=result.commands,
        preferences=result.preferences,
        is_generated=result.source.interactions is not None,
    )
