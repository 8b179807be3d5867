"""The sections of the page: a title says what was found, a caption how to read the picture."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.charts import draw_bars
from pipelines.core.report import Block, Chart, Columns, Kpi, Note, Section, Table
from pipelines.core.report_parts import ABSENT, show_count, show_percent, show_seconds
from pipelines.core.summary import RunSummary
from pipelines.core.wire import Wire
from pipelines.upi_fraud import curves
from pipelines.upi_fraud.config import UpiConfig
from pipelines.upi_fraud.decider import Kind
from pipelines.upi_fraud.evaluate import Quality
from pipelines.upi_fraud.payment import show_rupees
from pipelines.upi_fraud.report.charts import draw_actions, draw_kinds, draw_latency, draw_points

Json = Mapping[str, Any]
ACTIONS = ("APPROVE", "ADDITIONAL_VERIFICATION", "MANUAL_REVIEW", "BLOCK")


def head_kpis(summary: RunSummary) -> list[Kpi]:
    """Return the figures of the head line; what was not measured is left out."""
    get = summary.metrics.get
    recalls = [v for n, v in summary.metrics.items() if n.startswith("recall_") and v is not None]
    worst = min(recalls) if recalls else None
    made = [
        Kpi("Frauds caught, worst kind", show_percent(worst, 0), "episodes, by value", True),
        Kpi("False positives", show_percent(get("false_positive_rate"), 3), "of genuine", True),
        Kpi("Decisions a second", show_count(get("decisions_per_second")), "start included", True),
        Kpi("Approved", show_count(get("approved"))),
        Kpi("Verified", show_count(get("verified"))),
        Kpi("Reviewed", show_count(get("reviewed"))),
        Kpi("Blocked", show_count(get("blocked"))),
        Kpi("Mistakes cost", _rupees(get("expected_cost_rupees"))),
        Kpi("Flags", show_count(get("flags")), "slow path and analysts"),
        Kpi("Median state", f"{show_count(get('state_bytes_median'))} B", "of a payer"),
        Kpi("Run time", show_seconds(summary.total_seconds)),
    ]
    return [kpi for kpi in made if ABSENT not in kpi.value]


def _rupees(rupees: float | None) -> str:
    return ABSENT if rupees is None else show_rupees(round(100 * rupees))


def actions_section(decisions: Sequence[Json], summary: RunSummary) -> Section:
    """How many payments got which action, and their points."""
    counts = Counter(one["recommended_action"] for one in decisions)
    total = max(1, len(decisions))
    title = f"{show_percent(counts['APPROVE'] / total, 2)} of the payments are approved at once"
    points = np.array([min(one["risk_score"], 100) for one in decisions if one["risk_score"] > 0])
    blocks: list[Block] = [
        Chart("actions", "Payments that are stopped", draw_actions(counts)),
        Chart(
            "points", "Points of the payments that have any", draw_points(points),
            "Bars of five points; 100 stands for all above.",
        ),
    ]  # fmt: skip
    lead = (
        f"{show_count(summary.metrics['degraded'])} decisions were degraded,"
        f" {show_count(summary.metrics['window_inexact'])} looked back through buckets."
    )
    return Section("actions", "Actions", title, [Columns(blocks)], lead)


def kinds_section(quality: Quality, baseline: Quality) -> Section:
    """Recall by kind of fraud, beside a decision by the amount alone."""
    caught = sum(one.caught for one in quality.kinds.values())
    episodes = sum(one.episodes for one in quality.kinds.values())
    rows = [
        (
            name, show_count(one.episodes), show_percent(one.recall, 0),
            f"{show_count(one.stopped)} of {show_count(one.payments)}",
            f"{show_rupees(one.stopped_paise)} of {show_rupees(one.paise)}",
            show_seconds(float(np.median(one.first_flag_ms)) / 1000) if one.first_flag_ms else "–",
            show_percent(baseline.kinds[name].recall, 0),
        )
        for name, one in quality.kinds.items()
    ]  # fmt: skip
    columns = ("kind", "episodes", "caught", "payments stopped", "value stopped", "first stopped",
               "caught by amount alone")  # fmt: skip
    blocks: list[Block] = [
        Chart("kinds", "Value stopped by kind", draw_kinds(quality.kinds)),
        Table(columns, rows, "lrrrrrr"),
    ]
    lead = (
        "An episode is caught when at least half of its value is not approved."
        f" {show_count(quality.false_positives)} of {show_count(quality.genuine)} genuine payments"
        " were stopped."
    )
    return Section("kinds", "Frauds", f"{caught} of {episodes} frauds are caught", blocks, lead)


def curve_section(
    decisions: Sequence[Json], truth: Mapping[str, tuple[str, int]], config: UpiConfig
) -> Section:
    """Precision and recall, and the cost of every threshold on the points."""
    fraud = np.array([one["transaction_id"] in truth for one in decisions], np.int64)
    score = np.array([one["risk_score"] for one in decisions], np.float64)
    if not fraud.any():
        return Section("curve", "Curve", "No fraud in the input", [])
    recall, precision = curves.precision_recall(fraud, score)
    costs = config.costs
    thresholds, rupees = curves.cost_curve(
        fraud, score, costs.false_positive_rs, costs.missed_fraud_rs
    )
    best = int(np.argmin(rupees))
    blocks: list[Block] = [
        Chart(
            "precision-recall", "Precision and recall of the points",
            curves.draw_precision_recall(recall, precision),
            "Each point is a threshold on the score; all payments, not episodes.",
        ),
        Chart(
            "costs", f"Cheapest: stop from {thresholds[best]:.0f} points",
            curves.draw_costs(thresholds, rupees, 40.0, "stopped from so many points"),
            f"Rs {costs.false_positive_rs:g} for a genuine payment stopped,"
            f" Rs {costs.missed_fraud_rs:,.0f} for a fraud let through.",
        ),
    ]  # fmt: skip
    title = f"The mistakes cost at least {_rupees(float(rupees[best]))}"
    return Section("curve", "Curve", title, [Columns(blocks)])


def rules_section(decisions: Sequence[Json], most: int = 15) -> Section:
    """The rules that fired most."""
    fired = Counter(rule["code"] for one in decisions for rule in one["risk_factors"])
    if not fired:
        return Section("rules", "Rules", "No rule fired", [])
    top = fired.most_common(most)
    figure = draw_bars(
        [name for name, _ in top], [float(n) for _, n in top], [show_count(n) for _, n in top],
        x_label="payments",
    )  # fmt: skip
    title = f"{top[0][0]} fires most: {show_count(top[0][1])} times"
    return Section("rules", "Rules", title, [Chart("rules", "Payments by rule", figure)])


def latency_section(milliseconds: Sequence[float], summary: RunSummary) -> Section:
    """How long a decision takes, transport aside."""
    if not milliseconds:
        return Section("latency", "Latency", "No decision was timed", [])
    get = summary.metrics.get
    title = f"Half of the decisions take less than {get('latency_p50_ms'):.2f} ms"
    caption = (
        "One payer in twenty, decided again in a plain loop: from the bytes of the payment to those"
        " of its decision. What Kafka and Flink add is measured by the benchmark."
    )
    chart = Chart("latency", "Time of a decision", draw_latency(milliseconds), caption)
    lead = f"99 % take less than {get('latency_p99_ms'):.2f} ms."
    return Section("latency", "Latency", title, [chart], lead)


def examples_section(decisions: Sequence[Json]) -> Section:
    """The decision with most points of each action that stops, explained."""
    blocks: list[Block] = []
    for action in reversed(ACTIONS[1:]):
        chosen = [one for one in decisions if one["recommended_action"] == action]
        if chosen:
            blocks += _explain(max(chosen, key=lambda one: (len(one["risk_factors"]),
                                                            one["risk_score"])))  # fmt: skip
    title = f"{len(blocks) // 2} decisions, with everything that led to them"
    return Section("examples", "Examples", title, blocks)


def _explain(decision: Json) -> list[Block]:
    action = decision["recommended_action"].replace("_", " ").lower()
    rules = [
        (one["code"], one["factor"], one["observed"], one["limit"], str(one["points"]))
        for one in decision["risk_factors"]
    ]
    factors = ", ".join(
        f"{one['factor']} {one['points']}" for one in decision["factors"] if one["points"]
    )
    told = f" ({factors})" if factors else ""
    note = (
        f"{show_rupees(decision['amount_paise'])}, {decision['risk_score']} points{told}:"
        f" {action}, rules {decision['rule_version']}."
    )
    columns = ("rule", "factor", "observed", "limit", "points")
    return [Note(note), Table(columns, rules, "llllr", title=f"Why: {action}")]


def flags_section(flags: Sequence[Json]) -> Section:
    """What the slow path found, or an analyst set."""
    counts = Counter((one["kind"], one["subject_kind"].lower()) for one in flags)
    rows = [(kind, subject, show_count(n)) for (kind, subject), n in sorted(counts.items())]
    title = f"Flags on accounts, devices and merchants: {show_count(len(flags))}"
    table = Table(("flag", "on", "number"), rows, "llr")
    return Section("flags", "Flags", title, [table])


def reasons_of(outcomes: pa.Table) -> dict[str, int]:
    """Records that were not decided, by reason."""
    wire, reasons = Wire("upi.Rejection"), Counter[str]()
    kinds = pa.array([int(Kind.REJECTED), int(Kind.COPY)], pa.int32())
    chosen = outcomes.filter(pc.is_in(outcomes["kind"], kinds))
    for value in chosen["message_value"].to_pylist():
        reasons[wire.decode(value)["reason"]] += 1
    letters, late = Wire("ops.DlqEnvelope"), pc.equal(outcomes["kind"], int(Kind.LATE))
    dead = outcomes.filter(pc.equal(outcomes["kind"], int(Kind.DEAD)))
    for value in dead["message_value"].to_pylist():
        reasons[letters.decode(value)["error_code"]] += 1
    if number := pc.sum(late).as_py():
        reasons["LATE"] = number
    return dict(reasons)
