"""The figures of a whole run. Each takes a frame as `DedupReport` documents it."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pipelines.core.charts import (
    add_hover,
    add_scale_above,
    add_text,
    add_threshold,
    colour,
    draw_bars,
    format_axis,
    format_log_axis,
    named_source,
    new_figure,
    short_count,
)
from pipelines.core.report_parts import show_count, show_percent
from pipelines.dedup.score import bits_of

if TYPE_CHECKING:
    from bokeh.plotting import figure as Figure

BAND_ROLES = {"NO_MATCH": "neutral", "REVIEW": "review", "MATCH": "for"}
POSTERIOR_MARKS = (0.001, 0.5, 0.999, 0.9999999)  # far enough apart for a phone
FLOOR_COUNT = 0.7
LABEL_SHARE = 0.2
"""Part of the width of a picture on a phone that the word at a threshold takes."""


def draw_weights(weights: pd.DataFrame) -> "Figure":
    """Return one row a comparator with its levels as numbered dots on the scale of bits."""
    spans = weights.groupby("comparator")["bits"].agg(["min", "max"]).sort_values("max")
    order = [str(name) for name in spans.index]
    fig = new_figure(32 * len(order) + 64, x_label="weight, bits", y_range=order)
    fig.segment(spans["min"], order, spans["max"], order, line_color=colour("line"), line_width=6)
    tones = ["for" if bits >= 0 else "against" for bits in weights["bits"]]
    columns: dict[str, Any] = {name: weights[name].tolist() for name in weights.columns}
    columns |= {"color": [colour(tone) for tone in tones]}
    source = named_source("weights", columns | {"text": [str(v) for v in weights["level"]]})
    source.data["place"] = _dodge(weights)
    dots = fig.scatter(
        "bits", "place", size=18, fill_color="color", line_color=colour("card"), source=source
    )
    add_text(fig, source, "bits", "place", "text", offset=0, align="center").glyph.update(
        text_color=colour("card"), text_font_size="11px", text_font_style="bold"
    )
    add_threshold(fig, 0.0)
    fig.ygrid.grid_line_color = None
    rows = [("", "@comparator: @label"), ("bits", "@bits{+0.00}")]
    add_hover(fig, [dots], [*rows, ("m, among matches", "@m{0.0000}"), ("u, among others", "@u")])
    return fig


def _dodge(weights: pd.DataFrame, room: float = 0.05) -> list[tuple[str, float]]:
    """Return (comparator, shift) per row: dots within `room` of the scale step aside in turn."""
    near = room * (weights["bits"].max() - weights["bits"].min())
    shifts = pd.Series(0.0, index=weights.index)
    for _, levels in weights.sort_values("bits").groupby("comparator"):
        is_near = levels["bits"].diff() < near
        turn = is_near.groupby((~is_near).cumsum()).cumsum()
        touches = is_near | is_near.shift(-1, fill_value=False)
        shifts[levels.index] = np.where(touches, np.where(turn % 2 == 0, -0.2, 0.2), 0.0)
    return list(zip(weights["comparator"], shifts.tolist(), strict=True))


def draw_thresholds(
    curve: pd.DataFrame, match_bits: float, review_bits: float, detail: float = 0.8
) -> "Figure":
    """Return precision, recall and F1 over the threshold in bits, with the posterior above.

    Shares under `detail` leave the picture unless the run itself is near them.
    """
    shares = curve[["precision", "recall", "f1"]]
    at_match = shares[curve["threshold"] >= match_bits].head(1).min(axis=None, skipna=True)
    low = max(0.0, min(at_match - 0.05, max(shares.min(axis=None), detail)))
    fig = new_figure(
        340,
        x_label="match threshold, bits",
        y_label="share",
        y_range=(low - 0.02, 1 + 0.12 * (1.02 - low)),
    )
    source = named_source("curve", {str(name): curve[name].tolist() for name in curve.columns})
    roles = {"precision": "for", "recall": "review", "f1": "ink"}
    lines = [
        fig.line("threshold", name, line_color=colour(role), line_width=2.5, source=source)
        for name, role in roles.items()
    ]
    low, high = curve["threshold"].min(), curve["threshold"].max()
    fig.x_range.start, fig.x_range.end = min(low, review_bits - LABEL_SHARE * (high - low)), high
    add_scale_above(fig, "posterior", {bits_of(p): f"{100 * p:.7g} %" for p in POSTERIOR_MARKS})
    add_threshold(fig, review_bits, "review", is_left=True)
    add_threshold(fig, match_bits, "match")
    format_axis(fig.yaxis, "0.[00]%")
    rows = [(name, f"@{name}{{0.000%}}") for name in roles]
    add_hover(fig, lines[2:], [("threshold", "@threshold{0.0} bits"), *rows])
    return fig


def draw_histogram(bins: pd.DataFrame, match_bits: float, review_bits: float) -> "Figure":
    """Return pairs by score on a logarithmic scale, one colour a band; some bin holds a pair."""
    filled = bins[bins["pairs"] > 0]
    low, high = filled["low_bits"].min(), filled["high_bits"].max()
    room = LABEL_SHARE * (max(high, match_bits) - min(low, review_bits))
    fig = new_figure(
        340,
        x_label="score, bits",
        y_label="pairs",
        x_range=(min(low, review_bits - room), max(high, match_bits + room)),
        y_axis_type="log",
        y_range=(FLOOR_COUNT, 3 * filled["pairs"].max()),
    )
    columns = {str(name): filled[name].tolist() for name in filled.columns}
    columns["color"] = [colour(BAND_ROLES[band]) for band in filled["band"]]
    bars = fig.quad(
        left="low_bits",
        right="high_bits",
        bottom=FLOOR_COUNT,
        top="pairs",
        fill_color="color",
        line_color=colour("card"),
        source=named_source("bins", columns),
    )
    add_threshold(fig, review_bits, "review", is_left=True)
    add_threshold(fig, match_bits, "match")
    fig.xgrid.grid_line_color = None
    format_log_axis(fig.yaxis, filled["pairs"].max())
    rows = [("score", "@low_bits to @high_bits bits"), ("band", "@band"), ("pairs", "@pairs{0,0}")]
    add_hover(fig, [bars], rows)
    return fig


def draw_buckets(buckets: pd.DataFrame) -> "Figure":
    """Return the number of buckets by size, before and after splitting, side by side."""
    top = max(buckets["buckets_before"].max(), buckets["buckets_after"].max(), 1)
    fig = new_figure(
        340,
        x_label="records in a bucket, at least",
        y_label="buckets",
        y_axis_type="log",
        y_range=(FLOOR_COUNT, 3 * top),
    )
    places = list(range(len(buckets)))
    fig.xaxis.ticker = places[::2]
    fig.xaxis.major_label_overrides = {x: short_count(buckets["low"].iloc[x]) for x in places[::2]}
    for when, shift, role in (("before", -0.2, "neutral"), ("after", 0.2, "for")):
        some = buckets[f"buckets_{when}"].to_numpy()
        columns = {
            "x": [place + shift for place, n in zip(places, some, strict=True) if n],
            "top": some[some > 0].tolist(),
            "pairs": buckets.loc[some > 0, f"pairs_{when}"].tolist(),
            "size": [f"{r.low:,} to {r.high:,}" for r in buckets[some > 0].itertuples()],
        }
        bars = fig.vbar(
            x="x",
            top="top",
            bottom=FLOOR_COUNT,
            width=0.38,
            color=colour(role),
            source=named_source(when, columns),
        )
        rows = [("", f"{when} splitting"), ("size", "@size records"), ("buckets", "@top{0,0}")]
        add_hover(fig, [bars], [*rows, ("pairs in them", "@pairs{0,0}")])
    fig.xgrid.grid_line_color = None
    format_log_axis(fig.yaxis, top)
    return fig


def draw_recall(families: pd.DataFrame) -> "Figure":
    """Return the share of true pairs each family saw; darker what no other family saw."""
    names = [str(name) for name in families["family"]]
    values = [float(value) for value in families["completeness"]]
    only = [float(value) for value in families["only_completeness"]]
    labels, texts = [[show_percent(v, 1) for v in part] for part in (values, only)]
    inner = ("seen by no other family", only, texts)
    x_label = "share of true pairs"
    return draw_bars(names, values, labels, x_label=x_label, role="for_soft", inner=inner)


def draw_family_pairs(families: pd.DataFrame) -> "Figure":
    """Return the candidate pairs each family saw."""
    names = [str(name) for name in families["family"]]
    values = [float(value) for value in families["pairs"]]
    return draw_bars(
        names, values, [show_count(v) for v in values], x_label="pairs", role="neutral"
    )
