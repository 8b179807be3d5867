"""What the user asked for."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path


@dataclass(frozen=True)
class Request:
    """What the user asked for on the command line.

    Attributes:
        input: synthetic[:N], a folder, a .psv file, ledger, or kafka://topic.
        lake: root of the Delta tables.
        as_of: business date; None takes the last service date.
        intake: sell in micro-batches instead of allotting a day.
        follow: with `intake` from Kafka, seconds without news after which it ends.
        dry_run: check and plan only, write nothing.
        report: folder of report.html and run.json.
    """

    input: str = "synthetic"
    lake: str = "./lake-rail"
    as_of: date | None = None
    intake: bool = False
    follow: float | None = None
    dry_run: bool = False
    report: Path | None = None
