"""The figures of a credit report, from counts by score and other small tables."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pipelines.core.charts import (
    add_hover,
    add_threshold,
    colour,
    draw_bars,
    format_axis,
    named_source,
    new_figure,
)
from pipelines.credit.drift import Drift
from pipelines.credit.fairness import GroupRate
from pipelines.credit.metrics import CalibrationBin, ScoreCounts, curve

if TYPE_CHECKING:
    from bokeh.plotting import figure as Figure


def draw_ks(counts: ScoreCounts) -> "Figure":
    """Cumulative shares of goods and bads by raw score, and where they are furthest apart."""
    good, bad = curve(counts)
    fig = new_figure(340, x_label="raw score", y_label="share up to this score")
    columns = {"score": counts.scores.tolist(), "good": good.tolist(), "bad": bad.tolist()}
    source = named_source("ks", columns)
    lines = [
        fig.line("score", name, line_color=colour(role), line_width=2.5, source=source)
        for name, role in (("bad", "against"), ("good", "for"))
    ]
    add_threshold(fig, float(counts.scores[int(np.argmax(np.abs(bad - good)))]), "KS")
    format_axis(fig.yaxis, "0%")
    rows = [("score", "@score"), ("defaults", "@bad{0.0%}"), ("goods", "@good{0.0%}")]
    add_hover(fig, lines[:1], rows)
    return fig


def draw_roc(counts: ScoreCounts) -> "Figure":
    """Share of defaults refused against share of goods refused, over all lines."""
    good, bad = (np.append(0.0, part) for part in curve(counts))
    fig = new_figure(340, x_label="goods refused", y_label="defaults refused")
    fig.line([0, 1], [0, 1], line_color=colour("line"), line_width=2)
    source = named_source("roc", {"good": good.tolist(), "bad": bad.tolist()})
    line = fig.line("good", "bad", line_color=colour("for"), line_width=2.5, source=source)
    for axis in (fig.xaxis, fig.yaxis):
        format_axis(axis, "0%")
    add_hover(fig, [line], [("goods refused", "@good{0.0%}"), ("defaults refused", "@bad{0.0%}")])
    return fig


def draw_calibration(bins: Sequence[CalibrationBin]) -> "Figure":
    """Observed against predicted default rate; on the diagonal the probability is right."""
    fig = new_figure(340, x_label="predicted", y_label="observed")
    top = max(max(one.predicted, one.observed) for one in bins) * 1.05
    fig.line([0, top], [0, top], line_color=colour("line"), line_width=2)
    columns = {name: [getattr(one, name) for one in bins] for name in ("predicted", "observed")}
    source = named_source("calibration", columns | {"rows": [one.rows for one in bins]})
    dots = fig.scatter(
        "predicted", "observed", size=10, fill_color=colour("for"), line_color=colour("card"),
        source=source,
    )  # fmt: skip
    for axis in (fig.xaxis, fig.yaxis):
        format_axis(axis, "0%")
    told = [("predicted", "@predicted{0.0%}"), ("observed", "@observed{0.0%}"), ("rows", "@rows")]
    add_hover(fig, [dots], told)
    return fig


def draw_drift(drift: Sequence[Drift]) -> "Figure":
    """PSI of the score and of each feature."""
    ordered = sorted(drift, key=lambda one: -one.psi)
    names = [one.name.replace("_", " ") for one in ordered]
    labels = [f"{one.psi:.3f} {one.flag.lower()}" for one in ordered]
    return draw_bars(names, [one.psi for one in ordered], labels, x_label="PSI")


def draw_rates(rates: Sequence[GroupRate]) -> "Figure":
    """Ratio of each judged group's selection rate to the highest one."""
    judged = [one for one in rates if one.ratio is not None]
    names = [f"{one.attribute.replace('_', ' ')}: {one.group}" for one in judged]
    values = [one.ratio or 0.0 for one in judged]
    return draw_bars(names, values, [f"{v:.2f}" for v in values], x_label="ratio")
