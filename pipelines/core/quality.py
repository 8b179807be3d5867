"""Quality gates: row rules as native Spark predicates, and the only importer of Great Expectations.

Row rules are declared once, as data, and evaluated in one pass. What they counted becomes one small
pandas frame, on which a Great Expectations suite asserts; so the gate costs the same for any size.
"""

import functools
import importlib
import math
import os
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.core.errors import GateError

Severity = Literal["ERROR", "WARN"]
Action = Literal["reject", "null_field", "flag"]

_OUTSIDE = re.compile(r"<script\b.*?</script>|<(?:link|img)\b[^>]*>", re.DOTALL)
_DOCS_STYLE = Path(__file__).parent / "templates" / "data_docs.css"

REASON = "reject_reason"
FLAGS = "dq_flags"


@dataclass(frozen=True)
class Rule:
    """One rule on single rows.

    Attributes:
        code: reason or flag, such as BAD_DOB.
        condition: Spark SQL, true for a defective row; false and null mean the row is fine.
        action: `reject` gives the row a reason (the first rule wins), `null_field` empties the
            column and flags the row, `flag` only flags it.
        column: the column to empty.
        severity: what a share above the tolerance means: ERROR stops the publish, WARN is shown.
        tolerance: largest share of defective rows, 0 to 1.
    """

    code: str
    condition: str
    action: Action
    column: str | None = None
    severity: Severity = "WARN"
    tolerance: float = 1.0


def apply_rules(df: DataFrame, rules: Sequence[Rule]) -> DataFrame:
    """Empty bad fields, then find the reason to reject a row; nothing is evaluated yet.

    Returns:
        The frame with `reject_reason` (null = good) and `dq_flags` (array of codes, in the order
        of the rules; flags that were there before come first).
    """
    marking = [rule for rule in rules if rule.action != "reject"]
    rejecting = [rule for rule in rules if rule.action == "reject"]
    emptied: dict[str, Column] = {}
    for rule in marking:
        if rule.action == "null_field" and rule.column:
            before = emptied.get(rule.column, F.col(f"`{rule.column}`"))
            emptied[rule.column] = F.when(~_is_broken(rule), before)
    marked = df.withColumns({**emptied, FLAGS: _flags(df, marking)})
    return marked.withColumn(REASON, _first_reason(rejecting))


def _is_broken(rule: Rule) -> Column:
    return F.coalesce(F.expr(rule.condition), F.lit(False))


def _flags(df: DataFrame, rules: Sequence[Rule]) -> Column:
    none = F.array().cast("array<string>")
    raised = [F.when(_is_broken(rule), F.lit(rule.code)) for rule in rules]
    flags = F.array_compact(F.array(*raised)) if raised else none
    return F.concat(F.coalesce(FLAGS, none), flags) if FLAGS in df.columns else flags


def _first_reason(rules: Sequence[Rule]) -> Column:
    broken = [F.when(_is_broken(rule), F.lit(rule.code)) for rule in rules]
    return F.coalesce(*broken) if broken else F.lit(None).cast("string")


@dataclass(frozen=True)
class Check:
    """One assertion on a figure of the whole table.

    Attributes:
        name: what is asserted, such as `row_count` or `BAD_PINCODE`.
        evaluated, failed: rows looked at, and those that broke the rule.
        minimum: least number of rows (then `failed` is not used).
        tolerance: otherwise the largest share of failed rows, 0 to 1.
        severity: ERROR stops the publish, WARN is shown.
    """

    name: str
    evaluated: int
    failed: int = 0
    minimum: int | None = None
    tolerance: float = 0.0
    severity: Severity = "ERROR"

    @property
    def figure(self) -> float:
        """What the suite looks at: rows, or the share of failed rows (0 where there is none)."""
        if self.minimum is not None:
            return float(self.evaluated)
        return self.failed / self.evaluated if self.evaluated else 0.0

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """Smallest and largest allowed figure."""
        return (None, self.tolerance) if self.minimum is None else (float(self.minimum), None)


