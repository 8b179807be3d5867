"""Load: what was set aside, and the `runs` row that publishes all tables of a run together."""

from collections.abc import Iterable, Iterator
from functools import reduce

import pyarrow as pa
from pyspark.sql import DataFrame

from pipelines.core.contracts import spark_schema
from pipelines.core.lake_arrow import publish_run, write_tasks
from pipelines.credit.lake import QUARANTINE
from pipelines.credit.result import Run


def publish(state: Run) -> None:
    """Write the quarantine, settle the counts, and publish.

    Raises:
        GateError: the counts do not add up; nothing is published.
    """
    lake, summary = state.lake, state.summary
    if state.quarantined:
        rows = reduce(DataFrame.unionByName, state.quarantined)
        write_tasks(lake, QUARANTINE, rows, _pass_on, spark_schema("ops.QuarantinedRecord"))
    summary.counts = run_counts(state)
    if state.card:
        told = {"id": state.card.id, "version": state.card.version, "sha256": state.card.sha256}
        summary.inputs["scorecard"] = told
    schema = spark_schema("credit.CreditRun")
    more = {
        "command": state.request.command,
        "scorecard_id": state.card.id if state.card else None,
        "scorecard_version": state.card.version if state.card else None,
        "inputs": {state.source.name: state.source.digest},
        "seconds": state.log.seconds,
    }
    publish_run(lake, summary, schema, more)


def _pass_on(batches: Iterable[pa.RecordBatch], _: list[bytes]) -> Iterator[pa.RecordBatch]:
    """Rows as they are: they are found once, where Spark would look twice, first for a digest."""
    yield from batches


def run_counts(state: Run) -> dict[str, int]:
    """Counts of the manifest: `in` and `out` are applications, other inputs have their own names.

    `in` has no exact copies; applications without a bin are rejected like those of the gate.
    """
    counts = {"in": 0, "out": 0, "rejected": 0, "dlq": 0, "late": 0}
    invalid = sum(state.scores.invalid.values()) if state.scores else 0
    for name, tally in state.intake.tallies.items():
        dead = state.source.dead.get(name, 0)
        if name == "applications":
            counts["in"], counts["dlq"] = tally.read - tally.duplicates + dead, dead
            counts["out"], counts["rejected"] = tally.out - invalid, tally.rejected + invalid
            counts["duplicates"] = tally.duplicates
            if state.scores:
                counts["for_training"] = tally.out - state.scores.rows
            continue
        counts |= {
            f"{name}_in": tally.read - tally.duplicates + dead, f"{name}_out": tally.out,
            f"{name}_rejected": tally.rejected, f"{name}_duplicates": tally.duplicates,
            f"{name}_dlq": dead,
        }  # fmt: skip
    if state.intake.tallies:
        counts["days_changed"] = state.intake.changed_days
        counts["days_unchanged"] = state.intake.same_days
        counts["transactions_after_as_of"] = state.intake.later_rows
    return counts


def rows_by_reason(state: Run) -> dict[str, int]:
    """Rows set aside by input and reason."""
    reasons = {
        f"{name}: {code}": n
        for name, tally in state.intake.tallies.items()
        for code, n in tally.reasons.items()
    }
    if state.scores:
        reasons |= {f"scoring: {code}": n for code, n in state.scores.invalid.items()}
    return reasons
