"""What the steps of a run leave for the tables, the metrics and the report."""

from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.core.local_rows import Rows
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
    """Results of the steps of a run, for the tables, the metrics and the report.

    `written` is the table of the edges, on its way since they were scored.
    """

    source: Source
    intake: Intake
    preflight: PreFlight
    candidates: Candidates
    compared: Compared
    model: Model
    scoring: Scoring
    edges: Rows
    strong: Records
    resolution: Resolution
    written: Future[None]
    increment: Increment | None = None

    def strong_by_token(self, rows: npt.NDArray[np.intp]) -> dict[tuple[str, str], np.void]:
        """Edges of band REVIEW and MATCH among some rows of the store, by the tokens of their ends.

        Args:
            rows: the rows.
        """
        store, nodes = self.intake.store, self.intake.store.nodes[rows]
        inside = np.isin(self.strong["a"], nodes) & np.isin(self.strong["b"], nodes)
        edges = self.strong[inside]
        sides = [store.tokens.take(store.rows_of(edges[side])).to_pylist() for side in ("a", "b")]
        return dict(zip(zip(*sides, strict=True), edges, strict=True))
