"""What the steps of a run leave for the tables, the metrics and the report."""

from dataclasses import dataclass

import numpy as np
from pyspark.sql import DataFrame

from pipelines.core.packed import Records
from pipelines.dedup.edges import Scoring
from pipelines.dedup.increment import Increment
from pipelines.dedup.intake import Intake
from pipelines.dedup.matching import Candidates, Compared
from pipelines.dedup.model import Model
from pipelines.dedup.planning import PreFlight
from pipelines.dedup.resolution import Resolution
from pipelines.dedup.sources import Source


@dataclass
class Run:
    """Results of the steps of a run, for the tables, the metrics and the report."""

    source: Source
    intake: Intake
    preflight: PreFlight
    candidates: Candidates
    compared: Compared
    model: Model
    scoring: Scoring
    edges: DataFrame
    strong: Records
    resolution: Resolution
    increment: Increment | None = None

    def strong_by_token(self) -> dict[tuple[str, str], np.void]:
        """Edges of band REVIEW and MATCH by the tokens of their ends."""
        store = self.intake.store
        sides = [store.tokens.take(store.rows_of(self.strong[s])).to_pylist() for s in ("a", "b")]
        return dict(zip(zip(*sides, strict=True), self.strong, strict=True))
