"""Figures of a tagged frame, and what the quality gate asserts on them."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.core.quality import FLAGS, REASON, Check, Severity
from pipelines.dedup.checks import (
    COLLAPSED,
    QUARANTINED,
    REJECTED,
    CheckPlan,
    field_rules,
    rule_limit,
)

Counts = Mapping[str, int]


def count_rows(tagged: DataFrame, plan: CheckPlan) -> DataFrame:
    """One row of figures: those of `row_figures`, and `ids`, different ids among good rows."""
    ids = F.count_distinct(F.when(F.col(REASON).isNull(), F.xxhash64(f"`{plan.id_column}`")))
    return tagged.agg(*row_figures(plan), ids.alias("ids"))


def row_figures(plan: CheckPlan) -> list[Column]:
    """Aggregates of a tagged frame that can be observed while it passes.

    Returns:
        Columns `rows`, `good`, `reason:<CODE>`, and over good rows `flag:<CODE>`, `null:<field>`.
    """
    is_good = F.col(REASON).isNull()
    figures = [F.count(F.lit(1)).alias("rows"), F.count_if(is_good).alias("good")]
    for code in (COLLAPSED, *REJECTED):
        figures.append(F.count_if(F.col(REASON) == code).alias(f"reason:{code}"))
    for code in sorted({rule.code for rule in field_rules(plan)}):
        flagged = is_good & F.array_contains(FLAGS, code)
        figures.append(F.count_if(flagged).alias(f"flag:{code}"))
    for name in (*plan.texts, *plan.dates):
        is_null = is_good & F.col(f"`{name}`").isNull()
        figures.append(F.count_if(is_null).alias(f"null:{name}"))
    return figures


def run_counts(counts: Counts, dlq: int = 0) -> dict[str, int]:
    """Counts of the run manifest; `rejected` is inactive and quarantined rows together.

    Args:
        counts: the row of `count_rows` as a dict.
        dlq: messages that did not decode and are in no frame.
    """
    duplicates = counts[f"reason:{COLLAPSED}"]
    return {
        "read": counts["rows"] + dlq,
        "duplicates": duplicates,
        "in": counts["rows"] + dlq - duplicates,
        "out": counts["good"],
        "rejected": sum(counts[f"reason:{code}"] for code in REJECTED),
        "quarantined": sum(counts[f"reason:{code}"] for code in QUARANTINED),
        "dlq": dlq,
        "late": 0,
    }


def rows_by_reason(counts: Counts) -> dict[str, int]:
    """Rows by reason and flag, for messages and the report."""
    return {
        name.partition(":")[2]: number
        for name, number in counts.items()
        if name.startswith(("reason:", "flag:"))
    }


def gate_checks(
    counts: Counts, plan: CheckPlan, null_limit: float = 0.99, all_null_rows: int = 100
) -> list[Check]:
    """What must hold for the table as a whole.

    Args:
        counts: the row of `count_rows` as a dict.
        plan: the plan of the checks.
        null_limit: largest share of missing values per field that passes without a warning.
        all_null_rows: from this many rows on, a field without any value stops the run.
    """
    rows, good = counts["rows"], counts["good"]
    quarantined = run_counts(counts)["quarantined"]
    checks = [
        Check("row_count", good, minimum=1),
        Check("unique_ids", good, good - counts["ids"]),
        Check("quarantine", rows, quarantined, tolerance=plan.quarantine_limit),
    ]
    for name, failed in counts.items():
        kind, _, code = name.partition(":")
        if kind == "null":
            is_empty: Severity = "ERROR" if failed == good >= all_null_rows else "WARN"
            checks.append(Check(name, good, failed, tolerance=null_limit, severity=is_empty))
        elif kind in ("reason", "flag"):
            severity, tolerance = rule_limit(code, plan)
            evaluated = rows if kind == "reason" else good
            checks.append(Check(code, evaluated, failed, tolerance=tolerance, severity=severity))
    return checks
