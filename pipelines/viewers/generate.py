"""A seeded match: sessions that last, players that stall, STOPs that get lost, reordered events.

Equal seed and settings give equal bytes. Sessions follow the phases of the match: the hazard of
leaving rises where the audience has to fall, and people arrive where it has to grow.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipelines.core.mixing import splitmix64
from pipelines.viewers.config import MatchSettings
from pipelines.viewers.dimensions import CITIES, LANGUAGES, REGION_OF_CITY, REGIONS
from pipelines.viewers.encode import encode_events
from pipelines.viewers.playing import play_sessions

Columns = dict[str, NDArray[np.generic]]

START_MS = 1_767_261_600_000
"""2026-01-01T10:00:00Z, half past three in India: the match begins."""

REGION_SHARES: Mapping[str, float] = {
    "mumbai": 0.15, "chennai": 0.12, "delhi": 0.10, "bangalore": 0.10, "hyderabad": 0.08,
    "kolkata": 0.08, "other_india": 0.32, "international": 0.05,
}  # fmt: skip
DEVICE_SHARES = (0.0, 0.70, 0.15, 0.10, 0.05)
QUALITY_SHARES = (0.0, 0.20, 0.40, 0.30, 0.10, 0.0)
NETWORK_SHARES = (0.0, 0.45, 0.25, 0.20, 0.10)
SOURCE = "player"


@dataclass(frozen=True)
class Match:
    """A match in memory.

    Attributes:
        events: columns of all events in order of session and time, as `encode_events` takes them.
        arrivals: places in `events` in the order in which they reach the broker; a place that
            stands there twice was sent twice.
        content_ids: text of each content code.
        seconds: length of the match, s.
    """

    events: Columns
    arrivals: NDArray[np.int64]
    content_ids: tuple[str, ...]
    seconds: float


def make_match(settings: MatchSettings, seed: int) -> Match:
    """Draw a match.

    Args:
        settings: who watches and what goes wrong.
        seed: equal seed, equal match.
    """
    rng = np.random.default_rng(seed)
    audience = target_audience(settings)
    sessions = _draw_sessions(audience, settings, rng)
    events = play_sessions(sessions, settings, seed, START_MS)
    arrivals = _draw_arrivals(events["event_time"], settings, rng)
    ids = tuple(f"match-{number + 1}" for number in range(settings.matches))
    return Match(events, arrivals, ids, float(len(audience)))


def target_audience(settings: MatchSettings) -> NDArray[np.float64]:
    """Wanted audience at each second of the match."""
    parts = [
        np.full(max(1, round(one.seconds * settings.time_scale)), one.multiplier)
        for one in settings.phases
    ]
    wanted: NDArray[np.float64] = np.concatenate(parts) * settings.viewers
    return wanted


def _draw_sessions(
    audience: NDArray[np.float64], settings: MatchSettings, rng: np.random.Generator
) -> Columns:
    """Arrivals a second that keep the audience on target, and a stay for each by its hazard."""
    following = np.append(audience[1:], audience[-1])
    hazard = np.maximum(
        1 / settings.visit_seconds, -np.log(np.minimum(following / audience, 1 - 1e-12))
    )
    staying = audience * np.exp(-hazard)
    arrivals = rng.poisson(np.maximum(following - staying, 0))
    arrivals[0] += round(audience[0])
    number = int(arrivals.sum())
    start = np.repeat(np.arange(len(audience)), arrivals) + rng.random(number)
    grown = np.concatenate([[0.0], np.cumsum(hazard)])
    clock = np.arange(len(grown), dtype=np.float64)
    leave = np.interp(start, clock, grown) + rng.exponential(size=number)
    end = np.minimum(np.interp(leave, grown, clock), len(audience))
    who = _draw_people(number, settings, rng)
    start_ms = (start * 1000).astype(np.int64)
    return {"start": start_ms, "end": np.maximum((end * 1000).astype(np.int64), start_ms), **who}


def _draw_people(number: int, settings: MatchSettings, rng: np.random.Generator) -> Columns:
    """Place, device, account and habits of each session's viewer."""
    regions = np.array([REGIONS.index(name) for name in REGION_SHARES])
    region = rng.choice(regions, number, p=list(REGION_SHARES.values()))
    city = np.zeros(number, np.int64)
    for code in regions:
        there = [CITIES.index(c) for c, r in REGION_OF_CITY.items() if r == REGIONS[code]]
        city[region == code] = rng.choice(there, int((region == code).sum()))
    unknown = rng.random(number) < settings.unknown_share
    region[unknown] = city[unknown] = 0
    viewer = rng.integers(0, max(1, int(number * 0.8)), number)
    is_shared = rng.random(number) < settings.shared_share
    others = (1 - settings.hot_share) / max(1, settings.matches - 1)
    shares = np.full(settings.matches, others)
    shares[0] = 1 - others * (settings.matches - 1)
    return {
        "region": region,
        "city": city,
        "device": rng.choice(5, number, p=DEVICE_SHARES),
        "network": rng.choice(5, number, p=NETWORK_SHARES),
        "language": rng.integers(0, len(LANGUAGES), number),
        "quality": rng.choice(6, number, p=QUALITY_SHARES),
        "cdn": rng.integers(1, 4, number),
        "content": rng.choice(settings.matches, number, p=shares),
        "viewer_key": _keys(1, viewer),
        "account_key": _keys(2, np.where(is_shared, viewer % 7, viewer + 7)),
        "device_key": _keys(3, np.arange(number)),
        "session_key": _keys(4, np.arange(number)),
        "is_lost": rng.random(number) < settings.lost_stop_share,
        "is_unstarted": rng.random(number) < settings.no_start_share,
        "is_fatal": rng.random(number) < settings.fatal_share,
        "is_bot": rng.random(number) < settings.bot_share,
    }


