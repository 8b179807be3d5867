"""How long a server that is away is waited for."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pipelines.ingest.config import IngestConfig


@dataclass
class Patience:
    """Pauses between tries that grow, and an end to them.

    A finished batch gives the full time back, and so does a try that has lasted longer than that
    time: a topic may be silent for hours and fail once in the morning and once at night.

    Attributes:
        config: first and longest pause, and the time in all.
        clock: monotonic seconds.
    """

    config: IngestConfig
    clock: Callable[[], float] = time.monotonic
    _batches: int = field(default=-1, init=False)
    _since: float = field(default=0.0, init=False)
    _pause: float = field(default=0.0, init=False)
    _began: float = field(default=0.0, init=False)

    def begin(self) -> None:
        """A try begins."""
        self._began = self.clock()

    def next_pause(self, batches: int) -> float | None:
        """Seconds to wait after a try that has failed; None when the time is over.

        Args:
            batches: batches that are finished.
        """
        now, whole = self.clock(), self.config.retry_seconds
        if batches != self._batches or now - self._began > whole:
            self._batches, self._since = batches, now
            self._pause = self.config.retry_first_seconds
        pause = self._pause
        if now - self._since + pause > whole:
            return None
        self._pause = min(2 * pause, self.config.retry_max_seconds)
        return pause
