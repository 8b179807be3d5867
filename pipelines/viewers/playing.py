"""What the player of each session sends from PLAY to the end: one kernel, one pass a session.

Every session has its own random numbers, made from seed and place, so that more sessions do not
change the ones before.
"""

from collections.abc import Mapping

import numba as nb
import numpy as np
from numpy.typing import NDArray

from pipelines.viewers.config import MatchSettings
from pipelines.viewers.dimensions import REGIONS

Columns = Mapping[str, NDArray[np.generic]]

PLAY, PAUSE, RESUME, STOP, HEARTBEAT, QUALITY_CHANGE, BUFFER_START, BUFFER_END, ERROR = range(1, 10)
"""Places of the symbols of ViewerEventType."""

BITRATES_KBPS = np.array([0, 900, 1_700, 3_400, 9_000, 26_000])
"""What a player fetches on each rung, before noise, kbit/s (chosen)."""

FACTS = (
    "session", "event_time", "event_type", "quality", "bitrate_kbps", "played_ms", "rebuffered_ms",
    "delivered_kilobits", "total_played_ms", "total_rebuffered_ms", "total_delivered_kilobits",
    "is_fatal", "buffer_ms", "buffer_pct",
)  # fmt: skip
_WHO = (
    "region", "city", "device", "network", "language", "cdn", "content", "viewer_key",
    "account_key", "device_key", "session_key",
)  # fmt: skip


def play_sessions(
    sessions: Columns, settings: MatchSettings, seed: int, start_ms: int
) -> dict[str, NDArray[np.generic]]:
    """Events of all sessions in order of session and time.

    Args:
        sessions: one entry a session: start and end (ms of the match), who and what.
        settings: habits of players and the network.
        seed: of the players.
        start_ms: epoch ms of the beginning of the match.
    """
    length = float(sessions["end"].max())
    numbers = np.array(
        [
            settings.heartbeat_seconds * 1000, settings.startup_seconds * 1000,
            settings.stall_seconds * 1000, settings.pause_seconds * 1000,
            settings.change_seconds * 1000, REGIONS.index(settings.fault_region),
            settings.fault_start * length, settings.fault_end * length, settings.fault_factor,
        ]
    )  # fmt: skip
    names = ("start", "end", "quality", "region", "is_lost", "is_unstarted", "is_fatal", "is_bot")
    given = np.column_stack([sessions[name].astype(np.int64) for name in names])
    none = np.empty((0, len(FACTS)), np.int64)
    total = _play(given, numbers, seed, none)
    facts = np.empty((total, len(FACTS)), np.int64)
    _play(given, numbers, seed, facts)
    events: dict[str, NDArray[np.generic]] = {
        name: facts[:, place].copy() for place, name in enumerate(FACTS)
    }
    owner = facts[:, 0]
    events |= {name: sessions[name][owner] for name in _WHO}
    events["event_time"] = facts[:, 1] + start_ms
    events["buffer_seconds"] = events.pop("buffer_ms").astype(np.float64) / 1000
    events["buffer_pct"] = events["buffer_pct"].astype(np.float64)
    order = np.arange(total)
    events["event_key"] = (sessions["session_key"][owner] & ~0xFFFFF) ^ (order & 0xFFFFF)
    del events["session"]
    return events


