"""Figures of a finished run, for `run.json`, the closing table and the report."""

from pipelines.credit import metrics as m
from pipelines.credit.metrics import ScoreCounts
from pipelines.credit.result import Run

Metrics = dict[str, float | int | None]


def measure(state: Run) -> Metrics:
    """All metrics of `run.json`; those that were not measured are None."""
    found, scores = state.findings, state.scores
    spent = state.log.seconds.get("score")
    rows = scores.rows if scores else None
    rejected = sum(t.rejected for t in state.intake.tallies.values())
    figures: Metrics = {
        **quality(found.judged, state.card.calibration if state.card else None),
        "auc_ceiling": found.ceiling,
        "psi_max": max((one.psi for one in found.drift), default=None),
        "drift_alarms": sum(one.flag == "ALARM" for one in found.drift) if found.drift else None,
        "four_fifths_min": found.fairness.least_ratio if found.fairness else None,
        "scored": scores.scored if scores else None,
        "thin_file": scores.thin if scores else None,
        "rejected": rejected + (sum(scores.invalid.values()) if scores else 0),
        "rows_per_second": rows / spent if rows is not None and spent else None,
    }
    if state.training:
        figures["trained_rows"] = len(state.training.sample)
        figures["out_of_fold_auc"] = m.auc(found.out_of_fold) if found.out_of_fold else None
    if state.card:
        figures["scorecard_version"] = state.card.version
        figures["scorecard_features"] = len(state.card.features)
    if found.comparison:
        figures["challenger_auc"] = found.comparison.challenger
        figures["challenger_gain_low"] = found.comparison.low
        figures["challenger_gain_high"] = found.comparison.high
    for name, (compared, differing) in found.backtest.items():
        figures |= {f"{name}_compared": compared, f"{name}_differing": differing}
    return figures


def quality(counts: ScoreCounts | None, calibration: tuple[float, float] | None) -> Metrics:
    """AUC, KS, Gini, Brier score and calibration error."""
    names = ("auc", "ks", "gini", "brier", "ece")
    if counts is None or calibration is None or not counts.rows:
        return dict.fromkeys(names)
    bins = m.calibration_bins(counts, calibration)
    values = (
        m.auc(counts), m.ks(counts), m.gini(counts), m.brier(counts, calibration),
        m.expected_calibration_error(bins),
    )  # fmt: skip
    return dict(zip(names, values, strict=True))