@dataclass(frozen=True)
class QualityReport:
    """What the gate found; `rows` is ready for JSON."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def errors(self) -> list[dict[str, Any]]:
        """Failed expectations that stop the publish."""
        return [row for row in self.rows if row["severity"] == "ERROR" and not row["success"]]

    def require(self, reasons: Mapping[str, int]) -> None:
        """Let a run go on only without failed ERROR expectations.

        Args:
            reasons: rows by reason or flag, for the message.

        Raises:
            GateError: lists what failed and the counts by reason.
        """
        if not self.errors:
            return
        failed = "; ".join(_told(row) for row in self.errors)
        counts = ", ".join(f"{code} {n}" for code, n in sorted(reasons.items()) if n) or "none"
        raise GateError(
            f"quality gate: {failed}. Rows by reason: {counts}. Nothing was published; "
            "look at the quarantine, then mend the input or raise the limit"
        )


def _told(row: Mapping[str, Any]) -> str:
    """An expectation that failed, with what was found."""
    found = f"{row['failed']} of {row['evaluated']}"
    if row["minimum"] is not None:
        found = f"{row['evaluated']} rows, {row['minimum']} or more are needed"
    return f"{row['expectation']} ({found})"


def preload() -> threading.Thread:
    """Import Great Expectations beside the first Spark work; it takes seconds."""
    thread = threading.Thread(target=_expectations, name="preload-quality", daemon=True)
    thread.start()
    return thread


def _expectations() -> ModuleType:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    return importlib.import_module("great_expectations")


def validate(checks: Sequence[Check], docs: Path | None = None) -> QualityReport:
    """Run the checks as one Great Expectations suite on a frame of one row.

    Args:
        checks: what must hold.
        docs: file for the Data Docs page of the suite; None writes none.

    Raises:
        GateError: there is no row-count check (an empty frame passes all others), two checks have
            one name, or a figure is not a number.
    """
    names = [check.name for check in checks]
    if not any(check.minimum for check in checks) or len(set(names)) < len(names):
        raise GateError(f"quality suite: needs a row count and different names, has {names}")
    if not all(math.isfinite(check.figure) for check in checks):
        raise GateError("quality suite: a figure is not a number")
    frame = pd.DataFrame({check.name: [check.figure] for check in checks}, dtype=object)
    batch = _batches().get_batch({"dataframe": frame})
    gx = _expectations()
    expectations = [_expectation(gx, check) for check in checks]
    found = batch.validate(gx.ExpectationSuite(name="gate", expectations=expectations))
    if docs:
        docs.parent.mkdir(parents=True, exist_ok=True)
        docs.write_text(_render_docs(found), encoding="utf-8")
    outcome = {
        result.expectation_config.kwargs["column"]: bool(result.success) for result in found.results
    }
    return QualityReport([_report_row(check, outcome[check.name]) for check in checks])


@functools.cache
def _batches() -> Any:
    """Makes batches of frames; the context behind it takes longer than a suite."""
    context = _expectations().get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("counters").add_dataframe_asset("figures")
    return asset.add_batch_definition_whole_dataframe("run")


def _expectation(gx: ModuleType, check: Check) -> Any:
    """The largest of one figure: it costs a quarter of asking all values, and the page tells it."""
    least, most = check.bounds
    return gx.expectations.ExpectColumnMaxToBeBetween(
        column=check.name, min_value=least, max_value=most
    )


def _render_docs(found: Any) -> str:
    """The Data Docs page without what it would fetch from the network when it is opened."""
    _expectations()
    renderer = importlib.import_module("great_expectations.render.renderer.page_renderer")
    view = importlib.import_module("great_expectations.render.view")
    page = view.DefaultJinjaPageView().render(
        renderer.ValidationResultsPageRenderer().render(found)
    )
    style = _DOCS_STYLE.read_text(encoding="utf-8")
    return _OUTSIDE.sub("", page).replace("</head>", f"<style>{style}</style></head>", 1)


def _report_row(check: Check, success: bool) -> dict[str, Any]:
    row = asdict(check)
    return {"expectation": row.pop("name"), "success": success, **row}


def reconcile(counts: Mapping[str, int]) -> None:
    """Hold the counts of a run together: in = read - duplicates = out + rejected + dlq + late.

    Raises:
        GateError: they do not add up; names both sides.
    """
    wanted = counts["read"] - counts["duplicates"]
    found = sum(counts[name] for name in ("out", "rejected", "dlq", "late"))
    if not counts["in"] == wanted == found:
        raise GateError(
            f"counts do not add up: in {counts['in']}, read - duplicates {wanted}, "
            f"out + rejected + dlq + late {found}; rows were lost or made, nothing was published"
        )
