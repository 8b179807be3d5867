"""What the user asked for."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from pipelines.core.clock import utc_today


@dataclass(frozen=True)
class Request:
    """What the user asked for on the command line.

    Attributes:
        input: synthetic, synthetic:N or a Parquet file of messages.
        truth: Parquet file with the kinds of the frauds.
        profile: rule profile.
        lake: folder of the decisions.
        as_of: business date.
        dry_run: plan only, write nothing.
        report: folder of report.html and run.json.
        stack: read and write Kafka.
        once: with `stack`, end when all that is there now has its outcome.
        job: with `stack`, `decide` (the hot path) or `network` (the slow one).
        model: folder of a model; None decides by rules alone.
    """

    input: str = "synthetic"
    truth: Path | None = None
    profile: str = "strict"
    lake: Path = Path("lake-upi")
    as_of: date = field(default_factory=utc_today)
    dry_run: bool = False
    report: Path | None = None
    stack: bool = False
    once: bool = False
    job: str = "decide"
    model: Path | None = None
