"""The only owner of bokeh: figures in the shared look of every report, and their JSON for the page.

A job draws on the figure it gets from `new_figure` and never imports bokeh. Colours are taken by
role from `LIGHT`; in a dark page the browser exchanges each for its partner in `DARK`, so one file
serves both. Bokeh is imported inside the functions: it takes a second, and only a run with a report
needs it.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bokeh.plotting import figure as Figure

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif"
LIGHT = {
    "paper": "#f8f7f4",
    "card": "#fffffe",
    "ink": "#1c2530",
    "muted": "#616c79",
    "line": "#e3e0d9",
    "for": "#1d6f8c",
    "for_soft": "#a9cfdc",
    "against": "#c0523a",
    "review": "#d0952c",
    "neutral": "#97a1ae",
}
DARK = {
    "paper": "#12161b",
    "card": "#1a2027",
    "ink": "#e7ebef",
    "muted": "#9ba7b4",
    "line": "#2e363f",
    "for": "#5fb4d0",
    "for_soft": "#2d5566",
    "against": "#e58a73",
    "review": "#e3b65c",
    "neutral": "#737f8d",
}

PHONE_PIXELS, LETTER_PIXELS = 300, 7
"""Width of a picture on a phone, and of a letter of its small print."""


def colour(role: str) -> str:
    """Return the light colour of a role; unknown roles raise KeyError."""
    return LIGHT[role]


def new_figure(height: int, *, x_label: str = "", y_label: str = "", **options: Any) -> "Figure":
    """Return an empty figure, as wide as its container, without toolbar or gestures.

    Args:
        height: height in CSS pixels.
        x_label: axis title with its unit; the same for `y_label`.
        options: passed to `bokeh.plotting.figure` (ranges, axis types, name).
    """
    from bokeh.plotting import figure

    fig = figure(
        height=height,
        sizing_mode="stretch_width",
        toolbar_location=None,
        tools="",
        x_axis_label=x_label,
        y_axis_label=y_label,
        background_fill_color=None,
        border_fill_color=None,
        outline_line_color=None,
        min_border_right=14,
        **options,
    )
    for axis in fig.axis:
        _style_axis(axis)
    fig.grid.grid_line_color = colour("line")
    return fig


def _style_axis(axis: Any) -> None:
    axis.axis_line_color = None
    axis.major_tick_line_color = None
    axis.minor_tick_line_color = None
    axis.axis_label_text_font = axis.major_label_text_font = FONT
    axis.axis_label_text_font_style = "normal"
    axis.axis_label_text_font_size = axis.major_label_text_font_size = "12px"
    axis.axis_label_text_color = colour("muted")
    axis.major_label_text_color = colour("ink")


def format_axis(axis: Any, numeral: str) -> None:
    """Write the ticks of an axis by a numeral pattern such as `0%`, `0.0` or `0a`."""
    from bokeh.models import NumeralTickFormatter

    axis.formatter = NumeralTickFormatter(format=numeral)


def add_hover(fig: "Figure", renderers: Sequence[Any], rows: Sequence[tuple[str, str]]) -> None:
    """Show (title, "@column") rows while the pointer is on a mark; bokeh escapes the values."""
    from bokeh.models import HoverTool

    fig.add_tools(HoverTool(renderers=list(renderers), tooltips=list(rows), visible=False))


def add_tap(fig: "Figure", renderers: Sequence[Any]) -> None:
    """Let a click or tap select marks of the renderers; a page script listens to the selection."""
    from bokeh.models import TapTool

    fig.add_tools(TapTool(renderers=list(renderers), visible=False))


def add_threshold(fig: "Figure", at: float, text: str = "", *, is_left: bool = False) -> None:
    """Draw a dashed vertical line at x = `at` behind the marks, a short text at its top."""
    from bokeh.models import Label, Node, Span

    line = Span(location=at, dimension="height", line_color=colour("ink"), line_dash="dashed")
    line.level = "underlay"
    fig.add_layout(line)
    if text:
        label = Label(x=at, y=Node(target="frame", symbol="top"), text=text, text_font=FONT)
        label.update(text_font_size="12px", text_color=colour("muted"), text_baseline="top")
        label.update(x_offset=-4 if is_left else 4, y_offset=2)
        label.text_align = "right" if is_left else "left"
        fig.add_layout(label)


def format_log_axis(axis: Any, top: float) -> None:
    """Put ticks at the powers of ten, one past `top`, written 1, 10, 100, 1k, 10k, 100k, 1M."""
    axis.ticker = [10**power for power in range(len(f"{top:.0f}") + 1)]
    axis.major_label_overrides = {tick: short_count(tick) for tick in axis.ticker.ticks}


def short_count(number: float) -> str:
    """Return 1, 512, 4k, 65k, 2M: short enough for a narrow axis."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.0f}{unit}"
    return f"{number:.0f}"


