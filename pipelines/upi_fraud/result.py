"""What the steps of a run leave for the tables, the figures and the report."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from pipelines.upi_fraud.build import DeciderPlan
from pipelines.upi_fraud.evaluate import Quality
from pipelines.upi_fraud.replay import Replayed
from pipelines.upi_fraud.sources import Source


@dataclass
class Run:
    """Results of a run, for figures and report.

    Attributes:
        source: payments and truth.
        flags: what the slow path found.
        outcomes: all messages written.
        decisions: records of `upi.Decision`.
        plan: what decided.
        notes: oddities of the payments that were accepted.
        replayed: what a replay of some payers measured.
        quality: figures against the truth, if it is known.
        baseline: the same of a decision by the amount alone.
    """

    source: Source
    plan: DeciderPlan
    notes: Mapping[str, int]
    flags: list[dict[str, Any]]
    outcomes: pa.Table
    decisions: list[dict[str, Any]]
    replayed: Replayed = field(default_factory=Replayed)
    quality: Quality | None = None
    baseline: Quality | None = None
