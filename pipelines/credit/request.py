"""What the user asked for."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

Command = Literal["run", "train", "score", "monitor", "backtest"]


@dataclass(frozen=True)
class Request:
    """What the user asked for on the command line.

    Attributes:
        command: run (all of the next three), train, score, monitor or backtest.
        input: synthetic[:N], german, a folder, a URI, kafka://credit.applications.v1, or
            features:DIR, a table of finished features.
        lake: root of the Delta tables.
        scorecard: score with this exported scorecard.
        as_of: business day; generated data brings its own.
        dry_run: check inputs and print the plan only.
        report: folder of report.html and run.json.
    """

    command: Command = "run"
    input: str = "synthetic"
    lake: str = "./lake-credit"
    scorecard: Path | None = None
    as_of: date | None = None
    dry_run: bool = False
    report: Path | None = None
