"""What the user asked for."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path


@dataclass(frozen=True)
class Request:
    """What the user asked for on the command line.

    Attributes:
        input: match, or a folder of messages.
        lake: root of the tables.
        as_of: business date; None takes that of the last event.
        dry_run: check and plan only, write nothing.
        report: folder of report.html and run.json.
        verify: count once more in Spark and compare.
        stack: read and write the topics of Kafka.
        job: with `stack`, the lanes of the match, or tastes.
        seconds: with `stack`, stop after so long; None goes on until SIGTERM or Ctrl-C.
    """

    input: str = "match"
    lake: Path = Path("lake")
    as_of: date | None = None
    dry_run: bool = False
    report: Path | None = None
    verify: bool = False
    stack: bool = False
    job: str = "match"
    seconds: float | None = None
