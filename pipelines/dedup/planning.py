"""Pre-flight: how deep prefixes start and how large buckets may grow, within a budget of pairs."""

from dataclasses import dataclass

import numpy as np
from pyspark.sql import SparkSession

from pipelines.core.errors import GateError
from pipelines.dedup.candidates import plan_table
from pipelines.dedup.config import CandidateSettings
from pipelines.dedup.intake import Intake
from pipelines.dedup.key_files import chunks_of
from pipelines.dedup.key_source import KeySource, Plan
from pipelines.dedup.model import Model

ENTRY_BYTES_PER_PARTITION = 96_000_000
ENTRY_BYTES = 14


@dataclass(frozen=True)
class PreFlight:
    """The chosen plan with what it is expected to cost.

    Attributes:
        plan: start depth and split size.
        predicted: pairs before distinct, scaled up from the sample; None for a stored plan.
        budget: pairs that fit.
        tried: predicted pairs of every (depth, split size).
        warning: said to the user when the tightest plan is over the budget.
    """

    plan: Plan
    predicted: int | None
    budget: int
    tried: dict[tuple[int, int], int]
    warning: str | None = None


def partitions_for(records: int, keys: int, cores: int, wanted: int = 0) -> int:
    """Partitions of the bucket shuffle: at least one per core, none too large for a task."""
    if wanted:
        return wanted
    by_size = -(-records * keys * ENTRY_BYTES // ENTRY_BYTES_PER_PARTITION)
    return int(max(cores, -(-by_size // cores) * cores))


def plan_candidates(
    session: SparkSession, intake: Intake, source: KeySource, settings: CandidateSettings,
    model: Model | None = None,
) -> PreFlight:  # fmt: skip
    """Choose the first plan, loosest first, whose pairs fit the budget; a model brings its own.

    Raises:
        GateError: even the tightest plan is beyond the hard limit.
    """
    records = int(np.count_nonzero(intake.weights))
    budget = max(settings.min_budget, settings.pairs_per_record * records)
    if model is not None:
        return PreFlight(model.plan, None, budget, {})
    tried = plan_table(
        chunks_of(session, len(intake.store.nodes)), source, settings.start_depths,
        settings.split_sizes, settings.sample,
    )  # fmt: skip
    for (depth, size), pairs in tried.items():
        if pairs <= budget:
            return PreFlight(Plan(depth, size), pairs, budget, tried)
    depth, size = min(tried, key=lambda key: tried[key])
    pairs = tried[depth, size]
    if pairs > settings.hard_factor * budget:
        raise GateError(
            f"candidate budget: the tightest plan (depth {depth}, split {size}) would make about "
            f"{pairs:,} pairs, over {settings.hard_factor:g} times the budget of {budget:,}. "
            "Values that many records share make such buckets: look at the completeness and the "
            "most frequent values of the key fields, drop a key family from the mapping, or raise "
            "candidates.pairs_per_record"
        )
    warning = f"candidate budget of {budget:,} pairs exceeded: about {pairs:,} expected"
    return PreFlight(Plan(depth, size), pairs, budget, tried, warning)
