"""The figures of the page. Each takes a frame as `SeatsReport` documents it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipelines.core.charts import (
    add_hover,
    add_text,
    add_threshold,
    colour,
    draw_bars,
    format_axis,
    named_source,
    new_figure,
)
from pipelines.core.report_parts import show_count, show_percent
from pipelines.seats.codes import CLASSES, QUOTAS
from pipelines.seats.report.data import TrainPicture

if TYPE_CHECKING:
    from bokeh.plotting import figure as Figure

GROUP_COLOURS = (
    "#1f6f8b", "#8a5a9e", "#2f7d5b", "#a4602c", "#4c66a0", "#9a4462", "#66762b", "#5d6470",
)  # fmt: skip
"""Colours that groups take in turn: no meaning, equally dark, so that white print can be read."""
LABELLED = 1 / 4
"""Shortest journey with its stations printed in the bar, as a share of the route."""

STATUS_ROLES = {
    "CONFIRMED": "for", "RAC": "for_soft", "WAITLISTED": "review", "REJECTED": "against",
    "CANCELLED": "neutral",
}  # fmt: skip
ROW_PIXELS = 15


def draw_train(picture: TrainPicture) -> "Figure":
    """Return the berths of a class against the segments of its route, one bar per journey.

    Empty cells stay grey. A group keeps one colour; RAC passengers, paler, share a berth, one half
    each. A line parts the coaches.
    """
    places = [
        f"{row.coach_id} {row.berth_no}{'' if row.place == 'FULL' else row.place} {row.berth_type}"
        for row in picture.berths.itertuples()
    ]
    segments = len(picture.stations) - 1
    fig = new_figure(
        ROW_PIXELS * len(places) + 60,
        x_label="station",
        y_range=list(reversed(places)),
        x_range=(0, segments),
    )
    fig.hbar(y=places, left=0, right=segments, height=0.86, color=colour("line"))
    journeys = picture.journeys
    spots = [(places[row], 0.0) for row in journeys["place"]]
    columns = {
        "y": spots,
        "left": journeys["from_seq"].tolist(),
        "right": journeys["to_seq"].tolist(),
        "label": journeys["label"].tolist(),
        "what": np.where(journeys["is_rac"], "RAC", "confirmed").tolist(),
        "shade": np.where(journeys["is_rac"], 0.6, 1.0).tolist(),
        "fill": [GROUP_COLOURS[n % len(GROUP_COLOURS)] for n in journeys["group"]],
    }
    source = named_source("train", columns)
    bars = fig.hbar(
        y="y", left="left", right="right", height=0.78, fill_color="fill", fill_alpha="shade",
        line_color=colour("card"), source=source,
    )  # fmt: skip
    wide = journeys["to_seq"] - journeys["from_seq"] >= segments * LABELLED
    columns = {
        name: [v for v, w in zip(column, wide, strict=True) if w]
        for name, column in columns.items()
    }
    text = add_text(fig, named_source("labels", columns), "left", "y", "label", offset=4)
    text.glyph.update(text_font_size="10px", text_color=colour("card"))
    _name_stations(fig, picture.stations)
    _part_coaches(fig, picture.berths["coach_id"].tolist(), places, segments)
    add_hover(fig, [bars], [("", "@label"), ("", "@what")])
    return fig


def _name_stations(fig: "Figure", stations: Sequence[str]) -> None:
    """Stations along the lower edge, berths in small print."""
    fig.xaxis.ticker = list(range(len(stations)))
    fig.xaxis.major_label_overrides = dict(enumerate(stations))
    fig.xaxis.major_label_orientation = 0.9
    fig.ygrid.grid_line_color = None
    fig.yaxis.major_label_text_font_size = "10px"


def _part_coaches(fig: "Figure", coaches: Sequence[str], places: Sequence[str], end: int) -> None:
    """A line between the last berth of a coach and the first of the next."""
    for row in range(1, len(coaches)):
        if coaches[row] != coaches[row - 1]:
            edge = (places[row], 0.5)
            fig.line([0, end], [edge, edge], line_color=colour("ink"), line_width=2)


def draw_statuses(statuses: pd.DataFrame) -> "Figure":
    """Return passengers by status, largest first."""
    sums = statuses.groupby("status")["passengers"].sum().sort_values(ascending=False)
    labels = [f"{show_count(n)}  {show_percent(n / sums.sum(), 1)}" for n in sums]
    return draw_bars(
        [str(name).lower() for name in sums.index], sums.tolist(), labels, x_label="passengers"
    )


def draw_quotas(quotas: pd.DataFrame) -> "Figure":
    """Return demand per quota and, darker, the part that got a place."""
    order = {name: n for n, name in enumerate(QUOTAS)}
    frame = quotas.sort_values("quota", key=lambda names: names.map(order))
    demand, accepted = frame["demand"].tolist(), frame["accepted"].tolist()
    shares = [show_percent(a / d if d else None, 0) for a, d in zip(accepted, demand, strict=True)]
    labels = [f"{show_count(d)}, {s} served" for d, s in zip(demand, shares, strict=True)]
    inner = ("with a place", accepted, [show_count(a) for a in accepted])
    return draw_bars(
        frame["quota"].tolist(), demand, labels, x_label="passengers", role="for_soft", inner=inner
    )


def draw_load(segments: pd.DataFrame) -> "Figure":
    """Return demand per place along the route, dashed, and what was allotted, one line a class."""
    fig = new_figure(320, x_label="segment of the route", y_label="passengers per place")
    lines = []
    for number, name in enumerate(one for one in CLASSES if one in set(segments["travel_class"])):
        frame = segments[segments["travel_class"] == name].sort_values("segment")
        columns = {
            "segment": frame["segment"].tolist(),
            "demand": (frame["demand"] / frame["places"]).tolist(),
            "allocated": (frame["allocated"] / frame["places"]).tolist(),
            "name": [name] * len(frame),
        }
        source = named_source(f"load-{name}", columns)
        tone = colour(("for", "review", "against", "ink", "neutral", "for_soft")[number % 6])
        fig.line("segment", "demand", line_color=tone, line_dash="dashed", source=source)
        lines.append(
            fig.line("segment", "allocated", line_color=tone, line_width=2.5, source=source)
        )
    format_axis(fig.yaxis, "0%")
    rows = [("", "@name, segment @segment"), ("demand", "@demand{0%}"), ("load", "@allocated{0%}")]
    add_hover(fig, lines, rows)
    return fig


def draw_gaps(classes: pd.DataFrame) -> "Figure":
    """Return how many classes lie how far from their offline optimum."""
    accepted = classes["confirmed"] + classes["rac"]
    known = classes["optimum"] > 0
    gaps = (1 - accepted[known] / classes["optimum"][known]).clip(0, 1)
    edges = np.linspace(0, max(0.05, float(gaps.max())), 21)
    counts, _ = np.histogram(gaps, edges)
    fig = new_figure(300, x_label="distance to the optimum", y_label="classes")
    source = named_source(
        "gaps", {"left": edges[:-1].tolist(), "right": edges[1:].tolist(), "n": counts.tolist()}
    )
    bars = fig.quad(
        left="left", right="right", bottom=0, top="n", fill_color=colour("for"),
        line_color=colour("card"), source=source,
    )  # fmt: skip
    add_threshold(fig, float(gaps.mean()), "mean")
    format_axis(fig.xaxis, "0.0%")
    add_hover(fig, [bars], [("distance", "@left{0.0%} to @right{0.0%}"), ("classes", "@n")])
    return fig
