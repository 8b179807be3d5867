"""What the page of a run shows, collected from its tables."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from pipelines.core.report_parts import RunPage, run_page
from pipelines.core.summary import RunSummary
from pipelines.viewers.config import ViewersConfig
from pipelines.viewers.decide import audience_of
from pipelines.viewers.result import Run


@dataclass(frozen=True)
class MatchReport(RunPage):
    """Everything on the page.

    Attributes:
        slices: at_ms, content_id, dimension, dimension_value, concurrent.
        minutes: rows of windows that have quality.
        alerts: columns of `alerts.Notice`.
        trending: region, content_id, score.
        suspects: columns of the table `suspects`.
        commands: commands of the quality ladder by reason.
        preferences: columns of the table `preferences`.
        is_generated: the match was made, not recorded.
    """

    slices: pd.DataFrame
    minutes: pd.DataFrame
    alerts: pd.DataFrame
    trending: pd.DataFrame
    suspects: pd.DataFrame
    commands: Mapping[str, int]
    preferences: pd.DataFrame = field(default_factory=pd.DataFrame)
    is_generated: bool = False


def report_data(result: Run, config: ViewersConfig, summary: RunSummary) -> MatchReport:
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
