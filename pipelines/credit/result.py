"""What the steps of a run leave for the tables, the figures and the report."""

from dataclasses import dataclass, field
from datetime import date

from pyspark.sql import DataFrame

from pipelines.core.runlog import RunLog
from pipelines.core.summary import RunSummary
from pipelines.credit.challenger import Comparison
from pipelines.credit.config import CreditConfig
from pipelines.credit.drift import Drift
from pipelines.credit.extract import Intake
from pipelines.credit.lake import CreditLake
from pipelines.credit.metrics import ScoreCounts
from pipelines.credit.monitoring import Fairness
from pipelines.credit.request import Request
from pipelines.credit.scorecard import Scorecard
from pipelines.credit.scoring import ScoreTally
from pipelines.credit.sources import Source
from pipelines.credit.training import Training


@dataclass
class Findings:
    """What monitoring and training found out; what was not looked at is None or empty.

    Attributes:
        out_of_fold: goods and bads by the score of models that never saw them.
        holdout: the same of the scored applications whose outcome is known.
        drift: of the score and of each feature.
        fairness: rates and proxies.
        comparison: champion against challenger.
        ceiling: expected AUC of the true probabilities, generated data only.
        backtest: rows compared and rows that differ, by check.
    """

    out_of_fold: ScoreCounts | None = None
    holdout: ScoreCounts | None = None
    drift: list[Drift] = field(default_factory=list)
    fairness: Fairness | None = None
    comparison: Comparison | None = None
    ceiling: float | None = None
    backtest: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def judged(self) -> ScoreCounts | None:
        """What the quality figures are about: later applications, else out-of-fold scores."""
        return self.holdout if self.holdout and self.holdout.rows else self.out_of_fold


@dataclass
class Run:
    """A run on its way: what it works on, and what its steps found.

    Attributes:
        lake, config, request, source, as_of, log: what it works on.
        summary: what `run.json` will hold.
        intake: counts of the inputs.
        training, card, scores, findings: results of the steps, None before them.
        features_built: customers with features at `as_of`.
    """

    lake: CreditLake
    config: CreditConfig
    request: Request
    source: Source
    as_of: date
    log: RunLog
    summary: RunSummary
    intake: Intake = field(default_factory=Intake)
    training: Training | None = None
    card: Scorecard | None = None
    scores: ScoreTally | None = None
    findings: Findings = field(default_factory=Findings)
    quarantined: list[DataFrame] = field(default_factory=list)
