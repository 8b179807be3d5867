"""The empty frames of the interactive figures; the scripts of the page fill their named sources."""

from typing import TYPE_CHECKING

from pipelines.core.charts import (
    add_hover,
    add_tap,
    add_text,
    add_threshold,
    colour,
    named_source,
    new_figure,
)

if TYPE_CHECKING:
    from bokeh.plotting import figure as Figure

BAR_COLUMNS = ("label", "start", "end", "at", "text", "color", "level", "align", "offset")
EDGE_COLUMNS = ("x0", "y0", "x1", "y1", "color", "width", "dash", "about")
NODE_COLUMNS = ("x", "y", "text", "color", "name")


def draw_waterfall(name: str, match_bits: float, review_bits: float) -> "Figure":
    """Return the frame of a waterfall with the thresholds as dashed lines; source `bars`."""
    source = named_source("bars", {column: [] for column in BAR_COLUMNS})
    fig = new_figure(
        320, x_label="evidence added up, bits", y_range=["total"], x_range=(-20, 20), name=name
    )
    place = {"y": "label", "left": "start", "right": "end", "height": 0.62}
    bars = fig.hbar(**place, fill_color="color", line_color=None, source=source)
    texts = add_text(fig, source, "at", "label", "text")
    texts.glyph.text_align, texts.glyph.x_offset = "align", "offset"
    fig.ygrid.grid_line_color = None
    fig.xaxis.ticker.desired_num_ticks = 5
    add_threshold(fig, review_bits)
    add_threshold(fig, match_bits)
    rows = [("", "@label"), ("agreement", "@level"), ("bits", "@text"), ("sum so far", "@end{0.0}")]
    add_hover(fig, [bars], rows)
    return fig


def draw_graph() -> "Figure":
    """Return the frame of a cluster in the square -1..1; sources `edges`, `labels` and `nodes`."""
    edges = named_source("edges", {column: [] for column in EDGE_COLUMNS})
    nodes = named_source("nodes", {column: [] for column in NODE_COLUMNS})
    labels = named_source("labels", {column: [] for column in ("x", "y", "text")})
    fig = new_figure(420, x_range=(-1.25, 1.25), y_range=(-1.25, 1.25), name="cluster")
    fig.grid.visible = fig.axis.visible = False
    style = {"line_color": "color", "line_width": "width", "line_dash": "dash"}
    lines = fig.segment("x0", "y0", "x1", "y1", source=edges, **style)
    bits = add_text(fig, labels, "x", "y", "text", offset=0, align="center").glyph
    bits.update(text_font_size="11px", background_fill_color=colour("card"), padding=2)
    rim = {"line_color": colour("card"), "line_width": 2}
    # A tap selects one node; the others must not fade.
    unfaded = {"nonselection_fill_alpha": 1, "nonselection_line_alpha": 1}
    dots = fig.scatter("x", "y", size=28, fill_color="color", source=nodes, **rim, **unfaded)
    numbers = add_text(fig, nodes, "x", "y", "text", offset=0, align="center").glyph
    numbers.update(text_color=colour("card"), text_font_style="bold")
    add_hover(fig, [dots], [("", "@name")])
    add_hover(fig, [lines], [("", "@about")])
    add_tap(fig, [dots])
    return fig
