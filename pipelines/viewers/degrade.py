"""What is given up first when events come faster than they are counted, and when it comes back.

Steps of the ladder: refresh 2 to 10 s, granularity 1 to 5 min, exact counts to a sketch. One step
at a time, down when the lag stays high, up when it stays low for longer; every row names its step.
"""

from dataclasses import dataclass

from pipelines.viewers.config import DegradeSettings

STEPS = ("full", "slow_refresh", "coarse", "sketch")


@dataclass(frozen=True)
class Mode:
    """What holds on a step.

    Attributes:
        name: name of the step, `mode` of the rows.
        refresh_seconds: between provisional rows.
        minute_seconds: window of quality and uniques.
        sample: one viewer in so many is counted; 1 counts all.
    """

    name: str
    refresh_seconds: int
    minute_seconds: int
    sample: int


def mode_of(step: int, given: DegradeSettings, refresh_seconds: int = 2) -> Mode:
    """What holds on a step of `STEPS`.

    Args:
        step: place in it.
        given: what each step changes.
        refresh_seconds: between provisional rows at best.
    """
    return Mode(
        STEPS[step],
        given.refresh_seconds if step else refresh_seconds,
        given.minute_seconds if step > 1 else 60,
        given.sample if step > 2 else 1,
    )


@dataclass
class Governor:
    """Chooses the step from the lag.

    Attributes:
        settings: limits.
        refresh_seconds: between provisional rows at best.
        step: place in `STEPS`.
    """

    settings: DegradeSettings
    refresh_seconds: int = 2
    step: int = 0
    _since: float | None = None
    _is_rising: bool = False

    @property
    def mode(self) -> Mode:
        """What holds now."""
        return mode_of(self.step, self.settings, self.refresh_seconds)

    def read(self, lag_seconds: float, clock_seconds: float) -> Mode:
        """Take a reading of the lag; returns what holds from now on.

        Args:
            lag_seconds: age of the oldest event not yet counted.
            clock_seconds: monotonic time of the reading.
        """
        given = self.settings
        is_high, is_low = lag_seconds > given.high_lag, lag_seconds < given.low_lag
        if (is_high and self.step + 1 < len(STEPS)) or (is_low and self.step):
            if self._since is None or self._is_rising != is_high:
                self._since, self._is_rising = clock_seconds, is_high
            wait = given.down_seconds if is_high else given.up_seconds
            if clock_seconds - self._since >= wait:
                self.step += 1 if is_high else -1
                self._since = None
        else:
            self._since = None
        return self.mode
