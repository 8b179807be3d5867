"""Figures of a benchmark: kept in order, printed as a table, written with machine and versions."""

import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.core.machine import describe_machine, git_state, java_version, package_versions

MIB = 2**20


@dataclass(frozen=True)
class Check:
    """An acceptance row: what was measured beside what must hold."""

    name: str
    value: float | None
    limit: str
    holds: bool | None


@dataclass
class Results:
    """Everything one benchmark run found out.

    Attributes:
        settings: arguments of the run.
        figures: rows of name, value, unit.
        ratios: ours beside a peer, of the same run.
        checks: acceptance rows.
        versions: packages of ours and of the peers.
        skipped: programs that did not end well, and why.
        earlier: settings, commit and machine of runs whose figures were taken over; `run` numbers
            them, and is in the rows that are theirs. 0 is for files that did not number yet.
    """

    settings: dict[str, Any]
    figures: list[dict[str, Any]] = field(default_factory=list)
    ratios: list[dict[str, Any]] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    versions: dict[str, str | None] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    earlier: list[dict[str, Any]] = field(default_factory=list)

    def take_over(self, file: Path) -> None:
        """Take over the figures of an earlier run that this one did not measure.

        Sections take minutes each, so they may run one by one; every run that still has a figure
        in the file is told with its commit and settings.
        """
        if not file.exists():
            return
        told = json.loads(file.read_text(encoding="utf-8"))
        before = [{"run": 0, **one} for one in told["earlier"]]
        is_numbered = all(one["run"] for one in before)
        number = 1 + max((one["run"] for one in before), default=0) if is_numbered else 0
        _put_before(self.figures, told["results"], number)
        _put_before(self.ratios, told["ratios"], number)
        self.versions = told["versions"] | self.versions
        named = ("settings", "git_sha", "git_dirty", "machine")
        before.append({"run": number, **{name: told[name] for name in named}})
        left = {row.get("run") for row in (*self.figures, *self.ratios)}
        self.earlier = [one for one in before if one["run"] in left]

    def add(self, name: str, value: float | None, unit: str, runs: Sequence[float] = ()) -> None:
        """Keep one figure, in place of an earlier one; `runs` are the values behind a median."""
        self.figures = [row for row in self.figures if row["name"] != name]
        row: dict[str, Any] = {"name": name, "value": _rounded(value), "unit": unit}
        if len(runs) > 1:
            row["runs"] = [_rounded(run) for run in runs]
        self.figures.append(row)

    def value(self, name: str) -> float | None:
        """A figure by its name; None when it was not measured."""
        return next((row["value"] for row in self.figures if row["name"] == name), None)

    def ratio(self, name: str, part: str, whole: str) -> float | None:
        """Keep the ratio of two figures when both were measured."""
        above, below = self.value(part), self.value(whole)
        if above is None or not below:
            return None
        found = above / below
        self.ratios = [row for row in self.ratios if row["name"] != name]
        self.ratios.append({"name": name, "value": _rounded(found), "unit": "x"})
        return found

    def check(
        self, name: str, value: float | None, least: float | None, most: float | None
    ) -> None:
        """Hold a value against its limits; None when it was not measured."""
        limit = f">= {least:g}" if least is not None else f"<= {most:g}"
        holds = None
        if value is not None:
            holds = value >= least if least is not None else value <= (most or 0.0)
        self.checks.append(Check(name, _rounded(value), limit, holds))

    def skip(self, name: str, reason: str) -> None:
        """Keep that a program gave no figures."""
        self.skipped[name] = reason

    def write(self, file: Path, packages: Sequence[str]) -> None:
        """Write the JSON file.

        Args:
            file: made, with its folder.
            packages: distributions of our own environment to name.
        """
        root = Path(__file__).resolve().parents[2]
        told = {
            "machine": describe_machine(),
            **git_state(root),
            "versions": {
                "python": sys.version.split()[0],
                "java": java_version(),
                **package_versions(packages),
                **self.versions,
            },
            "settings": self.settings,
            "earlier": self.earlier,
            "results": self.figures,
            "ratios": self.ratios,
            "acceptance": [vars(check) for check in self.checks],
            "skipped": self.skipped,
        }
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")

    def print(self) -> None:
        """Print figures, ratios and acceptance rows."""
        rows = [(row["name"], row["value"], row["unit"], row.get("runs")) for row in self.figures]
        print(f"\n{'figure':<58}{'value':>14}  unit")
        for name, value, unit, runs in rows:
            spread = f"   {min(runs):g} .. {max(runs):g} in {len(runs)} runs" if runs else ""
            print(f"{name:<58}{_shown(value):>14}  {unit}{spread}")
        print(f"\n{'ratio':<58}{'value':>14}")
        for row in self.ratios:
            print(f"{row['name']:<58}{_shown(row['value']):>14}  x")
        print(f"\n{'acceptance':<58}{'value':>14}  limit")
        for check in self.checks:
            verdict = {True: "holds", False: "MISSED", None: "not measured"}[check.holds]
            print(f"{check.name:<58}{_shown(check.value):>14}  {check.limit:<12} {verdict}")
        for name, reason in self.skipped.items():
            print(f"skipped: {name}: {reason}")


def _put_before(rows: list[dict[str, Any]], earlier: Sequence[dict[str, Any]], number: int) -> None:
    """Put rows of another name before ours; those without a run are of the one with the number."""
    names = {row["name"] for row in rows}
    rows[:0] = [{"run": number, **row} for row in earlier if row["name"] not in names]


def median(values: Sequence[float]) -> float:
    """Middle value."""
    return float(statistics.median(values))


def progress(text: str) -> None:
    """One line on the error stream."""
    print(text, file=sys.stderr, flush=True)


def _rounded(value: float | None) -> float | None:
    if value is None:
        return None
    return round(value, 6) if abs(value) < 100 else round(value, 2)


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.6g}"
