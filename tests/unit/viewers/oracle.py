"""The slow, obvious reference: rules A3 over a list of events, one session and one moment at a time.

Shares no code with the job. An event is a dictionary with the fields of the contract.
"""

from collections import defaultdict
from itertools import pairwise

ALIVE = {"PLAY", "RESUME", "HEARTBEAT", "QUALITY_CHANGE", "BUFFER_START", "BUFFER_END"}
ENDS = {"PAUSE", "STOP"}
COLUMNS = {
    "region": "region", "city": "city", "device": "device_type", "network": "network",
    "language": "language", "quality": "quality",
}  # fmt: skip


def once(events):
    """Each event_id counts once."""
    return list({one["event_id"]: one for one in events}.values())


def by_session(events):
    found = defaultdict(list)
    for one in once(events):
        found[one["session_id"]].append(one)
    return found


def is_live(events, at_ms, timeout_ms=30_000):
    """Whether a session lives at a moment: a sign of life less than 30 s old, no end after it."""
    signs = [e["event_time"] for e in events if e["event_type"] in ALIVE]
    ends = [e["event_time"] for e in events if e["event_type"] in ENDS]
    return any(
        at_ms - timeout_ms < sign <= at_ms and not any(sign < end <= at_ms for end in ends)
        for sign in signs
    )


UNLISTED = {"atlantis", "klingon"}
"""Values of the samples that no list of dimensions has."""


def value_of(event, dimension):
    value = event.get(COLUMNS[dimension])
    return "UNKNOWN" if value is None or value in UNLISTED else value


def order(event, cell_of):
    """Later first; at one moment a sign of life outweighs an end, then the larger cell."""
    return event["event_time"], event["event_type"] in ALIVE, cell_of(event)


def audience(events, at_ms, cell_of):
    """(content, dimension, value) -> live sessions at a moment."""
    found = defaultdict(int)
    for session in by_session(events).values():
        if not is_live(session, at_ms):
            continue
        known = [
            e
            for e in session
            if at_ms - 30_000 < e["event_time"] <= at_ms and e["event_type"] in ALIVE
        ]
        newest = max(known, key=lambda e: order(e, cell_of))
        found[newest["content_id"], "total", "ALL"] += 1
        for dimension in COLUMNS:
            found[newest["content_id"], dimension, value_of(newest, dimension)] += 1
    return dict(found)


def watched(events, start_ms, end_ms, cell_of):
    """(content, dimension, value) -> what was watched in [start, end)."""
    found = {}
    for session in by_session(events).values():
        inside = [e for e in session if start_ms <= e["event_time"] < end_ms]
        if not inside:
            continue
        newest = max(inside, key=lambda e: order(e, cell_of))
        plays = [e["event_time"] for e in inside if e["event_type"] == "PLAY"]
        frames = [
            e["event_time"] for e in inside if e["event_type"] in ("HEARTBEAT", "QUALITY_CHANGE")
        ]
        is_started = bool(plays and frames) and min(frames) >= min(plays)
        one = {
            "sessions": 1,
            "failures": int(any(e["is_fatal"] for e in inside)),
            "played": spread(inside, "played_ms"),
            "rebuffered": spread(inside, "rebuffered_ms"),
            "kilobits": spread(inside, "delivered_kilobits"),
            "startup": min(frames) - min(plays) if is_started else 0,
            "starts": int(is_started),
            "users": {newest["user_id"]},
        }
        keys = [("total", "ALL"), *((d, value_of(newest, d)) for d in COLUMNS)]
        for dimension, value in keys:
            key = newest["content_id"], dimension, value
            found[key] = joined(found[key], one) if key in found else dict(one)
    return found


def spread(events, name):
    return max(e[f"total_{name}"] for e in events) - min(
        e[f"total_{name}"] - e[name] for e in events
    )


def joined(one, other):
    return {
        name: one[name] | other[name] if name == "users" else one[name] + other[name]
        for name in one
    }


def quality_ms(session):
    """Play time by quality, from the changes in order of play time."""
    plays = sorted(
        (e["event_time"], RUNGS.index(e["quality"])) for e in session if e["event_type"] == "PLAY"
    )
    changes = sorted(
        (e["total_played_ms"], RUNGS.index(e["quality"]))
        for e in session
        if e["event_type"] == "QUALITY_CHANGE"
    )
    quality, since, spent = (plays[0][1] if plays else 0), 0, defaultdict(int)
    for moment, following in changes:
        spent[RUNGS[quality]] += moment - since
        quality, since = following, moment
    spent[RUNGS[quality]] += max(0, max(e["total_played_ms"] for e in session) - since)
    return {name: value for name, value in spent.items() if value}


