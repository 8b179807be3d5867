"""The sections of a credit report: a title says what was found, a caption how to read it."""

from collections.abc import Mapping, Sequence

from pipelines.core.report import (
    Badge,
    Block,
    Bullets,
    Cell,
    Chart,
    Columns,
    Details,
    Kpi,
    Section,
    Table,
)
from pipelines.core.report_parts import ABSENT, show_count, show_percent, show_seconds
from pipelines.credit.challenger import Comparison
from pipelines.credit.config import DriftSettings, FairnessSettings
from pipelines.credit.drift import Drift
from pipelines.credit.metrics import ScoreCounts, calibration_bins
from pipelines.credit.monitoring import Fairness
from pipelines.credit.outcome import quality
from pipelines.credit.report import charts
from pipelines.credit.result import Findings, Run
from pipelines.credit.scorecard import CardFeature, Scorecard

_TONES = {"OK": "good", "WARN": "warn", "ALARM": "bad", "UNDECIDED": "plain"}


def show(value: float | None, digits: int = 3) -> str:
    """A figure, or a dash."""
    return ABSENT if value is None else f"{value:.{digits}f}"


def subtitle(state: Run) -> str:
    """One sentence on what the figures stand on."""
    found = state.findings
    judged = found.judged
    if judged is None or not judged.rows:
        return f"{state.source.name}. No outcome is known yet, so quality cannot be measured."
    kind = "later applications" if found.holdout and found.holdout.rows else "out-of-fold scores"
    return f"{state.source.name}. Quality is measured on {show_count(judged.rows)} {kind}."


def head_kpis(state: Run) -> list[Kpi]:
    """The figures of the head line."""
    get = state.summary.metrics.get
    ceiling = get("auc_ceiling")
    note = f"ceiling {ceiling:.3f}" if ceiling is not None else ""
    return [
        Kpi("AUC", show(get("auc")), note, is_lead=True),
        Kpi("KS", show(get("ks")), is_lead=True),
        Kpi("Calibration error", show_percent(get("ece")), is_lead=True),
        Kpi("Largest PSI", show(get("psi_max")), is_lead=True),
        Kpi("Least selection ratio", show(get("four_fifths_min"), 2), is_lead=True),
        Kpi("Scored", show_count(get("scored"))),
        Kpi("Thin files", show_count(get("thin_file"))),
        Kpi("Set aside", show_count(get("rejected"))),
        Kpi("Gini", show(get("gini"))),
        Kpi("Brier", show(get("brier"), 4)),
        Kpi("Rows a second", show_count(get("rows_per_second")), "scoring"),
        Kpi("Run time", show_seconds(state.summary.total_seconds)),
    ]


def quality_section(counts: ScoreCounts, card: Scorecard, found: Findings) -> Section:
    """KS, ROC and calibration on what nobody trained on."""
    figures, bins = quality(counts, card.calibration), calibration_bins(counts, card.calibration)
    title = f"AUC {show(figures['auc'])}, KS {show(figures['ks'])}, calibrated to " + show_percent(
        figures["ece"]
    )
    lead = f"{show_count(counts.bad.sum())} defaults among {show_count(counts.rows)} applications."
    if found.ceiling is not None:
        lead += f" The true probabilities themselves would reach {found.ceiling:.3f}."
    legend = (("defaults", "against"), ("goods", "for"))
    rows = [(show_count(b.rows), show_percent(b.predicted), show_percent(b.observed)) for b in bins]
    blocks: list[Block] = [
        Columns([
            Chart("ks", "Where goods and defaults part", charts.draw_ks(counts), "", legend),
            Chart("roc", "What a line costs", charts.draw_roc(counts)),
        ]),
        Columns([
            Chart("calibration", "Predicted and observed", charts.draw_calibration(bins)),
            Table(("rows", "predicted", "observed"), rows, "rrr", title="Groups by probability"),
        ]),
    ]  # fmt: skip
    return Section("quality", "Quality", title, blocks, lead)


def card_section(card: Scorecard) -> Section:
    """Every bin and its points."""
    title = f"{len(card.features)} features, {card.min_points} to {card.max_points} points"
    lead = f"A score is {card.base_points} points and the points of one bin of each feature."
    worth = sorted(card.features, key=lambda f: -sum(b.iv for b in f.bins))
    rows = [
        (f.text, f.name, f.trend, f"{sum(b.iv for b in f.bins):.3f}",
         f"{min(b.points for b in f.bins)} to {f.max_points}")
        for f in worth
    ]  # fmt: skip
    names = ("feature", "column", "trend", "information", "points")
    details = [Details(f"{f.text}: {len(f.bins)} bins", [_bin_table(f)]) for f in worth]
    blocks: list[Block] = [Table(names, rows, "lllrr"), *details]
    if card.dropped:
        told = [f"{name}: {why}" for name, why in sorted(card.dropped.items())]
        blocks.append(Details(f"{len(told)} candidates left out", [Bullets(told)]))
    return Section("scorecard", "Scorecard", title, blocks, lead)


