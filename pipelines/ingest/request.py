"""What the user asked for."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from pipelines.core.clock import utc_today


@dataclass(frozen=True)
class Request:
    """What the user asked for on the command line.

    Attributes:
        topic: topic of the catalogue.
        lake: local folder, or `s3a://<prefix>`.
        once: end when the messages that are there now are stored.
        as_of: business date of the run, for its name.
        dry_run: check what is needed, write nothing.
        report: folder of report.html and run.json.
    """

    topic: str
    lake: str = "./lake"
    once: bool = False
    as_of: date = field(default_factory=utc_today)
    dry_run: bool = False
    report: Path | None = None
