"""Curves of a ranking and their figures, for the reports."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipelines.core.charts import (
    add_hover,
    add_threshold,
    colour,
    format_axis,
    named_source,
    new_figure,
)

if TYPE_CHECKING:
    from bokeh.plotting import figure as Figure

FloatArray = npt.NDArray[np.float64]
_POINTS = 400


def precision_recall(
    fraud: npt.NDArray[np.int64], score: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Recall and precision at every threshold, from the highest score down."""
    order = np.argsort(-score, kind="stable")
    found, values = np.cumsum(fraud[order]), score[order]
    ends = np.append(values[1:] != values[:-1], True)
    taken = np.flatnonzero(ends) + 1
    return found[ends] / found[-1], found[ends] / taken


def cost_curve(
    fraud: npt.NDArray[np.int64], score: FloatArray, false_positive: float, missed: float
) -> tuple[FloatArray, FloatArray]:
    """Thresholds (a payment at or above is stopped) and what the mistakes cost there."""
    order = np.argsort(-score, kind="stable")
    found, values = np.cumsum(fraud[order]), score[order]
    ends = np.append(values[1:] != values[:-1], True)
    taken = np.flatnonzero(ends) + 1
    wrong, left = taken - found[ends], found[-1] - found[ends]
    return values[ends], wrong * false_positive + left * missed


def thin_out(*columns: FloatArray) -> list[list[float]]:
    """The same columns with at most some hundred points, first and last among them."""
    number = len(columns[0])
    rows = np.unique(np.linspace(0, number - 1, min(number, _POINTS)).astype(int))
    return [column[rows].tolist() for column in columns]


def draw_precision_recall(recall: FloatArray, precision: FloatArray) -> "Figure":
    """Return precision against recall."""
    fig = new_figure(
        320, x_label="recall", y_label="precision", x_range=(0, 1.02), y_range=(0, 1.05)
    )
    x, y = thin_out(recall, precision)
    source = named_source("precision-recall", {"recall": x, "precision": y})
    line = fig.line("recall", "precision", line_color=colour("for"), line_width=2.5, source=source)
    format_axis(fig.xaxis, "0%")
    format_axis(fig.yaxis, "0%")
    rows = [("recall", "@recall{0.0%}"), ("precision", "@precision{0.0%}")]
    add_hover(fig, [line], rows)
    return fig


def draw_costs(thresholds: FloatArray, costs: FloatArray, chosen: float, label: str) -> "Figure":
    """Return the cost of every threshold, rupees, with the one in use."""
    fig = new_figure(320, x_label=label, y_label="rupees")
    x, y = thin_out(thresholds, costs)
    source = named_source("costs", {"threshold": x, "cost": y})
    line = fig.line("threshold", "cost", line_color=colour("for"), line_width=2.5, source=source)
    add_threshold(fig, chosen, "in use")
    format_axis(fig.yaxis, "0.0a")
    add_hover(fig, [line], [("threshold", "@threshold{0.0}"), ("cost, Rs", "@cost{0,0}")])
    return fig
