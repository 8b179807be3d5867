"""What a run tells while it runs, on stderr: steps, durations, warnings."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, TextIO

from pipelines.core.clock import Clock, SystemClock
from pipelines.core.masks import mask_text
from pipelines.core.summary import RunSummary, make_run_id, print_table, to_plain

__all__ = ["RunLog", "RunSummary", "Step", "make_run_id", "print_table"]


@dataclass
class Step:
    """A running step; the caller may fill in what it did.

    Attributes:
        name: name of the step.
        rows: rows handled, for the rate in the log.
    """

    name: str
    rows: int | None = None


class RunLog:
    """Steps, durations and messages of one run.

    On a terminal each step shows a spinner and leaves a line. Elsewhere the text style is quiet:
    steps are told at most once per `quiet_seconds`, warnings always. The json style tells all.
    """

    def __init__(
        self,
        job: str,
        run_id: str,
        as_of: date,
        clock: Clock | None = None,
        style: Literal["text", "json"] = "text",
        stream: TextIO | None = None,
        quiet_seconds: float = 60.0,
    ) -> None:
        self.job, self.run_id, self.as_of, self.style = job, run_id, as_of, style
        self.seconds: dict[str, float] = {}
        self.warnings: list[str] = []
        self._clock = clock or SystemClock()
        self._stream = stream or sys.stderr
        self._quiet_seconds = quiet_seconds
        self._stages: list[str] = []
        self._start = self._last_line = self._clock.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the log was opened."""
        return self._clock.monotonic() - self._start

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Time a step; a name used again adds up, a failed step keeps its time."""
        step, start, outcome = Step(name), self._clock.monotonic(), "failed after"
        self._stages.append(name)
        try:
            with self._spinner(name):
                yield step
            outcome = "done in"
        finally:
            spent = self._clock.monotonic() - start
            self.seconds[name] = self.seconds.get(name, 0.0) + spent
            self._tell_step(step, spent, outcome)
            self._stages.pop()

    def name(self, summary: RunSummary) -> None:
        """From here on lines carry the id and the business date of a run."""
        self.run_id, self.as_of = summary.run_id, summary.as_of

    def close(self, summary: RunSummary) -> None:
        """Take times and warnings over into the summary of the run."""
        summary.seconds = {name: round(spent, 3) for name, spent in self.seconds.items()}
        summary.total_seconds = self.elapsed
        summary.warnings = list(self.warnings)

    def write_report(
        self, summary: RunSummary, folder: Path, write: Callable[[Path], object]
    ) -> None:
        """Write `report.html` as a step of its own, then `run.json`, which knows that step too."""
        with self.step("report"):
            write(folder / "report.html")
        summary.seconds["report"] = round(self.seconds["report"], 3)
        summary.write_run_json(folder)

    def info(self, message: str, **fields: Any) -> None:
        """Say something; silent in text style unless on a terminal."""
        if self.style == "json" or self._stream.isatty():
            self._write("info", message, fields)

    def warning(self, message: str, **fields: Any) -> None:
        """Say something that the reader should act on; always shown, and kept for the report."""
        self.warnings.append(mask_text(message))
        self._write("warning", message, fields)

    def _tell_step(self, step: Step, spent: float, outcome: str) -> None:
        rate = f", {step.rows:,} rows" if step.rows is not None else ""
        if step.rows and spent > 0:
            rate += f", {step.rows / spent:,.0f} rows/s"
        is_due = self._clock.monotonic() - self._last_line >= self._quiet_seconds
        if self.style == "json" or self._stream.isatty() or is_due:
            fields = {"seconds": round(spent, 3), "rows": step.rows}
            self._write("info", f"{step.name}: {outcome} {spent:.1f} s{rate}", fields)

    def _spinner(self, name: str) -> AbstractContextManager[Any]:
        if self.style != "text" or not self._stream.isatty() or len(self._stages) > 1:
            return nullcontext()
        from rich.console import Console

        return Console(file=self._stream).status(f"{name} ...")

    def _write(self, level: str, message: str, fields: Mapping[str, Any]) -> None:
        now = self._clock.now()
        self._last_line = self._clock.monotonic()
        if self.style == "text":
            mark = "" if level == "info" else f"{level}: "
            line = mask_text(f"{now:%H:%M:%S} {self.job} {mark}{message}")
        else:
            record = {
                "time": now.isoformat(timespec="milliseconds"),
                "level": level,
                "run_id": self.run_id,
                "job": self.job,
                "as_of": self.as_of.isoformat(),
                "stage": self._stages[-1] if self._stages else None,
                "message": message,
            }
            line = json.dumps(to_plain(record | dict(fields), mask_text), ensure_ascii=False)
        print(line, file=self._stream, flush=True)
