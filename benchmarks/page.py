"""Write docs/benchmarks.md from the files in results/: `python benchmarks/page.py`.

Every figure of the page stands in one of those files; a test compares the page with them.
"""

import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS, PAGE = ROOT / "benchmarks" / "results", ROOT / "docs" / "benchmarks.md"
VERDICTS = {True: "holds", False: "**missed**", None: "not measured"}

TARGETS = {"upi_fraud": "fraud"}
"""Ends of `make bench-...` that are not the name of the file."""

HEAD = """\
# Benchmarks

Written by `python benchmarks/page.py` from `benchmarks/results/*.json`; nothing is typed by hand.
[benchmarks/README.md](../benchmarks/README.md) says how it is measured. Values are medians where
several runs are named. A ratio compares figures of one run on one machine. A row is not measured
where its section was left out or a peer was missing.
"""


def main() -> int:
    """Write the page."""
    PAGE.write_text(write_page(RESULTS), encoding="utf-8")
    print(PAGE.relative_to(ROOT))
    return 0


def write_page(folder: Path) -> str:
    """The page as Markdown: a chapter for each file of results."""
    lines = [HEAD]
    for file in sorted(folder.glob("*.json")):
        told = json.loads(file.read_text(encoding="utf-8"))
        lines += chapter(file.stem, told)
    return "\n".join(lines).rstrip() + "\n"


def chapter(job: str, told: Mapping[str, Any]) -> Iterator[str]:
    """Where and with what it was measured, then ratios, acceptance rows and figures."""
    yield f"## {job}\n"
    yield f"`make bench-{TARGETS.get(job, job)}`, {where(told)}.\n"
    yield from earlier_runs(told["earlier"])
    yield from table(
        ("ratio", "value"), [(name_of(row), f"{show(row['value'])} x") for row in told["ratios"]]
    )
    yield from table(
        ("acceptance", "measured", "limit", "verdict"),
        [
            (row["name"], show(row["value"]), row["limit"], VERDICTS[row["holds"]])
            for row in told["acceptance"]
        ],
    )
    rows = [(name_of(row), show(row["value"]), row["unit"], spread(row)) for row in told["results"]]
    figures = list(table(("figure", "value", "unit", "lowest to highest"), rows))
    if figures:
        yield f"<details><summary>{len(told['results'])} figures</summary>\n"
        yield from figures
        yield "</details>\n"
    for name, reason in told["skipped"].items():
        yield f"Left out: {name}: {reason}\n"
    versions = [f"{name} {version}" for name, version in told["versions"].items() if version]
    yield f"Versions: {', '.join(versions)}.\n"


def earlier_runs(runs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Each run whose figures were taken over; many of them fold."""
    if len(runs) > 1:
        yield f"<details><summary>Some figures are of {len(runs)} earlier runs</summary>\n"
    for one in runs:
        number = one.get("run")
        which = f"Figures with [{number}] are" if number else "Some figures are"
        yield f"{which} of an earlier run, {where(one)}.\n"
    if len(runs) > 1:
        yield "</details>\n"


def name_of(row: Mapping[str, Any]) -> str:
    """Name of a figure, with the number of the earlier run that it is of."""
    return f"{row['name']} [{row['run']}]" if row.get("run") else str(row["name"])


def where(told: Mapping[str, Any]) -> str:
    """Machine, commit, load at the start and settings of a run, on one line."""
    machine, settings = told["machine"], dict(told["settings"])
    load = settings.pop("load_at_start", None)
    commit = f"commit {str(told['git_sha'])[:12]}"
    parts = [
        f"{machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}",
        f"{commit} with local changes" if told["git_dirty"] else commit,
    ]
    if load is not None:
        parts.append(f"load {load:.1f} at the start")
    said = [f"{name} {plain(value)}" for name, value in settings.items() if value not in (None, [])]
    return "; ".join([*parts, f"settings: {', '.join(said)}"] if said else parts)


def plain(value: Any) -> str:
    """A setting as text."""
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    """A Markdown table; nothing where there is no row."""
    if not rows:
        return
    yield f"| {' | '.join(columns)} |"
    yield f"| {' | '.join('---' for _ in columns)} |"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"
    yield ""


def spread(row: Mapping[str, Any]) -> str:
    """Lowest and highest of the runs behind a median."""
    runs = [run for run in row.get("runs", ()) if run is not None]
    return f"{show(min(runs))} to {show(max(runs))}, {len(runs)} runs" if runs else ""


def show(value: float | None) -> str:
    """A figure with as many digits as mean something."""
    if value is None:
        return "–"
    if math.isinf(value):
        return "never"  # a latency without an answer
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}" if abs(value) >= 1 else f"{value:.4f}".rstrip("0")


if __name__ == "__main__":
    sys.exit(main())
