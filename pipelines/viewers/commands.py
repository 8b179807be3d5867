"""Commands of the quality ladder as SQL: a wish for each reading, one command a cool-down.

The rules are those of `ladder.decide`; here they become one expression over a reading, so that no
Python runs per event. What remains, the cool-down, is one number more in the state that
`java/Viewing.java` keeps of each session.
"""
# ruff: noqa: S608

from pipelines.viewers.config import LadderSettings
from pipelines.viewers.dimensions import QUALITIES
from pipelines.viewers.ladder import RUNGS
from pipelines.viewers.rules import CELL_SIZE, FIRST_MS, MOMENT_SIZE
from pipelines.viewers.views import View

REASONS = ("UNKNOWN", "BUFFER_HEALTH", "BANDWIDTH_INSUFFICIENT", "UPGRADE")
"""Symbols of `QualityReason` in their order; the place of one is its `wish`, 0 is none."""

_UPGRADE = REASONS.index("UPGRADE")


def commands_view() -> View:
    """View `commands`: session_id, decided_ms, quality, wish and cell of each command.

    Needs `windows.counted_views` with a wish.
    """
    return (
        "commands",
        f"""
SELECT session_id, newest / {MOMENT_SIZE} + {FIRST_MS} AS decided_ms, quality, wish,
  MOD(newest, {CELL_SIZE}) AS cell
FROM counted_commands""",
    )


def wish(given: LadderSettings, since_ms: int = 0) -> str:
    """What an event asks for, as SQL: the place of the reason, 0 for nothing.

    Args:
        given: thresholds.
        since_ms: readings before this event time (epoch ms) ask for nothing.
    """
    is_reading = (
        f"is_alive = 1 AND at_ms >= {since_ms}"
        " AND bitrate_kbps IS NOT NULL AND buffer_seconds IS NOT NULL"
    )
    return f"CASE WHEN {is_reading} THEN {wish_of(given)} ELSE 0 END"


def wish_of(given: LadderSettings) -> str:
    """What a reading asks for, the place of its reason, as SQL."""
    least = _by_rung({place: rung.bitrate_kbps for place, rung in enumerate(RUNGS)})
    upper = {place - 1: rung for place, rung in enumerate(RUNGS) if place}
    bitrate = _by_rung({p: given.headroom * rung.bitrate_kbps for p, rung in upper.items()})
    buffer = _by_rung({p: rung.buffer_seconds for p, rung in upper.items()})
    return f"""CASE
    WHEN quality > 1 AND buffer_seconds < {given.low_buffer_seconds} THEN 1
    WHEN quality > 1 AND bitrate_kbps < {least} THEN 2
    WHEN quality BETWEEN 1 AND {len(RUNGS) - 1} AND buffer_seconds > {given.high_buffer_seconds}
      AND bitrate_kbps >= {bitrate} AND buffer_seconds >= {buffer} THEN {_UPGRADE}
    ELSE 0 END"""


def _by_rung(values: dict[int, float]) -> str:
    """A number by the quality that plays; qualities are counted from 1, rungs from 0."""
    cases = " ".join(f"WHEN {place + 1} THEN {value:g}" for place, value in values.items())
    return f"(CASE quality {cases} END)"


def named(code: str) -> str:
    """Name of a quality out of its code, as SQL."""
    cases = " ".join(f"WHEN {place} THEN '{name}'" for place, name in enumerate(QUALITIES))
    return f"CASE {code} {cases} END"


def target(quality: str = "quality", wish: str = "wish") -> str:
    """Code of the quality a command asks for, as SQL: the next rung, up or down."""
    return f"({quality} + CASE {wish} WHEN {_UPGRADE} THEN 1 ELSE -1 END)"


def reason_name() -> str:
    """Reason out of `wish`, as SQL."""
    cases = " ".join(f"WHEN {place} THEN '{name}'" for place, name in enumerate(REASONS) if place)
    return f"CASE wish {cases} END"