@nb.njit(cache=True)
def _draw(state):  # type: ignore[no-untyped-def]
    """Next number in (0, 1) of SplitMix64; `state` has one word."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return (float(z >> np.uint64(11)) + 0.5) / 9007199254740992.0


@nb.njit(cache=True)
def _wait(state, mean):  # type: ignore[no-untyped-def]
    return np.int64(-np.log(_draw(state)) * mean) + 1


@nb.njit(cache=True)
def _put(out, at, owner, now, kind, counters, quality, is_fatal, state):  # type: ignore[no-untyped-def]
    """Write one event; counters are (played, rebuffered, kilobits) so far and as last told."""
    if len(out):
        row = out[at]
        row[0], row[1], row[2], row[3] = owner, now, kind, quality
        row[4] = np.int64(BITRATES_KBPS[quality] * (0.7 + 0.8 * _draw(state)))
        for place in range(3):
            row[5 + place] = counters[place] - counters[place + 3]
            row[8 + place] = counters[place]
        row[11] = is_fatal
        row[12] = np.int64(min(30.0, -np.log(_draw(state)) * 7.0) * 1000)
        normal = np.sqrt(-2 * np.log(_draw(state))) * np.cos(2 * np.pi * _draw(state))
        row[13] = np.int64(min(100.0, max(0.0, 75.0 + 25.0 * normal)))
    else:
        for _ in range(4):
            _draw(state)
    for place in range(3):
        counters[place + 3] = counters[place]
    return at + 1


@nb.njit(cache=True)
def _play(given, numbers, seed, out):  # type: ignore[no-untyped-def]
    """Write the events, or only count them where `out` is empty."""
    at = 0
    state = np.empty(1, np.uint64)
    for owner in range(len(given)):
        state[0] = np.uint64(seed) * np.uint64(0xD1342543DE82EF95) + np.uint64(owner)
        at = _play_one(given[owner], numbers, owner, state, out, at)
    return at


@nb.njit(cache=True)
def _play_one(who, numbers, owner, state, out, at):  # type: ignore[no-untyped-def]
    """Events of one session; `due` has the moments of the next beat, stall, pause and change."""
    start, end, is_lost = who[0], who[1], who[4]
    quality = who[2:3].copy()
    counters = np.zeros(6, np.int64)
    at = _put(out, at, owner, start, PLAY, counters, quality[0], 0, state)
    spread = np.exp(_draw(state) + _draw(state) - 1)
    now = start + np.int64(numbers[1] * spread) + 1
    if who[5] or now >= end:
        if is_lost:
            return at
        last = max(end, start + 1)
        return _put(out, at, owner, last, STOP, counters, quality[0], 0, state)
    at = _put(out, at, owner, now, HEARTBEAT, counters, quality[0], 0, state)
    due = np.empty(4, np.int64)
    due[0] = now + np.int64(numbers[0])
    for place in range(1, 4):
        due[place] = now + _wait(state, numbers[1 + place])
    while now < end:
        if who[3] == numbers[5] and numbers[6] <= now < numbers[7]:
            due[1] = min(due[1], now + _wait(state, numbers[2] / numbers[8]))
        then = min(due.min(), end)
        counters[0] += then - now
        counters[2] += (then - now) * BITRATES_KBPS[quality[0]] // 1000
        now = then
        if now < end:
            now, at = _happen(who, numbers, owner, state, out, at, now, due, counters, quality)
    if who[6]:
        return _put(out, at, owner, end, ERROR, counters, quality[0], 1, state)
    return at if is_lost else _put(out, at, owner, end, STOP, counters, quality[0], 0, state)


@nb.njit(cache=True)
def _happen(who, numbers, owner, state, out, at, now, due, counters, quality):  # type: ignore[no-untyped-def]
    """What is due now; returns when play goes on, and the next place in `out`."""
    end, what = who[1], np.argmin(due)
    if what == 0:
        at = _put(out, at, owner, now, HEARTBEAT, counters, quality[0], 0, state)
        jitter = 0 if who[7] else np.int64(400 * (2 * _draw(state) - 1))
        due[0] = now + np.int64(numbers[0]) + jitter
        return now, at
    if what == 3:
        step = 1 if _draw(state) < 0.55 else -1
        quality[0] = max(1, min(4, quality[0] + step))
        at = _put(out, at, owner, now, QUALITY_CHANGE, counters, quality[0], 0, state)
        due[3] = now + _wait(state, numbers[4])
        return now, at
    first, second, mean = BUFFER_START, BUFFER_END, 2_000.0
    if what == 2:
        first, second, mean = PAUSE, RESUME, 30_000.0
    at = _put(out, at, owner, now, first, counters, quality[0], 0, state)
    again = min(now + _wait(state, mean), end)
    due += again - now
    due[what] = again + _wait(state, numbers[1 + what])
    if what == 1:
        counters[1] += again - now
    if again < end:
        at = _put(out, at, owner, again, second, counters, quality[0], 0, state)
    return again, at