def _bin_table(feature: CardFeature) -> Table:
    rows = [
        (b.label, show_count(b.good), show_count(b.bad), f"{b.woe:+.3f}", str(b.points))
        for b in feature.bins
    ]
    return Table(("bin", "goods", "defaults", "WoE", "points"), rows, "lrrrr")


def drift_section(drift: Sequence[Drift], settings: DriftSettings) -> Section:
    """PSI with its chance level."""
    alarms = [one for one in drift if one.flag in ("ALARM", "WARN")]
    title = f"{len(alarms)} of {len(drift)} distributions have moved" if alarms else (
        "The population is the one of training"
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = [
        (one.name, f"{one.psi:.4f}", f"{one.statistic:.1f}", f"{one.p_value:.2g}",
         Badge(one.flag.lower(), _TONES[one.flag]))
        for one in drift
    ]  # fmt: skip
    table = Table(("distribution", "PSI", "statistic", "p", "verdict"), rows, "lrrrl")
    lead = (
        f"A flag needs a PSI above {settings.warn:g} (alarm {settings.alarm:g}) and a p-value below"
        f" {settings.p_value:g}: small samples raise no alarm by chance."
    )
    chart = Chart("psi", "Stability by distribution", charts.draw_drift(drift))
    return Section("drift", "Drift", title, [Columns([chart, table])], lead)


def fairness_section(fairness: Fairness, settings: FairnessSettings) -> Section:
    """Selection rates by group, and features that give a group away."""
    unfair = [one for one in fairness.rates if one.is_fair is False]
    above, below = settings.ratio_parts
    title = f"{len(unfair)} groups are selected at less than {above}/{below} of the best rate"
    rows: list[tuple[Cell, ...]] = []
    for one in fairness.rates:
        verdict = Badge("not judged") if one.is_fair is None else (
            Badge("passes", "good") if one.is_fair else Badge("flagged", "bad"))  # fmt: skip
        share = one.selected / one.rows if one.rows else None
        rows.append((one.attribute, one.group, show_count(one.rows), show_percent(share, 1),
                     show(one.ratio), show(one.p_value, 4), verdict))  # fmt: skip
    names = ("attribute", "group", "applicants", "selected", "ratio", "p", "verdict")
    lead = (
        f"Selected means a score of at least {settings.approval_score}, for this report only."
        " Attributes are joined after scoring; no feature may be made of them."
    )
    flagged = [one for one in fairness.proxies if one.is_flagged]
    told = [f"{one.feature} tells {one.attribute} {one.group} apart (AUC {one.auc:.2f})"
            for one in flagged] or ["No feature alone gives a group away."]  # fmt: skip
    chart = Chart("fairness", "Selection rate over the highest", charts.draw_rates(fairness.rates))
    blocks: list[Block] = [chart, Table(names, rows, "llrrrrl"), Bullets(told)]
    return Section("fairness", "Fairness", title, blocks, lead)


def challenger_section(found: Comparison) -> Section:
    """What the scorecard gives away against boosted trees."""
    span = f"{found.low:+.4f} to {found.high:+.4f}"
    title = f"The challenger gains {found.difference:+.4f} AUC ({span})"
    rows = [
        ("scorecard", f"{found.champion:.4f}", f"{found.champion_ks:.4f}"),
        ("boosted trees", f"{found.challenger:.4f}", f"{found.challenger_ks:.4f}"),
    ]
    lead = (
        f"Both on the same {show_count(found.rows)} applications, 95 % interval of a paired"
        " bootstrap. Promotion is a decision of people."
    )
    table = Table(("model", "AUC", "KS"), rows, "lrr")
    return Section("challenger", "Challenger", title, [table], lead)


def backtest_section(found: Mapping[str, tuple[int, int]]) -> Section:
    """Whether a past day comes out again."""
    differing = sum(one[1] for one in found.values())
    title = "The day comes out again, bit for bit" if not differing else (
        f"{show_count(differing)} rows differ"
    )  # fmt: skip
    rows = [(name, show_count(n), show_count(bad)) for name, (n, bad) in found.items()]
    table = Table(("what", "compared", "differing"), rows, "lrr")
    return Section("backtest", "Backtest", title, [table])
