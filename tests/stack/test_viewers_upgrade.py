"""A job that is stopped with a savepoint and goes on with changed settings counts everything once."""

import time
from collections import Counter

import pytest

from pipelines.core.flink import FlinkSettings, stop_with_savepoint
from pipelines.core.kafka import make_producer, topic_spans
from pipelines.core.wire import Wire
from pipelines.viewers import engine, topics
from pipelines.viewers.config import ViewersConfig
from pipelines.viewers.dimensions import pack_cell
from pipelines.viewers.stack import start_lanes
from tests.stack.test_viewers import empty_topics, facts
from tests.unit.viewers.oracle import audience, sessions
from tests.unit.viewers.samples import disturbed, event, moved_to, random_events

__all__ = ["empty_topics"]

TAIL = "tail"
SETTINGS = FlinkSettings(parallelism=1, checkpoint_seconds=1, restart_attempts=1, idle_seconds=4)


def publish(servers, events):
    """Events in their order; a session stays in its partition."""
    wire, producer = Wire("viewer.Event"), make_producer(servers)
    for one in events:
        producer.send(
            topics.EVENTS, key=one["session_id"].encode(), value=wire.encode(one),
            timestamp_ms=one["event_time"],
        )  # fmt: skip
    producer.flush()
    producer.close()


def wait_for(accept, seconds=90):
    deadline = time.monotonic() + seconds
    while not accept():
        assert time.monotonic() < deadline, "it did not come in time"
        time.sleep(0.5)


def records(servers, topic):
    return sum(end - start for start, end in topic_spans(servers, topic).values())


@pytest.mark.timeout(300)
def test_a_savepoint_carries_open_windows_over(empty_topics, servers, tmp_path):
    events = moved_to(random_events(21, sessions=40), int(time.time() * 1000) - 3_600_000)
    sent = disturbed(events, 21)
    last = max(one["event_time"] for one in events)
    config = ViewersConfig(flink=SETTINGS, windows={"session_gap_seconds": 60},
                           state_uri=tmp_path.as_uri())  # fmt: skip
    publish(servers, sent[: len(sent) // 2])
    job = start_lanes(config, tmp_path, is_bounded=False)
    wait_for(lambda: records(servers, topics.METRICS) > 0)
    savepoint = stop_with_savepoint(job, f"{config.state_uri}/savepoints")
    assert not facts(servers, topics.SESSIONS, "viewer.Session"), "nothing was left to carry over"
    publish(servers, sent[len(sent) // 2 :])
    publish(servers, [event(TAIL, "HEARTBEAT", content_id=TAIL, event_time=last + 600_000)])
    changed = config.model_copy(update={
        "restore_from": savepoint,
        "windows": config.windows.model_copy(update={"lateness_seconds": 600}),
    })  # fmt: skip
    job = start_lanes(changed, tmp_path, is_bounded=False)
    wanted = sessions(events)
    try:
        wait_for(lambda: len(facts(servers, topics.SESSIONS, "viewer.Session")) >= len(wanted))
    finally:
        engine.cancel(job)
    check(servers, events, wanted)


def check(servers, events, wanted):
    rows = facts(servers, topics.METRICS, "viewer.Metrics")
    keys = Counter(message.key for message, _ in rows)
    assert set(keys.values()) == {1}
    slices = [
        row for _, row in rows
        if row["window_end_at"] - row["window_start_at"] == 10_000 and row["content_id"] != TAIL
    ]  # fmt: skip
    moments = {row["window_end_at"] for row in slices}
    for moment in moments:
        found = {
            (row["content_id"], row["dimension"], row["dimension_value"]): row["concurrent"]
            for row in slices
            if row["window_end_at"] == moment
        }
        assert found == audience(events, moment, pack_cell)
    first = min(one["event_time"] for one in events)
    last = max(one["event_time"] for one in events)
    steps = range(first // 10_000 * 10_000 + 10_000, last, 10_000)
    assert moments >= {at for at in steps if audience(events, at, pack_cell)}
    found = {row["session_id"]: row for _, row in facts(servers, topics.SESSIONS, "viewer.Session")}
    for name, one in wanted.items():
        assert (found[name]["ended_at"], found[name]["watch_ms"]) == (
            one["ended_ms"], one["watch_ms"],
        )  # fmt: skip
