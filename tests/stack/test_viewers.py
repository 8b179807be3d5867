"""The viewer job on a real Kafka: messages in by Flink, facts out once, a page that follows them."""

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pandas as pd
import pyarrow.dataset as ds
import pytest

from pipelines.core import endpoints
from pipelines.core.kafka import delete_records, read_all
from pipelines.core.wire import Wire
from pipelines.viewers import topics
from pipelines.viewers.config import ViewersConfig
from pipelines.viewers.dimensions import pack_cell
from pipelines.viewers.follow import AlertLoop
from pipelines.viewers.outcome import with_ms
from pipelines.viewers.pipeline import WINDOW
from pipelines.viewers.stack import load_topic, start_lanes
from tests.flink.viewers.browser import DESK, PHONE, chromium, look
from tests.flink.viewers.conftest import SETTINGS
from tests.unit.viewers.oracle import audience, sessions
from tests.unit.viewers.samples import disturbed, event, moved_to, random_events, write_raw

CONFIG = ViewersConfig(
    flink=SETTINGS, windows={"session_gap_seconds": 120}, alerts={"scale": 1e-7, "hold_seconds": 0}
)


@pytest.fixture(scope="module")
def empty_topics(stack):
    """Topics that hold nothing yet: all tests of this layer share one broker, and its topics."""
    for topic in topics.ALL:
        delete_records(stack.environment[endpoints.KAFKA], topic)


@pytest.fixture(scope="module")
def sent(empty_topics, tmp_path_factory):
    """Random sessions with copies, disorder and one broken message; read to the end of the topic."""
    folder = tmp_path_factory.mktemp("viewers")
    events = moved_to(random_events(11, sessions=50), int((time.time() - 3600) * 1000))
    wire = Wire("viewer.Event")
    rows = [(wire.encode(one), one) for one in disturbed(events, 11)]
    rows.insert(20, (b"\0\0\0\0\x16broken", event("bad")))
    rows[20][1]["event_time"] = rows[19][1]["event_time"]
    write_raw(rows, folder / "messages")
    load_topic(folder / "messages", CONFIG, folder / "load")
    lake = (folder / "lake").as_uri()
    start_lanes(CONFIG, folder / "count", is_bounded=True, lake=lake).wait()
    return events, rows, folder / "lake"


def facts(servers, topic, subject):
    wire = Wire(subject)
    return [(one, wire.decode(one.value, one.timestamp)) for one in read_all(servers, topic)]


def test_slices_on_the_topic_equal_the_reference(sent, servers):
    events = sent[0]
    rows = [row for _, row in facts(servers, topics.METRICS, "viewer.Metrics")]
    slices = [r for r in rows if r["window_end_at"] - r["window_start_at"] == 10_000]
    assert slices
    assert {r["phase"] for r in rows} == {"FINAL"}
    for moment in {r["window_end_at"] for r in slices}:
        found = {
            (r["content_id"], r["dimension"], r["dimension_value"]): r["concurrent"]
            for r in slices
            if r["window_end_at"] == moment
        }
        assert found == audience(events, moment, pack_cell)


def test_every_key_of_metrics_comes_once(sent, servers):
    keys = Counter(message.key for message, _ in facts(servers, topics.METRICS, "viewer.Metrics"))
    assert set(keys.values()) == {1}


def test_the_lake_has_the_rows_of_the_topic_once(sent, servers):
    rows = [row for _, row in facts(servers, topics.METRICS, "viewer.Metrics")]
    place = sent[2] / "viewer_stream"
    files = [one for one in (place / "metrics").rglob("*") if one.is_file() and one.name[0] != "."]
    found = with_ms(ds.dataset(files, format="parquet").to_table(), WINDOW)
    names = [
        "content_id",
        "dimension",
        "dimension_value",
        "window_end_ms",
        "concurrent",
        "watch_ms",
    ]
    wanted = pd.DataFrame(rows).rename(columns={"window_end_at": "window_end_ms"})
    ours, theirs = (
        frame[names].sort_values(names).reset_index(drop=True) for frame in (found, wanted)
    )
    pd.testing.assert_frame_equal(ours, theirs, check_dtype=False)


def test_sessions_on_the_topic_equal_the_reference(sent, servers):
    wanted = sessions(sent[0])
    found = {row["session_id"]: row for _, row in facts(servers, topics.SESSIONS, "viewer.Session")}
    assert found.keys() == wanted.keys()
    for name, one in wanted.items():
        row = found[name]
        assert (row["ended_at"], row["exit_type"]) == (one["ended_ms"], one["exit_type"])
        assert (row["watch_ms"], row["quality_ms"]) == (one["watch_ms"], one["quality_ms"])


def test_poison_stops_nothing_and_keeps_its_bytes(sent, servers):
    ((_, letter),) = facts(servers, topics.DEAD, "ops.DlqEnvelope")
    assert letter["payload"] == sent[1][20][0]
    assert letter["error_code"] == "E_BODY"
    assert letter["original_topic"] == topics.EVENTS
    assert letter["original_key"] == b"bad"


def test_alerts_follow_the_metrics(sent, servers):
    loop = AlertLoop(servers, CONFIG)
    assert loop.run(8) > 0
    rows = [row for _, row in facts(servers, topics.ALERTS, "viewer.Alert")]
    assert "MILESTONE" in {row["alert_type"] for row in rows}
    assert len({(row["alert_id"], row["state"]) for row in rows}) == len(rows)


def test_the_page_follows_the_metrics(sent, servers, tmp_path: Path):
    slices = [
        row for _, row in facts(servers, topics.METRICS, "viewer.Metrics")
        if row["window_end_at"] - row["window_start_at"] == 10_000 and row["dimension"] == "total"
    ]  # fmt: skip
    newest = max(row["window_end_at"] for row in slices)
    live = sum(row["concurrent"] for row in slices if row["window_end_at"] == newest)
    headline = f"{live:,} session{'s' if live != 1 else ''} live"
    server = subprocess.Popen(
        [sys.executable, "-m", "pipelines.viewers.watch", "--port", "0", "--refresh", "0.5"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        address = server.stdout.readline().split()[0]
        with chromium(tmp_path / "browser") as page:
            for size in (DESK, PHONE):
                found = look(page, address, size, lambda text: headline in text,
                             tmp_path / f"watch-{size[0]}.png")  # fmt: skip
                assert found["width"] <= size[0]
    finally:
        server.terminate()
        server.wait(10)
