"""What the steps of a run leave for the tables, the figures and the report."""

from dataclasses import dataclass, field

import pandas as pd

from pipelines.core.quality import QualityReport
from pipelines.seats.plans import Plans
from pipelines.seats.sources import Source
from pipelines.seats.tables import DayLake


@dataclass
class Run:
    """What the steps found, for the tables, the figures and the report."""

    source: Source
    plans: Plans
    lake: DayLake
    quality: QualityReport = field(default_factory=QualityReport)
    reasons: dict[str, int] = field(default_factory=dict)
    classes: pd.DataFrame = field(default_factory=pd.DataFrame)
    violations: dict[str, int] = field(default_factory=dict)
