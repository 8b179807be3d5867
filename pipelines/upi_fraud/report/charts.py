"""The figures of the page."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipelines.core.charts import (
    add_hover,
    add_threshold,
    colour,
    draw_bars,
    named_source,
    new_figure,
)
from pipelines.core.report_parts import show_count, show_percent
from pipelines.upi_fraud.evaluate import KindFigures

if TYPE_CHECKING:
    from bokeh.plotting import figure as Figure

Numbers = npt.NDArray[Any]
STOPPED = ("ADDITIONAL_VERIFICATION", "MANUAL_REVIEW", "BLOCK")


def draw_actions(counts: Mapping[str, int]) -> "Figure":
    """Return payments by action; approved ones would dwarf the rest."""
    values = [float(counts.get(name, 0)) for name in STOPPED]
    total = max(1, sum(counts.values()))
    labels = [f"{show_count(n)}  {show_percent(n / total, 2)}" for n in values]
    names = [name.replace("_", " ").lower() for name in STOPPED]
    return draw_bars(names, values, labels, x_label="payments", role="review")


def draw_points(points: npt.NDArray[np.int64]) -> "Figure":
    """Return a histogram of the points, with the least score that stops a payment."""
    edges = np.arange(0, 110, 5)
    counts, _ = np.histogram(points, edges)
    fig = new_figure(300, x_label="points", y_label="payments")
    bars = _bars(fig, "points", edges, counts)
    add_threshold(fig, 40.0, "stopped")
    add_hover(fig, [bars], [("points", "@left to @right"), ("payments", "@n")])
    return fig


def draw_latency(milliseconds: Sequence[float]) -> "Figure":
    """Return a histogram of the time a decision takes, on a scale of powers."""
    shown = np.clip(np.array(milliseconds), 1e-3, None)
    edges = np.geomspace(shown.min(), max(shown.max(), shown.min() * 1.01), 41)
    counts, _ = np.histogram(shown, edges)
    fig = new_figure(300, x_label="milliseconds", y_label="payments", x_axis_type="log")
    marks = [step * 10.0**power for power in range(-3, 5) for step in (1, 2, 5)]
    if len(inside := [one for one in marks if edges[0] <= one <= edges[-1]]) > 1:
        fig.xaxis.ticker = inside  # all nine of a decade would not fit a phone
    bars = _bars(fig, "latency", edges, counts)
    add_threshold(fig, float(np.percentile(shown, 99)), "p99", is_left=True)
    add_hover(fig, [bars], [("ms", "@left{0.000} to @right{0.000}"), ("payments", "@n")])
    return fig


def _bars(fig: "Figure", name: str, edges: Numbers, counts: Numbers) -> Any:
    """Draw the bars of a histogram: `counts` [n] between `edges` [n + 1]."""
    columns = {"left": edges[:-1].tolist(), "right": edges[1:].tolist(), "n": counts.tolist()}
    return fig.quad(
        left="left", right="right", bottom=0, top="n", fill_color=colour("for"),
        line_color=colour("card"), source=named_source(name, columns),
    )  # fmt: skip


def draw_kinds(kinds: Mapping[str, KindFigures]) -> "Figure":
    """Return the share of the value that was stopped, by kind of fraud."""
    shares = [one.stopped_paise / one.paise if one.paise else 0.0 for one in kinds.values()]
    labels = [show_percent(one, 0) for one in shares]
    names = [name.replace("_", " ") for name in kinds]
    return draw_bars(names, shares, labels, x_label="share of the value stopped")