def _keys(kind: int, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """64-bit names of things that are counted from 0."""
    words = numbers.astype(np.uint64) | np.uint64(kind << 56)
    return splitmix64(words).view(np.int64)


def _draw_arrivals(
    moments: NDArray[np.generic], settings: MatchSettings, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Order in which the broker sees the events: delays, and some events twice."""
    number = len(moments)
    again = np.flatnonzero(rng.random(number) < settings.duplicate_share)
    places = np.concatenate([np.arange(number), again])
    delay = rng.exponential(settings.delay_seconds, len(places))
    kind = rng.random(len(places))
    slow = kind < settings.slow_share
    delay[slow] = rng.uniform(1, 20, int(slow.sum()))
    sent = moments[places].astype(np.int64)
    share = (sent - sent.min()) / max(1, int(np.ptp(sent)))
    is_outage = (share >= settings.outage_start) & (share < settings.outage_end)
    fate = rng.random(len(places))
    late = is_outage & (fate < settings.late_share)
    delay[late] = rng.uniform(40, 200, int(late.sum()))
    hopeless = is_outage & (fate > 1 - settings.too_late_share)
    delay[hopeless] = rng.uniform(400, 500, int(hopeless.sum()))
    seen = sent + (delay * 1000).astype(np.int64)
    ordered: NDArray[np.int64] = places[np.argsort(seen, kind="stable")]
    return ordered


def write_match(
    match: Match, folder: Path, settings: MatchSettings, seed: int, files: int = 4
) -> int:
    """Write the messages in order of arrival, as a topic has them; returns how many.

    Args:
        match: a match.
        folder: takes `part-<n>.parquet`; sessions are spread over the parts as over partitions.
        settings: for the share of broken messages.
        seed: for which ones.
        files: parts.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([seed, 1])
    part_of = match.events["session_key"].view(np.uint64) % np.uint64(files)
    of_arrival = part_of[match.arrivals]
    for part in range(files):
        places = match.arrivals[of_arrival == part]
        target = folder / f"part-{part}.parquet"
        with pq.ParquetWriter(target, MESSAGES, compression="snappy") as writer:
            for start in range(0, len(places), CHUNK):
                chunk = places[start : start + CHUNK]
                rows = {name: values[chunk] for name, values in match.events.items()}
                table = encode_events(rows, SOURCE, match.content_ids)
                writer.write_table(_spoil(table, settings.poison_share, rng))
    return len(match.arrivals)


CHUNK = 250_000
MESSAGES = pa.schema(
    [
        ("message_key", pa.binary()),
        ("message_value", pa.binary()),
        ("kafka_time", pa.timestamp("ms", "UTC")),
    ]
)


def _spoil(table: pa.Table, share: float, rng: np.random.Generator) -> pa.Table:
    """Cut some messages short, so that nobody can decode them."""
    bad = np.flatnonzero(rng.random(table.num_rows) < share)
    if not len(bad):
        return table
    values = table["message_value"].to_pylist()
    for place in bad:
        values[place] = values[place][: int(rng.integers(1, len(values[place])))]
    return table.set_column(1, "message_value", pa.array(values, pa.binary()))
