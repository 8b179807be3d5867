"""Small matches written by hand or at random, as events and as messages of a topic."""

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.core.wire import Wire
from pipelines.viewers.generate import MESSAGES

BASE_MS = 1_767_261_600_000

GOLDEN = [
    ("s1", "PLAY", 0), ("s1", "HEARTBEAT", 20), ("s2", "PLAY", 5), ("s2", "PLAY", 5),
    ("s2", "PAUSE", 12), ("s3", "PLAY", 15), ("s2", "RESUME", 25), ("s1", "STOP", 40),
]  # fmt: skip
"""Vector A4: (session, type, second); the second PLAY of s2 is the first one sent again."""

GOLDEN_LIVE = {10: 2, 14: 1, 20: 2, 30: 3, 44: 2, 45: 1, 55: 0}


def event(session="s1", kind="PLAY", second=0.0, **changes):
    at = BASE_MS + round(second * 1000)
    return {
        "event_id": f"{session}-{kind}-{at}",
        "event_time": at,
        "ingest_time": None,
        "source": "test",
        "schema_version": 2,
        "region": "mumbai",
        "priority": 5,
        "user_id": f"user-{session}",
        "session_id": session,
        "content_id": "M",
        "event_type": kind,
        "quality": "Q720",
        "buffer_pct": None,
        "city": "pune",
        "device_type": "MOBILE",
        "language": None,
        "account_id": None,
        "device_id": None,
        "network": "N5G",
        "bitrate_kbps": None,
        "buffer_seconds": None,
        "cdn": None,
        "played_ms": 0,
        "rebuffered_ms": 0,
        "delivered_kilobits": 0,
        "total_played_ms": 0,
        "total_rebuffered_ms": 0,
        "total_delivered_kilobits": 0,
        "is_fatal": False,
        **changes,
    }


def golden_events():
    return [event(*one) for one in GOLDEN]


def random_events(seed, sessions=30, seconds=150):
    """Sessions that stall, pause, lose their STOP and change everything that can change."""
    rng = random.Random(seed)
    made = []
    for number in range(sessions):
        at, totals = rng.uniform(0, seconds * 0.7), [0, 0, 0]
        fixed = {
            "user_id": f"user-{rng.randrange(sessions)}",
            "content_id": rng.choice(("M", "M", "N")),
            "device_type": rng.choice(("MOBILE", "LAPTOP", "UNKNOWN")),
            "language": rng.choice((None, "hindi", "klingon")),
            "account_id": rng.choice((None, "home", "flat")),
            "device_id": f"d{rng.randrange(12)}",
        }
        kind, quality = "PLAY", "Q720"
        for _ in range(rng.randrange(1, 14)):
            steps = [rng.randrange(0, 5000), rng.randrange(0, 300), rng.randrange(0, 9000)]
            steps = [0, 0, 0] if kind == "PLAY" else steps
            totals = [one + step for one, step in zip(totals, steps, strict=True)]
            names = ("played_ms", "rebuffered_ms", "delivered_kilobits")
            counters = dict(zip(names, steps, strict=True))
            counters |= {f"total_{name}": n for name, n in zip(names, totals, strict=True)}
            place = {
                "region": rng.choice(("mumbai", "delhi", "atlantis")),
                "city": rng.choice(("pune", "delhi", "UNKNOWN")),
                "network": rng.choice(("WIFI", "N4G")),
                "quality": quality,
                "is_fatal": kind == "ERROR" and rng.random() < 0.5,
                "bitrate_kbps": rng.choice((None, 500, 2_000, 3_600, 9_700, 31_000)),
                "buffer_seconds": rng.choice((None, 0.5, 5.0, 9.0, 12.0)),
            }
            made.append(event(f"s{number}", kind, at, **fixed, **counters, **place))
            if kind == "STOP":
                break
            at += rng.choice((0.0, 0.5, 3.0, 9.999, 10.0, 12.0, 31.0))
            kind = rng.choice(
                ("HEARTBEAT", "HEARTBEAT", "HEARTBEAT", "QUALITY_CHANGE", "PAUSE", "RESUME", "STOP",
                 "BUFFER_START", "BUFFER_END", "ERROR")
            )  # fmt: skip
            if kind == "QUALITY_CHANGE":
                quality = rng.choice(("Q360", "Q480", "Q720", "Q1080", "Q4K"))
    for place, one in enumerate(made):
        one["event_id"] = f"e{place}"
    return made


def moved_to(events, base_ms):
    """The same events, the first minute of them at that of `base_ms`."""
    first = min(one["event_time"] for one in events) // 60_000
    step = (base_ms // 60_000 - first) * 60_000
    return [{**one, "event_time": one["event_time"] + step} for one in events]


def programs(number=3, beats=16):
    """Sessions that beat like clocks, their heartbeats up to 1 ms off."""
    return [
        event(f"bot{one}", "HEARTBEAT", 2 + 10 * beat + 0.001 * ((beat + one) % 2))
        for one in range(number)
        for beat in range(beats)
    ]


def disturbed(events, seed, disorder_seconds=25.0, copies=0.1):
    """In order of arrival: every event up to 25 s late, some of them twice."""
    rng = random.Random(seed)
    sent = events + [one for one in events if rng.random() < copies]
    return sorted(sent, key=lambda e: e["event_time"] + rng.uniform(0, disorder_seconds * 1000))


def write_messages(events, folder: Path, files=1, version=None):
    """Messages in the given order, spread over files by session."""
    wire = Wire("viewer.Event", version)
    folder.mkdir(parents=True, exist_ok=True)
    parts = [[] for _ in range(files)]
    for one in events:
        parts[sum(one["session_id"].encode()) % files].append(one)
    for number, part in enumerate(parts):
        rows = {
            "message_key": [one["session_id"].encode() for one in part],
            "message_value": [wire.encode(one) for one in part],
            "kafka_time": [one["event_time"] for one in part],
        }
        pq.write_table(pa.table(rows, MESSAGES), folder / f"part-{number}.parquet",
                       compression="snappy")  # fmt: skip


def write_raw(rows, folder: Path):
    """Messages as (bytes, event) in the given order, in one file."""
    folder.mkdir(parents=True, exist_ok=True)
    columns = {
        "message_key": [one["session_id"].encode() for _, one in rows],
        "message_value": [value for value, _ in rows],
        "kafka_time": [one["event_time"] for _, one in rows],
    }
    pq.write_table(pa.table(columns, MESSAGES), folder / "part-0.parquet", compression="snappy")
