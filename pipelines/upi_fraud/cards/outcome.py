"""What a training run leaves: figures, the model as files, the report."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipelines.core.report import Chart, Kpi, Note, Report, Section, Table
from pipelines.core.report_parts import (
    counts_section,
    manifest_of,
    setup_section,
    show_count,
    steps_section,
)
from pipelines.core.summary import RunSummary
from pipelines.upi_fraud.arrays import FloatArray, IntArray
from pipelines.upi_fraud.cards.config import CardConfig
from pipelines.upi_fraud.cards.features import FEATURES
from pipelines.upi_fraud.cards.protocol import Figures
from pipelines.upi_fraud.curves import draw_precision_recall, precision_recall

PUBLISHED: Mapping[str, tuple[float, float, float]] = {
    "logistic regression": (0.871, 0.606, 0.291),
    "random forest": (0.867, 0.658, 0.287),
    "XGBoost": (0.862, 0.639, 0.273),
}
"""One test week in the Fraud-Detection-Handbook: AUC, average precision, card precision."""


@dataclass(frozen=True)
class Week:
    """A training week and its test week.

    Attributes:
        train, train_frauds, test, test_frauds: payments.
        figures, plain: of the model, and of the posterior alone.
        members: models as JSON.
        score, fraud, amount: of the test payments.
    """

    train: int
    train_frauds: int
    test: int
    test_frauds: int
    figures: Figures
    plain: Figures
    members: list[bytes]
    score: FloatArray
    fraud: IntArray
    amount: FloatArray


def metrics_of(weeks: Sequence[Week]) -> dict[str, float | int | None]:
    """Flat figures: the first test week, and means over all."""
    first = weeks[0]

    def mean(name: str) -> float:
        return float(np.mean([getattr(week.figures, name) for week in weeks]))

    return {
        "auc": first.figures.auc,
        "average_precision": first.figures.average_precision,
        "card_precision_100": first.figures.card_precision,
        "auc_prequential": mean("auc"),
        "average_precision_prequential": mean("average_precision"),
        "card_precision_100_prequential": mean("card_precision"),
        "train_payments": first.train,
        "train_frauds": first.train_frauds,
        "test_payments": first.test,
        "test_frauds": first.test_frauds,
    }


def table_digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_model(
    weeks: Sequence[Week], config: CardConfig, summary: RunSummary, folder: Path
) -> None:
    """Write the models of the last training week, their manifest and the model card."""
    target = folder / "model"
    target.mkdir(parents=True, exist_ok=True)
    for number, raw in enumerate(weeks[-1].members):
        (target / f"member_{number}.json").write_bytes(raw)
    manifest = {
        "version": f"cards-{summary.config_hash[:12]}",
        "features": FEATURES,
        "members": len(weeks[-1].members),
        "data": summary.inputs,
        "label_delay_days": config.split.delay_days,
        "metrics": summary.metrics,
    }
    text = json.dumps(manifest, indent=2) + "\n"
    (target / "manifest.json").write_text(text, encoding="utf-8")
    (target / "MODEL_CARD.md").write_text(_model_card(config, summary), encoding="utf-8")


def _model_card(config: CardConfig, summary: RunSummary) -> str:
    get = summary.metrics.get
    return (
        "# Model card: fraud among card payments\n\n"
        "**Use**: rank payments for a team that looks at a hundred cards a day. Not for refusing"
        " anybody without a look.\n\n"
        f"**Data**: simulated card payments, labels known {config.split.delay_days} days later;"
        f" trained on {get('train_payments'):,} payments with {get('train_frauds'):,} frauds.\n\n"
        "**Method**: the probabilities that an account or a terminal is being misused, computed by"
        " Bayes' rule from what is known at the moment of the payment, and a few boosted trees that"
        " correct them. Amounts may only raise the score.\n\n"
        f"**Figures** (first test week): AUC {get('auc'):.4f}, average precision"
        f" {get('average_precision'):.4f}, card precision@{config.split.top}"
        f" {get('card_precision_100'):.4f}.\n\n"
        "**Limits**: the misuse patterns are those of the simulation; a terminal's first week of"
        " misuse cannot be seen, because no label is known yet.\n"
    )


def write_report(weeks: Sequence[Week], summary: RunSummary, path: Path) -> None:
    """Write the page of a training run."""
    get = summary.metrics.get
    kpis = [
        Kpi("Average precision", f"{get('average_precision'):.3f}", "published .658", True),
        Kpi("AUC", f"{get('auc'):.3f}", "published .871", True),
        Kpi("Card precision@100", f"{get('card_precision_100'):.3f}", "published .291", True),
        Kpi("Mean of the weeks", f"{get('average_precision_prequential'):.3f}",
            "average precision; published .687"),
        Kpi("Training payments", show_count(weeks[0].train)),
        Kpi("Frauds among them", show_count(weeks[0].train_frauds)),
    ]  # fmt: skip
    sections = [
        _curve_section(weeks[0]), _weeks_section(weeks), counts_section(summary.counts, {}),
        steps_section(summary.seconds), setup_section(summary.config, manifest_of(summary)),
    ]  # fmt: skip
    report = Report(
        "fraud model", f"Average precision {get('average_precision'):.3f} on card payments",
        "Tested two weeks after training; a label is known a week late.", kpis, sections,
        (("run", summary.run_id), ("as of", summary.as_of.isoformat())),
    )  # fmt: skip
    report.write(path)


def _curve_section(week: Week) -> Section:
    recall, precision = precision_recall(week.fraud, week.score)
    chart = Chart(
        "precision-recall", "Precision and recall of the first test week",
        draw_precision_recall(recall, precision),
        "Each point is a threshold: how many of the frauds are found, and how many of the payments"
        " found are frauds.",
    )  # fmt: skip
    half = precision[np.searchsorted(recall, 0.5)]
    title = f"Half of the frauds are found at a precision of {half:.0%}"
    return Section("curve", "Curve", title, [chart])


def _weeks_section(weeks: Sequence[Week]) -> Section:
    rows = [
        (
            f"week {number}", show_count(week.test), show_count(week.test_frauds),
            f"{week.figures.auc:.4f}", f"{week.figures.average_precision:.4f}",
            f"{week.figures.card_precision:.4f}", f"{week.plain.average_precision:.4f}",
        )
        for number, week in enumerate(weeks)
    ]  # fmt: skip
    rows += [
        (f"published, {name}", "", "", f"{auc:.3f}", f"{precision:.3f}", f"{cards:.3f}", "")
        for name, (auc, precision, cards) in PUBLISHED.items()
    ]
    columns = (
        "test", "payments", "frauds", "AUC", "average precision", "card precision@100",
        "posterior alone",
    )  # fmt: skip
    note = Note(
        "Published figures are of the first test week (Fraud-Detection-Handbook, 2022), with the"
        " same split and the same delay."
    )
    title = f"{len(weeks)} weeks, each tested with a model of two weeks before"
    return Section("weeks", "Weeks", title, [Table(columns, rows, "lrrrrrr"), note])
