"""What the steps of a run leave for the tables, the figures and the report."""

from dataclasses import dataclass, field

import pandas as pd
import pyarrow as pa

from pipelines.viewers.sources import Source


@dataclass
class Run:
    """What the steps found, for the figures and the report."""

    source: Source
    metrics: pd.DataFrame = field(default_factory=pd.DataFrame)
    sessions: pd.DataFrame = field(default_factory=pd.DataFrame)
    alerts: pd.DataFrame = field(default_factory=pd.DataFrame)
    trending: pd.DataFrame = field(default_factory=pd.DataFrame)
    suspects: pd.DataFrame = field(default_factory=pd.DataFrame)
    preferences: pd.DataFrame = field(default_factory=pd.DataFrame)
    commands: dict[str, int] = field(default_factory=dict)
    rejected: pa.Table = field(default_factory=lambda: pa.table({}))
    late: pa.Table = field(default_factory=lambda: pa.table({}))
    reasons: dict[str, int] = field(default_factory=dict)
