"""Counts of a run, and what the quality gate asserts on them."""

from collections.abc import Mapping

from pipelines.core.quality import Check, Severity
from pipelines.dedup.checks import (
    COLLAPSED,
    QUARANTINED,
    REJECTED,
    CheckPlan,
    rule_limit,
)

Counts = Mapping[str, int]


def run_counts(counts: Counts, dlq: int = 0) -> dict[str, int]:
    """Counts of the run manifest; `rejected` is inactive and quarantined rows together.

    Args:
        counts: figures of all batches (`Checked.count`), and of the copies among them.
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


MEANINGS = {
    "UNREADABLE_ROW": "the line has too few or too many cells",
    "MISSING_ID": "no id",
    "SUPERSEDED": "a newer record has the same id",
    "NO_EVIDENCE": "every compared field is empty",
    "INACTIVE": "the status is not active",
}


def explained(reasons: Mapping[str, int]) -> dict[str, int]:
    """Rows by reason, with what the reason means."""
    return {
        f"{code} ({MEANINGS[code]})" if code in MEANINGS else code: number
        for code, number in reasons.items()
    }


def gate_checks(
    counts: Counts, plan: CheckPlan, null_limit: float = 0.99, all_null_rows: int = 100
) -> list[Check]:
    """What must hold for the table as a whole.

    Args:
        counts: as for `run_counts`; `checked` are good rows before copies went, `ids` different
            ids among good rows.
        plan: the plan of the checks.
        null_limit: largest share of missing values per field that passes without a warning.
        all_null_rows: from this many rows on, a field without any value stops the run.
    """
    rows, good, checked = counts["rows"], counts["good"], counts["checked"]
    quarantined = run_counts(counts)["quarantined"]
    checks = [
        Check("row_count", good, minimum=1),
        Check("unique_ids", good, good - counts["ids"]),
        Check("quarantine", rows, quarantined, tolerance=plan.quarantine_limit),
    ]
    for name, failed in counts.items():
        kind, _, code = name.partition(":")
        if kind == "null":
            is_empty: Severity = "ERROR" if failed == checked >= all_null_rows else "WARN"
            checks.append(Check(name, checked, failed, tolerance=null_limit, severity=is_empty))
        elif kind in ("reason", "flag"):
            severity, tolerance = rule_limit(code, plan)
            evaluated = rows if kind == "reason" else checked
            checks.append(Check(code, evaluated, failed, tolerance=tolerance, severity=severity))
    return checks
