"""What the page of a run shows; `viewers/report_input.py` fills it from the tables."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from pipelines.core.report_parts import RunPage


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
