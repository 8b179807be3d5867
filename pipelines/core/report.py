"""One self-contained HTML file per run: building blocks, the page, the writer.

A job builds `Section`s out of blocks and hands them to `Report`. Every text is escaped by the
template; the only markup taken as it is comes from `Fragment`, which jobs fill from files of their
own package, never from data. `pipelines.core.report_parts` has the sections all jobs show.
This module is the only owner of jinja2; figures come from `pipelines.core.charts`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pipelines.core import charts

if TYPE_CHECKING:
    from bokeh.plotting import figure as Figure

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Badge:
    """A table cell that is a verdict; `tone` is `good`, `warn`, `bad` or `plain`."""

    text: str
    tone: str = "plain"


@dataclass(frozen=True)
class Link:
    """A table cell that leads to another file of the same folder; `href` is relative."""

    text: str
    href: str


Cell = str | Badge | Link


@dataclass(frozen=True)
class Kpi:
    """One figure of the head strip; `is_lead` figures are set large, `note` is small print."""

    label: str
    value: str
    note: str = ""
    is_lead: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of cells; `align` has one letter per column, `l` for text and `r` for numbers."""

    kind: ClassVar[str] = "table"
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    align: str
    title: str = ""
    caption: str = ""


@dataclass(frozen=True)
class Chart:
    """A bokeh figure with a title that says the finding; `legend` holds (text, colour role)."""

    kind: ClassVar[str] = "chart"
    name: str
    title: str
    figure: "Figure"
    caption: str = ""
    legend: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Note:
    """A paragraph of plain text."""

    kind: ClassVar[str] = "note"
    text: str


@dataclass(frozen=True)
class Bullets:
    """A list of plain sentences."""

    kind: ClassVar[str] = "bullets"
    items: Sequence[str]


@dataclass(frozen=True)
class Fragment:
    """Markup and script of the job's own package, and the JSON data its script reads by `name`."""

    kind: ClassVar[str] = "fragment"
    name: str
    markup: str
    script: str = ""
    data: Any = None


@dataclass(frozen=True)
class Details:
    """Blocks behind a summary line that opens on a click. No charts: hidden they have no width."""

    kind: ClassVar[str] = "details"
    summary: str
    blocks: Sequence["Block"]


@dataclass(frozen=True)
class Columns:
    """Blocks side by side on a wide screen, below one another on a narrow one."""

    kind: ClassVar[str] = "columns"
    blocks: Sequence["Block"]


Block = Table | Chart | Note | Bullets | Fragment | Details | Columns


@dataclass(frozen=True)
class Section:
    """A part of the page: `nav` is its short name, `title` the finding, `lead` one sentence."""

    anchor: str
    nav: str
    title: str
    blocks: Sequence[Block]
    lead: str = ""


@dataclass(frozen=True)
class Check:
    """One rule of the quality gate with what was observed and what is allowed, both as text."""

    name: str
    severity: str
    observed: str
    allowed: str
    failed_rows: int
    is_passed: bool


@dataclass(frozen=True)
class Report:
    """The whole page. `facts` are (name, value) pairs of the head, such as run id and model id."""

    job: str
    title: str
    subtitle: str
    kpis: Sequence[Kpi]
    sections: Sequence[Section]
    facts: Sequence[tuple[str, str]] = ()

    def render(self) -> str:
        """Return the page as HTML text that needs nothing outside itself."""
        blocks = [b for section in self.sections for b in _flatten(section.blocks)]
        figures = [b for b in blocks if isinstance(b, Chart)]
        page: str = _template().render(
            report=self,
            figures=[charts.pack_figure(b.figure, f"chart-{b.name}") for b in figures],
            fragments=[b for b in blocks if isinstance(b, Fragment)],
            light=charts.LIGHT,
            dark=charts.DARK,
            font=charts.FONT,
            runtime=charts.runtime_script(),
            styles=(TEMPLATES / "report.css").read_text(encoding="utf-8"),
            script=(TEMPLATES / "report.js").read_text(encoding="utf-8"),
        )
        return page

    def write(self, path: Path) -> Path:
        """Write the page to `path`, making its folder, and return the path."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.render(), encoding="utf-8")
        return path


@cache
def _template() -> Any:
    """The page's template, compiled once for all pages of a process."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Order matters to bokeh: an object is defined where it is met first. NaN is not JSON.
    env.policies["json.dumps_kwargs"] = {"sort_keys": False, "allow_nan": False}
    return env.get_template("report.html.j2")


def _flatten(blocks: Sequence[Block]) -> list[Block]:
    flat: list[Block] = []
    for block in blocks:
        flat.append(block)
        if isinstance(block, Details | Columns):
            flat.extend(_flatten(block.blocks))
    return flat