RUNGS = ("UNKNOWN", "Q360", "Q480", "Q720", "Q1080", "Q4K")
KINDS = (
    "UNKNOWN", "PLAY", "PAUSE", "RESUME", "STOP", "HEARTBEAT", "QUALITY_CHANGE", "BUFFER_START",
    "BUFFER_END", "ERROR",
)  # fmt: skip


def sessions(events):
    """session_id -> the row of the session table, for sessions without a silence of half an hour."""
    found = {}
    for name, session in by_session(events).items():
        ending = [e for e in session if e["event_type"] != "ERROR" or e["is_fatal"]]
        last = max(ending, key=lambda e: (e["event_time"], KINDS.index(e["event_type"])))
        exit_type = {"STOP": "STOP", "ERROR": "ERROR"}.get(last["event_type"], "TIMEOUT")
        ended = last["event_time"] + (30_000 if exit_type == "TIMEOUT" else 0)
        plays = [e["event_time"] for e in session if e["event_type"] == "PLAY"]
        frames = [
            e["event_time"] for e in session if e["event_type"] in ("HEARTBEAT", "QUALITY_CHANGE")
        ]
        is_started = bool(plays and frames) and min(frames) >= min(plays)
        played = max(e["total_played_ms"] for e in session)
        stalled = max(e["total_rebuffered_ms"] for e in session)
        kilobits = max(e["total_delivered_kilobits"] for e in session)
        found[name] = {
            "started_ms": min(e["event_time"] for e in session),
            "ended_ms": ended,
            "exit_type": exit_type,
            "watch_ms": played + stalled,
            "rebuffered_ms": stalled,
            "startup_ms": min(frames) - min(plays) if is_started else None,
            "is_exit_before_start": bool(plays) and not frames and ended - min(plays) >= 1000,
            "pauses": len({e["event_time"] for e in session if e["event_type"] == "PAUSE"}),
            "quality_ms": quality_ms(session),
            "average_bitrate_kbps": kilobits * 1000 / played if played else None,
        }
    return found


LIST = ["Q360", "Q480", "Q720", "Q1080", "Q4K"]
LEAST = {"Q360": (800, 1), "Q480": (1500, 2), "Q720": (3000, 3), "Q1080": (8000, 5),
         "Q4K": (25000, 10)}  # fmt: skip


def wish(event):
    """Neighbouring quality and reason that a reading asks for, or None."""
    quality, buffer, bitrate = event["quality"], event["buffer_seconds"], event["bitrate_kbps"]
    if event["event_type"] not in ALIVE or buffer is None or bitrate is None:
        return None
    place = LIST.index(quality)
    if place > 0 and buffer < 2:
        return LIST[place - 1], "BUFFER_HEALTH"
    if place > 0 and bitrate < LEAST[quality][0]:
        return LIST[place - 1], "BANDWIDTH_INSUFFICIENT"
    if place < 4 and buffer > 8:
        least, room = LEAST[LIST[place + 1]]
        if bitrate >= 1.2 * least and buffer >= room:
            return LIST[place + 1], "UPGRADE"
    return None


def commands(sent, cooldown_ms=20_000):
    """(session, moment, from, to, reason) of events in order of arrival, none within 20 s."""
    last, found = {}, []
    for one in sent:
        told, session, at = wish(one), one["session_id"], one["event_time"]
        if told and at - last.get(session, -cooldown_ms) >= cooldown_ms:
            last[session] = at
            found.append((session, at, one["quality"], *told))
    return found


def shared(events, start_ms, most, timeout_ms=30_000):
    """account -> devices whose newest event of a minute is a fresh sign of life, above `most`."""
    end_ms, devices = start_ms + 60_000, defaultdict(set)
    for session in by_session(events).values():
        inside = [e for e in session if start_ms <= e["event_time"] < end_ms]
        if not inside:
            continue
        last = max(inside, key=lambda e: (e["event_time"], e["event_type"] in ALIVE))
        account, device = inside[0]["account_id"], inside[0]["device_id"]
        is_fresh = last["event_time"] > end_ms - timeout_ms
        if account and last["event_type"] in ALIVE and is_fresh:
            devices[account].add(device)
    return {account: len(seen) for account, seen in devices.items() if len(seen) > most}


def jitter(session, usual_ms=15_000):
    """Number and spread of the gaps between heartbeats of a session, minute by minute."""
    minutes = defaultdict(set)
    for one in session:
        if one["event_type"] == "HEARTBEAT":
            minutes[one["event_time"] // 60_000].add(one["event_time"])
    gaps = []
    for beats in minutes.values():
        ordered = sorted(beats)
        gaps += [b - a for a, b in pairwise(ordered) if b - a <= usual_ms]
    mean = sum(gaps) / len(gaps) if gaps else 0
    return len(gaps), (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5 if gaps else 0
