"""On a Flink cluster: the task manager of the viewer job is killed under load, nothing shows it."""

import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from pipelines.core.config import PROJECT_ROOT
from pipelines.core.kafka import make_producer, read_all, topic_spans
from pipelines.core.wire import Wire
from pipelines.viewers import tables, topics
from pipelines.viewers.dimensions import pack_cell
from tests.stack.cluster import Cluster, end, poll
from tests.stack.test_viewers import empty_topics, facts
from tests.stack.tools import KEY
from tests.unit.viewers.oracle import audience, sessions
from tests.unit.viewers.samples import disturbed, event, moved_to, random_events

__all__ = ["empty_topics"]

TAIL, JOB = "tail", "viewer_analytics"
SETTINGS = ("flink.parallelism=1", "flink.checkpoint_seconds=1", "flink.idle_seconds=5",
            "flink.restart_initial_seconds=0.5", "windows.session_gap_seconds=60",
            "degrade.down_seconds=600")  # fmt: skip
POISON = b"\0\0\0\0\x16broken"


@pytest.fixture
def cluster(stack, tmp_path):
    made = Cluster(tmp_path, {**stack.environment, **KEY}, slots=2)
    try:
        made.start(workers=2)
        yield made
    finally:
        made.stop()


def send(servers, messages, pause_seconds=0.0):
    """Messages as (key, value, epoch ms), in their order."""
    producer = make_producer(servers)
    for key, value, at in messages:
        producer.send(topics.EVENTS, key=key, value=value, timestamp_ms=at)
        time.sleep(pause_seconds)
    producer.flush()
    producer.close()


def encoded(events):
    wire = Wire("viewer.Event")
    return [(one["session_id"].encode(), wire.encode(one), one["event_time"]) for one in events]


def finals(servers):
    rows = facts(servers, topics.METRICS, "viewer.Metrics")
    return [(message, row) for message, row in rows if row["phase"] == "FINAL"]


@pytest.mark.timeout(400)
def test_a_killed_task_manager_leaves_no_trace(empty_topics, cluster, servers, tmp_path):
    events = moved_to(random_events(31, sessions=50), int(time.time() * 1000) - 3_600_000)
    sent, last = encoded(disturbed(events, 31)), max(one["event_time"] for one in events)
    half = len(sent) // 2
    send(servers, sent[:half])
    given = (f"state_uri={(tmp_path / 'state').as_uri()}", *SETTINGS)
    settings = [part for one in given for part in ("--set", one)]
    script = PROJECT_ROOT / "jobs" / f"{JOB}.py"
    client = cluster.submit(script, "--stack", "--lake", str(tmp_path / "lake"), *settings)
    try:
        poll(lambda: finals(servers), "no final row", 150)
        job = cluster.running(JOB)
        load = [*sent[half:], (b"bad", POISON, sent[-1][2])]
        players = threading.Thread(target=send, args=(servers, load, 5 / len(load)))
        players.start()
        (worker,) = cluster.workers_of(job)
        cluster.kill(worker)
        players.join()
        send(servers, encoded([event(TAIL, "HEARTBEAT", content_id=TAIL,
                                     event_time=last + 600_000)]))  # fmt: skip
        wanted = sessions(events)
        poll(lambda: len(facts(servers, topics.SESSIONS, "viewer.Session")) >= len(wanted),
             "sessions are missing")  # fmt: skip
        assert cluster.checkpoints(job)["restored"] >= 1
        assert cluster.workers_of(job) != [worker]
        send(servers, encoded([event("gone", "PLAY", event_time=last)]))
        poll(lambda: any(read_all(servers, topics.LATE)), "the late event is missing")
        check_topics(servers, events, wanted)
        poll(lambda: lake_is_whole(tmp_path / "lake", servers), "the lake differs from the topic")
    finally:
        end(client)


def check_topics(servers, events, wanted):
    """What a quiet run gives, each row once; and every message has one outcome."""
    rows = finals(servers)
    assert set(Counter(message.key for message, _ in rows).values()) == {1}
    slices = [row for _, row in rows
              if row["window_end_at"] - row["window_start_at"] == 10_000
              and row["content_id"] != TAIL]  # fmt: skip
    found = {}
    for row in slices:
        key = row["content_id"], row["dimension"], row["dimension_value"]
        found.setdefault(row["window_end_at"], {})[key] = row["concurrent"]
    first, last = (pick(one["event_time"] for one in events) for pick in (min, max))
    moments = range(first // 10_000 * 10_000 + 10_000, last + 40_000, 10_000)
    assert found == {at: live for at in moments if (live := audience(events, at, pack_cell))}
    told = facts(servers, topics.SESSIONS, "viewer.Session")
    assert Counter(row["session_id"] for _, row in told) == Counter(wanted.keys())
    for _, row in told:
        one = wanted[row["session_id"]]
        assert (row["ended_at"], row["exit_type"], row["watch_ms"], row["quality_ms"]) == (
            one["ended_ms"], one["exit_type"], one["watch_ms"], one["quality_ms"],
        )  # fmt: skip
    ((_, letter),) = facts(servers, topics.DEAD, "ops.DlqEnvelope")
    assert letter["payload"] == POISON
    (late,) = read_all(servers, topics.LATE)
    assert late.key == b"gone"
    read = sum(stop - start for start, stop in topic_spans(servers, topics.EVENTS).values())
    assert read == len(disturbed(events, 31)) + len((TAIL, letter, late))


def lake_is_whole(lake: Path, servers: str) -> bool:
    """Whether the Parquet tables hold the rows of the topics, each of them once."""
    place = lake / "viewer_stream"
    ids = tables.read_staged(place, "sessions")["session_id"].to_pylist()
    names = [row["session_id"] for _, row in facts(servers, topics.SESSIONS, "viewer.Session")]
    rows = tables.read_staged(place, "metrics").num_rows
    return sorted(ids) == sorted(names) and rows == len(finals(servers))
