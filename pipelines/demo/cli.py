"""`make demo`: the five jobs in turn on bundled and generated data, then a page on all of them.

    python -m pipelines demo                        everything, about five minutes on two cores
    python -m pipelines demo dedup credit_score     some of the jobs
    python -m pipelines demo --stack                the same through Kafka and MinIO

Without --stack no service is needed. Each job runs as a user would run it, in a process of its own;
what it prints is kept in `log.txt` beside its report.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
import webbrowser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pipelines.core.cli import main_guard
from pipelines.core.config import PROJECT_ROOT
from pipelines.demo.chapters import CHAPTERS, Chapter
from pipelines.demo.page import Outcome, build_index, read_outcome

BUCKETS = "s3a://sangam"
"""Begins the names of the buckets of `conf/stack/buckets.yaml`."""


@dataclass(frozen=True)
class Shop:
    """Where a job works: its report, its log and the tables it makes."""

    folder: Path

    def clear(self) -> None:
        """Remove what an earlier demo left, and nothing else."""
        for name in ("run.json", "report.html", "log.txt"):
            (self.folder / name).unlink(missing_ok=True)
        shutil.rmtree(self.folder / "lake", ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)

    def commands(self, chapter: Chapter, is_on_stack: bool) -> list[list[str]]:
        """Command lines of a chapter in turn; local tables go below the folder."""
        local, report = ["--lake", str(self.folder / "lake")], ["--report", str(self.folder)]
        if not is_on_stack:
            return [_job(chapter.job, *chapter.flags, *local, *report)]
        told = chapter.on_stack
        records = ["--records", str(told.records)]
        lines = [[sys.executable, "-m", "pipelines", "produce", told.domain, *records]]
        if told.bronze is not None:
            lines.append(_job("ingest", "--topic", told.bronze, "--once", "--lake", BUCKETS))
        tables = [] if "--lake" in told.flags else local
        return [*lines, _job(chapter.job, *told.flags, *tables, *report)]


def _job(name: str, *flags: str) -> list[str]:
    return [sys.executable, str(PROJECT_ROOT / "jobs" / f"{name}.py"), *flags]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chapters and write the index; 0, or 1 when a job failed."""
    parser = argparse.ArgumentParser(
        prog="python -m pipelines demo",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = [chapter.job for chapter in CHAPTERS]
    parser.add_argument("jobs", nargs="*", metavar="JOB", help=f"some of {', '.join(names)}")
    parser.add_argument("--stack", action="store_true", help="go through Kafka and MinIO")
    parser.add_argument("--report", type=Path, default=Path("reports", "demo"), metavar="DIR",
                        help="folder of the pages (%(default)s)")  # fmt: skip
    given = parser.parse_args(arguments)
    if unknown := set(given.jobs) - set(names):
        parser.error(f"there is no job {min(unknown)!r}; choose from {', '.join(names)}")
    chosen = [chapter for chapter in CHAPTERS if not given.jobs or chapter.job in given.jobs]
    folder = given.report.resolve()
    return main_guard(lambda: run_demo(chosen, folder, given.stack), debug=False)


def run_demo(chapters: Sequence[Chapter], folder: Path, is_on_stack: bool = False) -> int:
    """Run each chapter, tell its lead figure, write and open the index."""
    outcomes = []
    for number, chapter in enumerate(chapters, 1):
        print(f"{number}/{len(chapters)} {chapter.job}: {chapter.question}", flush=True)
        outcomes.append(run_chapter(chapter, folder / chapter.job, is_on_stack))
        print(f"    {outcomes[-1].told()}", flush=True)
    page = build_index(outcomes, is_on_stack).write(folder / "index.html")
    print(f"\n{page}")
    if has_desktop(os.environ, sys.platform):
        webbrowser.open(page.as_uri())
    return 0 if all(outcome.is_done for outcome in outcomes) else 1


def run_chapter(chapter: Chapter, folder: Path, is_on_stack: bool) -> Outcome:
    """Run one job as a user would; what it and its feeders say goes to `log.txt`."""
    shop, start, code = Shop(folder), time.monotonic(), 0
    shop.clear()
    with (folder / "log.txt").open("w", encoding="utf-8") as log:
        for command in shop.commands(chapter, is_on_stack):
            if code == 0:
                code = _call(command, log)
    return read_outcome(chapter, folder, code, time.monotonic() - start)


def _call(command: Sequence[str], log: IO[str]) -> int:
    """Exit code of a process that writes to the log."""
    done = subprocess.run(
        command, cwd=PROJECT_ROOT, stdout=log, stderr=subprocess.STDOUT, check=False
    )
    return done.returncode


def has_desktop(environment: Mapping[str, str], platform: str) -> bool:
    """Whether a browser can be opened: not in CI, not without a display."""
    if environment.get("CI"):
        return False
    return platform in ("darwin", "win32") or bool(
        environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")
    )
