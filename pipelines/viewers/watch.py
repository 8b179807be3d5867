"""`make watch`: a small page on loopback that follows `viewer.metrics.v1`.

A Bokeh server: the browser holds one web socket, the server pushes what changed. Each page reads
the topic, keeps the newest revision of a row and says when nothing new came.
"""

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.core import endpoints
from pipelines.core.charts import add_text, colour, format_axis, new_figure
from pipelines.core.cli import main_guard
from pipelines.viewers.reading import MetricsReader
from pipelines.viewers.topics import METRICS

INDIA_MS = 19_800_000
PAGE = """{% block preamble %}
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body { margin: 16px }</style>
{% endblock %}"""
"""What Bokeh's own page lacks: the width of a phone is that of its page."""

LONGEST_SLICE_MS = 10_000
"""Longer windows are not drawn: the page shows who is live."""


@dataclass
class Board:
    """What the page knows: the newest row of each key.

    Attributes:
        keep_ms: how long rows stay, event time.
        stale_seconds: without news for so long, the page says so.
    """

    keep_ms: int = 3_600_000
    stale_seconds: float = 60.0
    rows: dict[tuple[str, str, str, int], tuple[int, int]] = field(default_factory=dict)
    newest_ms: int = 0
    fresh_at: float | None = None

    def take(self, record: dict[str, Any], now: float) -> None:
        """Take one row of metrics; an older revision changes nothing.

        Args:
            record: `viewer.Metrics`.
            now: monotonic seconds.
        """
        end = int(record["window_end_at"])
        if end - int(record["window_start_at"]) > LONGEST_SLICE_MS:
            return
        key = record["content_id"], record["dimension"], record["dimension_value"], end
        if key in self.rows and self.rows[key][0] > record["revision"]:
            return
        self.rows[key] = int(record["revision"]), int(record["concurrent"])
        self.fresh_at = now
        if end > self.newest_ms:
            self.newest_ms = end
            oldest = end - self.keep_ms
            self.rows = {one: row for one, row in self.rows.items() if one[3] >= oldest}

    def curve(self) -> tuple[list[int], list[int]]:
        """Moments and the audience of all contents."""
        sums: dict[int, int] = {}
        for (_, dimension, _, end), (_, number) in self.rows.items():
            if dimension == "total":
                sums[end] = sums.get(end, 0) + number
        moments = sorted(sums)
        return moments, [sums[moment] for moment in moments]

    def values(self, dimension: str) -> list[tuple[str, int]]:
        """Values of a dimension at the newest moment, most first."""
        sums: dict[str, int] = {}
        for (_, name, value, end), (_, number) in self.rows.items():
            if name == dimension and end == self.newest_ms:
                sums[value] = sums.get(value, 0) + number
        return sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))

    def headline(self, now: float) -> str:
        """The line above the curve."""
        if self.fresh_at is None:
            return "Waiting for the first metrics ..."
        moments, numbers = self.curve()
        told = "No session is live"
        if moments:
            told = f"{numbers[-1]:,} session{'s' if numbers[-1] != 1 else ''} live"
        quiet = now - self.fresh_at
        return told if quiet < self.stale_seconds else f"{told}; nothing new for {quiet:.0f} s"


def build_page(
    document: Any, servers: str, refresh_seconds: float, readers: set[MetricsReader]
) -> None:
    """Fill one browser's document and keep it up to date.

    Args:
        document: Bokeh's.
        servers: bootstrap servers.
        refresh_seconds: between two looks at the topic, s.
        readers: those of all open pages.
    """
    from bokeh.layouts import column
    from bokeh.models import ColumnDataSource, Div

    board, reader = Board(), MetricsReader(servers)
    readers.add(reader)
    head = Div(text="", styles={"font": "600 28px system-ui", "color": colour("ink")})
    curve = ColumnDataSource({"at": [], "n": []})
    bars = ColumnDataSource({"name": [], "value": [], "label": []})
    document.title, document.template = "Sangam: viewers", PAGE
    document.add_root(column(head, _draw_curve(curve), _draw_regions(bars),
                             sizing_mode="stretch_width"))  # fmt: skip

    def refresh() -> None:
        for row in reader.poll(timeout_ms=0):
            board.take(row, time.monotonic())
        moments, numbers = board.curve()
        curve.data = {"at": [moment + INDIA_MS for moment in moments], "n": numbers}
        regions = board.values("region")
        bars.data = {
            "name": [name for name, _ in regions],
            "value": [number for _, number in regions],
            "label": [f"{number:,}" for _, number in regions],
        }
        head.text = board.headline(time.monotonic())

    refresh()
    document.add_periodic_callback(refresh, int(refresh_seconds * 1000))

    def leave(_: Any) -> None:
        readers.discard(reader)
        reader.close()

    document.on_session_destroyed(leave)


def _draw_curve(source: Any) -> Any:
    fig = new_figure(320, x_label="time in India", y_label="sessions live", x_axis_type="datetime")
    fig.varea(x="at", y1=0, y2="n", source=source, fill_color=colour("for_soft"))
    fig.line("at", "n", source=source, line_color=colour("for"), line_width=2.5)
    fig.y_range.start = 0
    format_axis(fig.yaxis, "0,0")
    return fig


def _draw_regions(source: Any) -> Any:
    from pipelines.viewers.dimensions import REGIONS

    fig = new_figure(360, x_label="sessions live", y_range=list(reversed(REGIONS)))
    fig.hbar(y="name", right="value", height=0.6, source=source, color=colour("for"))
    add_text(fig, source, "value", "name", "label")
    fig.x_range.start, fig.x_range.range_padding = 0, 0.6  # room for the numbers on a phone
    return fig


def serve(port: int, refresh_seconds: float) -> None:
    """Serve the page on loopback until interrupted.

    Raises:
        ConfigError: nothing says where Kafka is.
    """
    from bokeh.application import Application
    from bokeh.application.handlers.function import FunctionHandler
    from bokeh.server.server import Server

    servers, readers = endpoints.kafka_servers(), set[MetricsReader]()
    page = Application(
        FunctionHandler(lambda doc: build_page(doc, servers, refresh_seconds, readers))
    )
    server = Server({"/": page}, port=port, address="127.0.0.1")
    server.start()
    print(f"http://127.0.0.1:{server.port}/ follows {METRICS}; Ctrl-C ends it", flush=True)
    loop = server.io_loop
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.add_callback_from_signal(loop.stop))
    loop.start()
    for reader in readers:  # their threads would keep the process alive
        reader.close()


def main(argv: Sequence[str]) -> None:
    """Parse the arguments and serve."""
    parser = argparse.ArgumentParser(prog="make watch", description=__doc__)
    parser.add_argument("--port", type=int, default=5006, help="on 127.0.0.1 (%(default)s)")
    parser.add_argument("--refresh", type=float, default=2, help="seconds (%(default)s)")
    given = parser.parse_args(argv)
    serve(given.port, given.refresh)


if __name__ == "__main__":
    sys.exit(main_guard(lambda: main(sys.argv[1:])))