def add_scale_above(fig: "Figure", label: str, ticks: Mapping[float, str]) -> None:
    """Add a second x axis on top whose ticks are the given places and texts."""
    from bokeh.models import FixedTicker, LinearAxis

    axis = LinearAxis(axis_label=label, ticker=FixedTicker(ticks=sorted(ticks)))
    axis.major_label_overrides = dict(ticks)
    _style_axis(axis)
    fig.add_layout(axis, "above")


def named_source(name: str, columns: Mapping[str, Sequence[Any]]) -> Any:
    """Return a column source that a page script finds by its name."""
    from bokeh.models import ColumnDataSource

    return ColumnDataSource({key: list(values) for key, values in columns.items()}, name=name)


def draw_bars(
    names: Sequence[str],
    values: Sequence[float],
    labels: Sequence[str],
    *,
    x_label: str,
    role: str = "for",
    inner: tuple[str, Sequence[float], Sequence[str]] | None = None,
) -> "Figure":
    """Return horizontal bars, first name on top, each with its label at its end instead of a scale.

    Names stand above their bars, which leaves the bars the whole width of a phone.

    Args:
        names: one distinct name per bar; `values` (>= 0) and `labels` run beside it.
        x_label: meaning and unit of the values.
        role: colour of all bars.
        inner: meaning, values and labels of a darker part of each bar.
    """
    # The label of a bar ends within the picture of a phone, the narrowest.
    ends = [
        value / max(1 - LETTER_PIXELS * (len(label) + 1) / PHONE_PIXELS, 0.25)
        for value, label in zip(values, labels, strict=True)
    ]
    fig = new_figure(
        height=42 * len(names) + 36,
        x_label=x_label,
        y_range=list(reversed(names)),
        x_range=(0, max([*ends, 1e-9])),
    )
    columns = {"name": names, "value": values, "label": labels, "zero": [0.0] * len(names)}
    source = named_source("bars", columns | {"place": [(name, -0.17) for name in names]})
    size = {"y": "place", "height": 0.34, "source": source}
    bars = fig.hbar(right="value", color=colour(role), **size)
    add_hover(fig, [bars], [("", "@name"), (x_label, "@label")])
    if inner:
        meaning, source.data["inner"], source.data["inner_label"] = inner
        darker = fig.hbar(right="inner", color=colour("for"), **size)
        add_hover(fig, [darker], [("", "@name"), (meaning, "@inner_label")])
    add_text(fig, source, "value", "place", "label")
    add_text(fig, source, "zero", "name", "name", offset=0).glyph.y_offset = -11
    fig.yaxis.visible = fig.grid.visible = False
    fig.xaxis.major_label_text_font_size = "0px"
    return fig


def add_text(
    fig: "Figure", source: Any, x: str, y: str, text: str, *, offset: int = 6, align: str = "left"
) -> Any:
    """Write a column of texts `offset` pixels right of marks, and return the renderer."""
    from bokeh.core.properties import value

    return fig.text(
        x=x,
        y=y,
        text=text,
        x_offset=offset,
        source=source,
        text_align=align,
        text_baseline="middle",
        text_font=value(FONT),
        text_font_size="12px",
        text_color=colour("ink"),
    )


def pack_figure(fig: "Figure", target: str) -> dict[str, Any]:
    """Return the JSON object from which the page draws the figure into the element `target`.

    The same as of `bokeh.embed.json_item`, which goes over a figure twice more; it can be packed
    only once.
    """
    from bokeh import __version__
    from bokeh.document import Document

    document = Document(title="")
    document.add_root(fig)
    item = {"target_id": target, "root_id": fig.id, "doc": document.to_json(deferred=False)}
    packed: dict[str, Any] = json.loads(
        json.dumps(item | {"version": __version__}, allow_nan=False)
    )
    return packed


@cache
def runtime_script() -> str:
    """Return BokehJS as one piece of JavaScript, so that the report needs no network."""
    from bokeh.resources import Resources

    return "\n".join(Resources(mode="inline", components=["bokeh"], log_level="error").js_raw)
