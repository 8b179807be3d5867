"""Commands of the quality ladder as SQL: a wish for each reading, one command a cool-down.

The rules are those of `ladder.decide`; here they become one expression over a reading, so that no
Python runs per event. What remains, the cool-down of each session, is state on the JVM, which
forgets by event time.
"""
# ruff: noqa: S608

from pipelines.viewers.config import LadderSettings
from pipelines.viewers.dimensions import QUALITIES
from pipelines.viewers.ladder import RUNGS
from pipelines.viewers.views import View, events

REASONS = ("UNKNOWN", "BUFFER_HEALTH", "BANDWIDTH_INSUFFICIENT", "UPGRADE")
"""Symbols of `QualityReason` in their order; the place of one is its `wish`, 0 is none."""

_UPGRADE = REASONS.index("UPGRADE")


def commands_views(given: LadderSettings, since_ms: int = 0) -> list[View]:
    """View `commands`: session_id, decided_ms, quality, wish and cell of each command.

    Args:
        given: thresholds and cool-down.
        since_ms: readings before this event time (epoch ms) ask for nothing.
    """
    wishes = f"""
SELECT * FROM (
  SELECT bucket, event_at, session_id, session_key, at_ms, quality, {wish_of(given)} AS wish, cell
  FROM ({events()})
  WHERE is_alive = 1 AND at_ms >= {since_ms}
    AND bitrate_kbps IS NOT NULL AND buffer_seconds IS NOT NULL
)
WHERE wish > 0"""
    commands = f"""
SELECT session_id, decided_ms, quality, wish, cell FROM quality_commands(
  wishes => TABLE wishes PARTITION BY bucket, cooldown_ms => CAST({given.cooldown_ms} AS BIGINT),
  on_time => DESCRIPTOR(event_at), uid => 'quality-ladder')"""
    return [("wishes", wishes), ("commands", commands)]


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
