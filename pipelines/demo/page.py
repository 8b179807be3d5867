"""The index of a demo: the reports of the jobs, their key figures and their counts, on one page."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.core.report import Badge, Cell, Kpi, Link, Note, Report, Section, Table
from pipelines.core.report_parts import IDENTITY_PARTS, show_count, show_seconds
from pipelines.core.summary import OUTCOMES
from pipelines.demo.chapters import Chapter


@dataclass(frozen=True)
class Outcome:
    """What a job left behind.

    Attributes:
        chapter: which job, and what to show of it.
        exit_code: of its process.
        seconds: of its processes, start-up included.
        manifest: its `run.json`; empty when it wrote none.
        last_words: end of its log.
        has_page: it wrote a report; who follows topics until stopped writes none.
    """

    chapter: Chapter
    exit_code: int
    seconds: float
    manifest: Mapping[str, Any] = field(default_factory=dict)
    last_words: str = ""
    has_page: bool = False

    @property
    def is_done(self) -> bool:
        """Whether it ended well and said so in its manifest."""
        return self.exit_code == 0 and self.manifest.get("status") == "done"

    def figures(self) -> list[tuple[str, str]]:
        """Label and value of each figure; a dash where the run did not measure it."""
        metrics = self.manifest.get("metrics", {})
        return [(one.label, one.show(metrics.get(one.metric))) for one in self.chapter.figures]

    def told(self) -> str:
        """One line for the terminal."""
        spent = show_seconds(self.seconds)
        if not self.is_done:
            return f"failed with exit code {self.exit_code} after {spent}: {self.last_words}"
        return f"{spent}; " + ", ".join(f"{label} {value}" for label, value in self.figures())


def read_outcome(chapter: Chapter, folder: Path, exit_code: int, seconds: float) -> Outcome:
    """What a job left in its report folder: `run.json`, or only `log.txt`."""
    manifest = folder / "run.json"
    found = json.loads(manifest.read_text(encoding="utf-8")) if manifest.is_file() else {}
    log = folder / "log.txt"
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n") if log.is_file() else []
    said = [line.strip() for line in lines if line.strip()]
    told = [line for line in said if line.startswith("Error: ")] or said or ["it said nothing"]
    has_page = (folder / "report.html").is_file()
    return Outcome(chapter, exit_code, seconds, found, told[-1], has_page)


def build_index(outcomes: Sequence[Outcome], is_on_stack: bool) -> Report:
    """The page; links are relative, so that the folder can be moved."""
    done = sum(outcome.is_done for outcome in outcomes)
    title = f"{done} of {len(outcomes)} jobs ran to their end"
    if done == len(outcomes):
        title = "Every job ran to its end"
    kpis = [
        Kpi(f"{outcome.chapter.job}: {label}", value, is_lead=True)
        for outcome in outcomes
        for label, value in outcome.figures()[:1]
    ]
    sections = [_overview(outcomes), *(_chapter(outcome, is_on_stack) for outcome in outcomes)]
    way = "sent through Kafka and MinIO" if is_on_stack else "no services"
    subtitle = f"Bundled and generated data, {way}. Each report says how it came about."
    return Report("demo", title, subtitle, kpis, sections, _facts(outcomes))


def _facts(outcomes: Sequence[Outcome]) -> list[tuple[str, str]]:
    """Machine, versions and commit, as the last manifest has them."""
    facts = [("all jobs", show_seconds(sum(outcome.seconds for outcome in outcomes)))]
    told: Mapping[str, Any] = next((o.manifest for o in outcomes[::-1] if o.manifest), {})
    if machine := told.get("machine"):
        shown = f"{machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}"
        facts.append(("machine", shown))
    versions = told.get("versions", {})
    facts += [(name, versions[name]) for name in ("pyspark", "apache-flink") if versions.get(name)]
    if commit := told.get("git_sha"):
        facts.append(("commit", str(commit)[:12]))
    return facts


def _overview(outcomes: Sequence[Outcome]) -> Section:
    rows: list[tuple[Cell, ...]] = []
    for outcome in outcomes:
        counts, job = outcome.manifest.get("counts", {}), outcome.chapter.job
        verdict = Badge("done", "good") if outcome.is_done else Badge("failed", "bad")
        link = Link("report", f"{job}/report.html") if outcome.has_page else "–"
        shown = [show_count(counts.get(name)) for name in OUTCOMES]
        rows.append((job, verdict, *shown, show_seconds(outcome.seconds), link))
    table = Table(
        ("job", "status", *OUTCOMES, "time", "page"), rows, "ll" + "r" * (len(OUTCOMES) + 1) + "l"
    )
    lead = f"In every row, in = {' + '.join(IDENTITY_PARTS)}. The time counts start-up and report."
    is_whole = all(outcome.is_done for outcome in outcomes)
    title = "Every record read is accounted for" if is_whole else "What ran, and what did not"
    return Section("jobs", "Jobs", title, [table], lead)


def _chapter(outcome: Outcome, is_on_stack: bool) -> Section:
    chapter = outcome.chapter
    about, flags = chapter.about, chapter.flags
    if is_on_stack:
        told = chapter.on_stack
        about, flags = f"{told.records:,} records of {told.domain} sent to Kafka.", told.flags
    asked = f"jobs/{chapter.job}.py {' '.join(flags)}"
    if not outcome.is_done:
        said = f"Exit code {outcome.exit_code}: {outcome.last_words}"
        blocks = [Note(said), Note(f"All that {asked} said is in {chapter.job}/log.txt.")]
        return Section(chapter.job, chapter.job, chapter.question, blocks, about)
    rows: list[tuple[Cell, ...]] = [*outcome.figures(), ("asked by", asked)]
    if outcome.has_page:
        rows.append(("how this came about", Link("report", f"{chapter.job}/report.html")))
    table = Table(("figure", "value"), rows, "lr")
    return Section(chapter.job, chapter.job, chapter.question, [table], about)
