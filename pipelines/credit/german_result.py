"""What a run on German credit found out, for its page."""

from dataclasses import dataclass

from pipelines.credit.samples import F64, I64
from pipelines.credit.scorecard import Scorecard


@dataclass(frozen=True)
class FoldScores:
    """AUC of every fold [15], and KS of the pooled scores of every seed [3]."""

    areas: F64
    distances: F64


@dataclass(frozen=True)
class GermanFindings:
    """What a run on the table found out.

    Attributes:
        card: scorecard of all rows, for comparison only.
        unseen, is_bad: out-of-fold raw scores and labels [n].
        all, fair: folds with all attributes, and without the protected ones.
    """

    card: Scorecard
    unseen: I64
    is_bad: I64
    all: FoldScores
    fair: FoldScores
