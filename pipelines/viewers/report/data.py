"""What the page of a run shows, collected from its tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipelines.core.summary import RunSummary
from pipelines.viewers.config import ViewersConfig
from pipelines.viewers.decide import audience_of
from pipelines.viewers.result import Run


@dataclass(frozen=True)
class MatchReport:
    """Everything on the page.

    Attributes:
        run_id, as_of, source: which run.
        metrics, counts, reasons, seconds, config, manifest: as in `run.json`.
        slices: at_ms, content_id, dimension, dimension_value, concurrent.
        minutes: rows of windows that have quality.
        alerts: columns of `alerts.Notice`.
        trending: region, content_id, score.
        suspects: columns of the table `suspects`.
        commands: commands of the quality ladder by reason.
        behind: events behind the watermark, and how many of them for good.
    """

    run_id: str
    as_of: str
    source: str
    metrics: Mapping[str, float | int | None]
    counts: Mapping[str, int]
    reasons: Mapping[str, int]
    seconds: Mapping[str, float]
    config: Mapping[str, Any]
    manifest: Mapping[str, Any]
    slices: pd.DataFrame
    minutes: pd.DataFrame
    alerts: pd.DataFrame
    trending: pd.DataFrame
    suspects: pd.DataFrame
    commands: Mapping[str, int]


def report_data(result: Run, config: ViewersConfig, summary: RunSummary) -> MatchReport:
    """Everything the page needs, from the tables as published."""
    metrics = result.metrics
    length = metrics["window_end_ms"] - metrics["window_start_ms"]
    return MatchReport(
        run_id=summary.run_id,
        as_of=str(summary.as_of),
        source=result.source.name,
        metrics=summary.metrics,
        counts=summary.counts,
        reasons=result.reasons,
        seconds=summary.seconds,
        config=summary.config,
        manifest={"inputs": summary.inputs, "tables": summary.tables},
        slices=audience_of(metrics, config.windows.slice_seconds * 1000),
        minutes=metrics[length == config.windows.minute_seconds * 1000],
        alerts=result.alerts,
        trending=result.trending,
        suspects=result.suspects,
        commands=result.commands,
    )
