"""What viewers of the synthetic match do beside watching it: films and series they like or leave.

Equal seed gives equal records. Each viewer has a favourite genre, so that there is a taste to find.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipelines.core.wire import Wire
from pipelines.viewers.config import MatchSettings
from pipelines.viewers.generate import MESSAGES

Record = Mapping[str, Any]

GENRES = ("drama", "comedy", "thriller", "romance", "kids", "news")
KINDS = ("WATCH_COMPLETE", "WATCH_PARTIAL", "LIKE", "DISLIKE", "ADD_TO_LIST", "SHARE", "OTHER")
KIND_SHARES = (0.25, 0.35, 0.15, 0.05, 0.1, 0.05, 0.05)
DEVICES = ("MOBILE", "SMART_TV", "TABLET", "LAPTOP")
TITLES, CAST = 60, 25
FAVOURITE_SHARE = 0.6
"""Interactions with a title of the viewer's favourite genre; the others are with any title."""

HOUR_MS, DAYS = 3_600_000, 14


def draw_interactions(
    viewers: NDArray[np.int64], settings: MatchSettings, seed: int, end_ms: int
) -> Iterator[Record]:
    """Records of `viewer.Interaction` of the last two weeks, viewer by viewer.

    Args:
        viewers: keys of the viewers of a match.
        settings: how many of them do more than watch.
        seed: equal seed, equal records.
        end_ms: end of the two weeks, epoch ms.
    """
    rng = np.random.default_rng([seed, 2])
    active = viewers[rng.random(len(viewers)) < settings.active_share]
    for viewer in active.tolist():
        favourite, number = int(rng.integers(len(GENRES))), 1 + int(rng.poisson(4))
        device = DEVICES[int(rng.choice(len(DEVICES), p=(0.7, 0.15, 0.1, 0.05)))]
        for place in range(number):
            title = int(rng.integers(TITLES))
            if rng.random() < FAVOURITE_SHARE:
                title += (favourite - title) % len(GENRES)
            moment = end_ms - int(rng.integers(DAYS * 24 * HOUR_MS))
            yield _record(rng, viewer, place, title % TITLES, moment, device)


def _record(
    rng: np.random.Generator, viewer: int, place: int, title: int, moment: int, device: str
) -> Record:
    kind = KINDS[int(rng.choice(len(KINDS), p=KIND_SHARES))]
    length = (30 + title) * 60_000
    watched = {"WATCH_COMPLETE": 1.0, "WATCH_PARTIAL": float(rng.random())}.get(kind, 0.0)
    return {
        "event_id": f"i{viewer & _MASK:016x}-{place}",
        "event_time": moment,
        "ingest_time": None,
        "source": "player",
        "schema_version": 1,
        "region": "UNKNOWN",
        "priority": 5,
        "user_id": token_of(viewer),
        "content_id": f"title-{title}",
        "interaction_type": kind,
        "watch_ms": round(watched * length),
        "content_ms": length,
        "content_genres": [GENRES[title % len(GENRES)]],
        "device_type": device,
        "rating": int(rng.integers(6)) if rng.random() < 0.3 else None,
    }


_MASK = (1 << 64) - 1


def token_of(viewer: int) -> str:
    """Token of a viewer, as `encode.py` writes it into events."""
    return f"u{viewer & _MASK:016x}"


def write_interactions(records: Iterable[Record], file: Path) -> int:
    """Write records as messages of their topic, in order of time; returns how many."""
    wire = Wire("viewer.Interaction")
    ordered = sorted(records, key=lambda one: (one["event_time"], one["event_id"]))
    rows = {
        "message_key": [one["user_id"].encode() for one in ordered],
        "message_value": [wire.encode(dict(one)) for one in ordered],
        "kafka_time": [one["event_time"] for one in ordered],
    }
    pq.write_table(pa.table(rows, MESSAGES), file)
    return len(ordered)


def cast_of_titles() -> dict[str, list[str]]:
    """Actors of each title."""
    return {
        f"title-{title}": [f"actor-{(title * 7 + part * 11) % CAST}" for part in range(2)]
        for title in range(TITLES)
    }
