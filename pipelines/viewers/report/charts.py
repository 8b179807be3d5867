"""Pictures of a match: its audience over time, who they are, how well they see it."""

from typing import TYPE_CHECKING

import pandas as pd

from pipelines.core.charts import (
    add_hover,
    colour,
    draw_bars,
    format_axis,
    named_source,
    new_figure,
)
from pipelines.core.report_parts import show_count, show_percent
from pipelines.viewers.dimensions import QUALITIES

if TYPE_CHECKING:
    from bokeh.plotting import figure as Figure

INDIA_MS = 19_800_000
"""India is five hours and a half ahead of UTC; the page shows its clock."""

LADDER_ROLES = ("neutral", "against", "review", "for_soft", "for", "ink")


def draw_audience(slices: pd.DataFrame, alerts: pd.DataFrame) -> "Figure":
    """Return the audience of all contents over time, with a mark where an alert fired."""
    total = slices[slices["dimension"] == "total"].groupby("at_ms")["concurrent"].sum()
    fig = _over_time("sessions live")
    columns = {"at": [at + INDIA_MS for at in total.index], "n": total.tolist()}
    source = named_source("audience", columns)
    fig.varea(x="at", y1=0, y2="n", source=source, fill_color=colour("for_soft"), fill_alpha=0.5)
    line = fig.line("at", "n", source=source, line_color=colour("for"), line_width=2.5)
    add_hover(fig, [line], [("live", "@n{0,0}")])
    fired = alerts[(alerts["state"] == "FIRING") & (alerts["alert_type"] != "MILESTONE")]
    if len(fired):
        fired = fired.sort_values("at_ms")
        known = total.reindex(fired["at_ms"], method="ffill").fillna(0)
        marks = named_source(
            "alerts",
            {
                "at": (fired["at_ms"] + INDIA_MS).tolist(),
                "n": known.tolist(),
                "what": [_label(one) for one in fired.itertuples()],
            },
        )
        dots = fig.scatter(
            "at", "n", size=11, source=marks, fill_color=colour("against"),
            line_color=colour("card"),
        )  # fmt: skip
        add_hover(fig, [dots], [("", "@what")])
    fig.y_range.start = 0
    format_axis(fig.yaxis, "0,0")
    return fig


def _label(alert: object) -> str:
    kind = str(getattr(alert, "alert_type", "")).replace("_", " ").lower()
    region = getattr(alert, "viewer_region", None)
    return f"{kind}, {region}" if isinstance(region, str) else kind


def _over_time(y_label: str, height: int = 320) -> "Figure":
    fig = new_figure(height, x_label="time in India", y_label=y_label, x_axis_type="datetime")
    fig.xaxis[0].ticker.desired_num_ticks = 3  # their labels stay apart on a phone
    return fig


def draw_values(slices: pd.DataFrame, dimension: str) -> "Figure":
    """Return the values of a dimension at the largest audience, as bars with their shares."""
    total = slices[slices["dimension"] == "total"].groupby("at_ms")["concurrent"].sum()
    moment = total.idxmax()
    rows = slices[(slices["dimension"] == dimension) & (slices["at_ms"] == moment)]
    sums = rows.groupby("dimension_value")["concurrent"].sum().sort_values(ascending=False)
    sums = sums.head(12)
    whole = int(total.loc[moment])
    labels = [f"{show_count(n)}  {show_percent(n / whole, 1)}" for n in sums]
    names = [str(name).replace("_", " ").lower() for name in sums.index]
    return draw_bars(names, sums.tolist(), labels, x_label="sessions live")


def draw_ladder(slices: pd.DataFrame) -> "Figure":
    """Return the shares of the qualities over time, stacked from the lowest."""
    rows = slices[slices["dimension"] == "quality"]
    table = rows.pivot_table(index="at_ms", columns="dimension_value", values="concurrent",
                             aggfunc="sum").fillna(0)  # fmt: skip
    shares = table.div(table.sum(axis=1), axis=0)
    fig = _over_time("share of live sessions", 240)
    below = pd.Series(0.0, index=shares.index)
    for place, name in enumerate(QUALITIES):
        if name not in shares:
            continue
        above = below + shares[name]
        columns = {
            "at": [at + INDIA_MS for at in shares.index],
            "below": below.tolist(),
            "above": above.tolist(),
        }
        source = named_source(f"quality-{name}", columns)
        fig.varea("at", "below", "above", source=source, fill_color=colour(LADDER_ROLES[place]))
        below = above
    fig.y_range.start, fig.y_range.end = 0, 1
    format_axis(fig.yaxis, "0%")
    return fig


def draw_stalls(minutes: pd.DataFrame, region: str | None) -> "Figure":
    """Return the rebuffering ratio by minute: all regions in grey, one of them marked."""
    fig = _over_time("rebuffering ratio", 240)
    rows = minutes[minutes["dimension"] == "region"].dropna(subset=["rebuffering_ratio"])
    weighted = rows.assign(stalled=rows["rebuffering_ratio"] * rows["watch_ms"])
    sums = weighted.groupby(["dimension_value", "window_end_ms"])[["stalled", "watch_ms"]].sum()
    ratios = (sums["stalled"] / sums["watch_ms"]).reset_index(name="ratio")
    for name, part in ratios.groupby("dimension_value"):
        is_marked = name == region
        source = named_source(
            f"stalls-{name}",
            {
                "at": (part["window_end_ms"] + INDIA_MS).tolist(),
                "ratio": part["ratio"].tolist(),
                "name": [str(name)] * len(part),
            },
        )
        line = fig.line(
            "at", "ratio", source=source, line_width=2.5 if is_marked else 1.2,
            line_color=colour("against" if is_marked else "neutral"),
        )  # fmt: skip
        add_hover(fig, [line], [("", "@name"), ("stalled", "@ratio{0.0%}")])
    fig.y_range.start = 0
    format_axis(fig.yaxis, "0.0%")
    return fig
