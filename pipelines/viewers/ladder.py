"""Which quality a player should play: the ladder, and at most one change per cool-down (rule A3).

A target rung has to meet its own minima, so that an upgrade is never taken back for the same input.
The percentage and the seconds of a buffer are different quantities: only seconds decide here.
"""

from dataclasses import dataclass

from pipelines.viewers.config import LadderSettings


@dataclass(frozen=True)
class Rung:
    """A quality with its least bit rate (kbit/s) and least buffer (s)."""

    quality: str
    bitrate_kbps: int
    buffer_seconds: float


RUNGS = (
    Rung("Q360", 800, 1),
    Rung("Q480", 1500, 2),
    Rung("Q720", 3000, 3),
    Rung("Q1080", 8000, 5),
    Rung("Q4K", 25000, 10),
)
"""From the lowest to the highest (given)."""

_PLACE = {rung.quality: place for place, rung in enumerate(RUNGS)}


@dataclass(frozen=True)
class Command:
    """A change of quality.

    Attributes:
        from_quality, to_quality: neighbouring rungs.
        reason: BUFFER_HEALTH, BANDWIDTH_INSUFFICIENT or UPGRADE.
    """

    from_quality: str
    to_quality: str
    reason: str


def decide(
    quality: str, buffer_seconds: float | None, bitrate_kbps: float | None, given: LadderSettings
) -> Command | None:
    """The change that fits a reading, None for none.

    Args:
        quality: what plays; one that is not on the ladder is left alone.
        buffer_seconds: play time in the buffer, s; None if unknown.
        bitrate_kbps: what arrives; None if unknown.
        given: thresholds.
    """
    place = _PLACE.get(quality)
    if place is None or buffer_seconds is None or bitrate_kbps is None:
        return None
    if place and buffer_seconds < given.low_buffer_seconds:
        return Command(quality, RUNGS[place - 1].quality, "BUFFER_HEALTH")
    if place and bitrate_kbps < RUNGS[place].bitrate_kbps:
        return Command(quality, RUNGS[place - 1].quality, "BANDWIDTH_INSUFFICIENT")
    if place + 1 == len(RUNGS) or buffer_seconds <= given.high_buffer_seconds:
        return None
    target = RUNGS[place + 1]
    has_room = bitrate_kbps >= given.headroom * target.bitrate_kbps
    if has_room and buffer_seconds >= target.buffer_seconds:
        return Command(quality, target.quality, "UPGRADE")
    return None


@dataclass
class Steering:
    """Commands of one session: none within the cool-down after the last."""

    settings: LadderSettings
    last_ms: int | None = None

    def read(
        self, quality: str, buffer_seconds: float | None, bitrate_kbps: float | None, at_ms: int
    ) -> Command | None:
        """The command for a reading at an event time; older readings get none."""
        if self.last_ms is not None and at_ms - self.last_ms < self.settings.cooldown_ms:
            return None
        command = decide(quality, buffer_seconds, bitrate_kbps, self.settings)
        if command is not None:
            self.last_ms = at_ms
        return command


def buffer_tier(buffer_seconds: float) -> str:
    """What a buffer in seconds asks for: emergency below 1, preventive below 3, spare above 10."""
    if buffer_seconds < 1:
        return "EMERGENCY"
    if buffer_seconds < 3:
        return "PREVENTIVE"
    return "SPARE" if buffer_seconds > 10 else "NORMAL"


def is_low_percent(buffer_pct: float) -> bool:
    """Whether a buffer in percent is low, under 20: a rule of its own, never made seconds."""
    return buffer_pct < 20
