"""Time as an argument: nothing that scores or publishes reads the wall clock by itself."""

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What a run may ask about time."""

    def now(self) -> datetime:
        """Moment in UTC, for logs and `started_at`; never a feature."""

    def monotonic(self) -> float:
        """Seconds that only grow, for durations."""


class SystemClock:
    """The real clock."""

    def now(self) -> datetime:
        """Current moment in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds of the monotonic clock, safe against clock changes."""
        return time.monotonic()


@dataclass
class FixedClock:
    """A clock that stands still until it is moved; for tests and replays."""

    moment: datetime
    elapsed: float = 0.0

    def now(self) -> datetime:
        """The set moment plus what was advanced."""
        return self.moment + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        """Seconds advanced so far."""
        return self.elapsed

    def advance(self, seconds: float) -> None:
        """Move both readings on.

        Args:
            seconds: at least 0.

        Raises:
            ValueError: when asked to go back.
        """
        if seconds < 0:
            raise ValueError(f"a clock cannot go back by {seconds} s")
        self.elapsed += seconds


def utc_today() -> date:
    """Business date of a run that was given none."""
    return datetime.now(UTC).date()
