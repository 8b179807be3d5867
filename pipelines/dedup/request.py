"""What the user asked for."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

from pipelines.core.clock import utc_today

Mode = Literal["full", "incremental"]


@dataclass(frozen=True)
class Request:
    """What the user asked for on the command line.

    Attributes:
        input: febrl1..febrl4, synthetic:N, a path or a URI.
        mapping: mapping file of an unknown table.
        truth: file or column with entity ids.
        lake: root of the Delta tables.
        model: score with this saved model instead of training.
        decisions: CSV with decisions of reviewers.
        as_of: business date.
        dry_run: plan only, write nothing.
        report: folder of report.html and run.json.
        mode: all records anew, or new ones against those of earlier runs.
        replan: keep the weights of the model, but cut the candidate buckets anew.
    """

    input: str = "febrl3"
    mapping: Path | None = None
    truth: str | None = None
    lake: str = "./lake"
    model: Path | None = None
    decisions: Path | None = None
    as_of: date = field(default_factory=utc_today)
    dry_run: bool = False
    report: Path | None = None
    mode: Mode = "full"
    replan: bool = False
