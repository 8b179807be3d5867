"""What the steps of a run work with."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pipelines.core.lake import Lake
from pipelines.core.privacy import Tokeniser
from pipelines.core.runlog import RunLog
from pipelines.dedup.config import DedupConfig
from pipelines.dedup.request import Request
from pipelines.dedup.row_groups import rows_of
from pipelines.dedup.sources import Source
from pipelines.dedup.tables import History


@dataclass(frozen=True)
class Task:
    """What a run works with.

    Attributes:
        source: the rows.
        config: the settings.
        request: the command line.
        lake: the tables.
        history: what earlier runs left in them.
        tokeniser: makes the tokens.
        folder: where the record store goes.
        run_id: this run.
        log: says how far it is.
    """

    source: Source
    config: DedupConfig
    request: Request
    lake: Lake
    history: History
    tokeniser: Tokeniser
    folder: Path
    run_id: str
    log: RunLog

    @cached_property
    def is_local(self) -> bool:
        """Whether the driver works the rows through by itself: few new ones in local files."""
        is_few = 0 < rows_of(self.source.files) <= self.config.local_rows
        return self.request.mode == "incremental" and is_few
