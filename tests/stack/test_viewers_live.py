"""The live lane on a real Kafka: provisional rows, commands, and a governor that slows it down."""

import threading
import time
from contextlib import closing
from itertools import pairwise

import pytest

from pipelines.core.kafka import make_consumer, make_producer, read_all
from pipelines.core.wire import Wire
from pipelines.viewers import topics
from pipelines.viewers.config import ViewersConfig
from pipelines.viewers.live import LiveLane
from pipelines.viewers.reading import MetricsReader
from tests.flink.viewers.conftest import SETTINGS
from tests.stack.test_viewers import empty_topics
from tests.unit.viewers.samples import event

__all__ = ["empty_topics"]

SESSIONS = 50
CONFIG = ViewersConfig(
    flink=SETTINGS, degrade={"down_seconds": 0, "up_seconds": 0, "refresh_seconds": 6},
    ladder={"cooldown_ms": 4000},
)  # fmt: skip


def play(servers: str, stop: threading.Event) -> None:
    """Every session beats once a second and asks for a better quality each time."""
    wire = Wire("viewer.Event")
    with closing(make_producer(servers)) as producer:
        while not stop.is_set():
            now = int(time.time() * 1000)
            for number in range(SESSIONS):
                session = f"live-{number}"
                beat = event(session, "HEARTBEAT", event_id=f"{session}-{now}", event_time=now,
                             buffer_seconds=9.0, bitrate_kbps=9_700)  # fmt: skip
                producer.send(topics.EVENTS, key=session.encode(), value=wire.encode(beat),
                              timestamp_ms=now)  # fmt: skip
            producer.flush()
            stop.wait(1)


@pytest.fixture
def players(empty_topics, servers):
    stop = threading.Event()
    thread = threading.Thread(target=play, args=(servers, stop))
    thread.start()
    yield
    stop.set()
    thread.join()


def rows_of(consumer, mode: str, newer_than: int, seconds: float = 60):
    """Rows of all sessions in a mode, once two moments are complete; their moments."""
    wire, found = Wire("viewer.Metrics"), {}
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for records in consumer.poll(timeout_ms=500).values():
            for record in records:
                row = wire.decode(record.value)
                is_slice = row["window_end_at"] - row["window_start_at"] == 10_000
                if row["dimension"] == "total" and row["mode"] == mode and is_slice:
                    found[row["window_end_at"]] = row
        whole = sorted(at for at, row in found.items()
                       if row["concurrent"] == SESSIONS and at > newer_than)  # fmt: skip
        if len(whole) >= 2:
            assert {found[at]["phase"] for at in whole} == {"PROVISIONAL"}
            return whole
    raise AssertionError(f"no complete rows in mode {mode}: {found}")


@pytest.mark.timeout(300)
def test_the_governor_slows_the_lane_down_and_brings_it_back(players, servers):
    lane = LiveLane(CONFIG)
    lane.start()
    try:
        with closing(make_consumer(servers, fetch_min_bytes=1)) as consumer:
            consumer.subscribe([topics.METRICS])
            full = rows_of(consumer, "full", 0)
            assert all(at % 2_000 == 0 for at in full)
            lane.govern(lag_seconds=60, clock_seconds=0)
            assert lane.mode.name == "slow_refresh"
            slow = rows_of(consumer, "slow_refresh", full[-1])
            assert all(at % 6_000 == 0 for at in slow)
            lane.govern(lag_seconds=0, clock_seconds=1)
            back = rows_of(consumer, "full", slow[-1])
            assert back[0] > slow[-1]
    finally:
        lane.stop()
    assert lane.changes == 2
    check_commands(servers)


def check_commands(servers: str) -> None:
    """One command a session and cool-down, also over a change of mode, to the next rung."""
    wire = Wire("viewer.QualityCommand")
    rows = {row["event_id"]: row for row in (wire.decode(one.value, one.timestamp)
            for one in read_all(servers, topics.COMMANDS))}  # fmt: skip
    assert len({row["session_id"] for row in rows.values()}) == SESSIONS
    moments: dict[str, list[int]] = {}
    for row in rows.values():
        moments.setdefault(row["session_id"], []).append(row["decided_at"])
    for at in map(sorted, moments.values()):
        assert min(b - a for a, b in pairwise(at)) >= 4000
    for row in rows.values():
        assert (row["from_quality"], row["to_quality"]) == ("Q720", "Q1080")
        assert (row["reason"], row["region"]) == ("UPGRADE", "mumbai")


def metrics_row(phase: str) -> dict[str, object]:
    envelope = {"event_id": phase, "event_time": 10_000, "ingest_time": None, "source": "test",
                "schema_version": 1, "region": "UNKNOWN", "priority": 5}  # fmt: skip
    return envelope | {
        "content_id": "behind", "dimension": "total", "dimension_value": "ALL",
        "window_start_at": 0, "window_end_at": 10_000, "concurrent": 1, "peak_concurrent": 1,
        "unique_viewers": 0, "is_approximate": False, "sketch": None, "watch_ms": 0,
        "rebuffering_ratio": None, "average_bitrate_kbps": None, "startup_ms": None,
        "failure_pct": None, "revision": 0, "phase": phase, "mode": "full",
    }  # fmt: skip


def phases_read(reader: MetricsReader, wanted: set[str], seconds: float) -> set[str]:
    """Phases of the rows of the test below that come until those wanted are there, or time is up."""
    found: set[str] = set()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and found != wanted:
        found |= {r["phase"] for r in reader.poll(200) if r["content_id"] == "behind"}
    return found


@pytest.mark.timeout(120)
def test_an_open_transaction_holds_up_final_rows_alone(empty_topics, servers):
    wire = Wire("viewer.Metrics")
    with (
        closing(make_producer(servers, transactional_id="test-viewers-behind")) as exact,
        closing(make_producer(servers)) as prompt,
        closing(MetricsReader(servers)) as reader,
    ):
        exact.init_transactions()
        exact.begin_transaction()
        for producer, phase in ((exact, "FINAL"), (prompt, "PROVISIONAL")):
            value = wire.encode(metrics_row(phase))
            producer.send(topics.METRICS, key=b"same partition", value=value).get(30)
        assert phases_read(reader, {"PROVISIONAL"}, 30) == {"PROVISIONAL"}
        assert phases_read(reader, {"FINAL"}, 1) == set()
        exact.commit_transaction()
        assert phases_read(reader, {"FINAL"}, 30) == {"FINAL"}
