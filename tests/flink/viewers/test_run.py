"""A whole run over messages with all faults at once: late, too late, broken, a wrong clock."""

import json
from datetime import date
from io import StringIO
from pathlib import Path

import pytest

from pipelines.core.runlog import RunLog
from pipelines.core.wire import Wire
from pipelines.viewers import tables
from pipelines.viewers.config import ViewersConfig
from pipelines.viewers.dimensions import pack_cell
from pipelines.viewers.outcome import with_ms
from pipelines.viewers.pipeline import SPAN, WINDOW, run
from pipelines.viewers.request import Request
from tests.flink.viewers.browser import DESK, PHONE, chromium, look
from tests.flink.viewers.conftest import SETTINGS
from tests.unit.viewers.oracle import audience, sessions, watched
from tests.unit.viewers.samples import BASE_MS, disturbed, event, random_events, write_raw

KEY = ["content_id", "dimension", "dimension_value"]
DAY = 86_400


@pytest.fixture(scope="module")
def messages():
    """In order of arrival: (bytes, record time) of each, and the events that count."""
    events = random_events(5, sessions=60)
    for one in events:
        one["event_id"] = f"r-{one['event_id']}"
    tail = [event("tail", "HEARTBEAT", 150 + 10 * n) for n in range(60)]
    mate = next(one for one in events if one["session_id"] == "s3")
    other = next(one for one in events if one["session_id"] == "s5")
    late = [
        {**mate, **moved("s3", "HEARTBEAT", 100)},
        event("new", "PLAY", 101, content_id="N"),
        event("tail2", "PLAY", 119.5),
        {**other, **moved("s5", "STOP", 60.25)},
    ]
    too_late = event("gone", "PLAY", 40)
    ahead = event("ahead", "PLAY", 120 + DAY)
    wire = Wire("viewer.Event")
    sent = disturbed(events, 5) + tail[:15] + late + tail[15:55] + [too_late] + tail[55:]
    rows = [(wire.encode(one), one) for one in sent]
    rows.insert(50, (wire.encode(ahead), ahead))
    rows.insert(60, (wire.encode(tail[0])[:30], rows[59][1]))
    rows.insert(61, (b"\x01nonsense", rows[60][1]))
    return rows, events + tail + late


def moved(session, kind, second):
    """Identity of an event, without the rest."""
    names = ("event_id", "event_time", "event_type")
    return {name: event(session, kind, second)[name] for name in names}


@pytest.fixture(scope="module")
def outcome(messages, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    write_raw(messages[0], folder / "messages")
    config = ViewersConfig(flink=SETTINGS)
    request = Request(str(folder / "messages"), Path("lake"), date(2026, 1, 1), False,
                      folder / "report")  # fmt: skip
    with pytest.MonkeyPatch.context() as here:
        here.chdir(folder)  # the default lake is a relative path
        summary = run(config, request, RunLog("viewers", "", date(2026, 1, 1), stream=StringIO()))
    found = {
        name: tables.read_table(folder / "lake", name, summary.run_id)
        for name in ("metrics", "sessions", "rejected", "late", "alerts")
    }
    return summary, found, folder


def test_counts_add_up_and_name_what_was_set_aside(outcome, messages):
    summary, found, _ = outcome
    counts = summary.counts
    assert counts["read"] == len(messages[0])
    assert counts["in"] == counts["out"] + counts["rejected"] + counts["dlq"] + counts["late"]
    assert counts["duplicates"] > 0
    assert counts["late"] == 1
    assert counts["dlq"] == 3
    assert sorted(found["rejected"]["code"].to_pylist()) == ["E_BODY", "E_MAGIC", "E_TIME"]
    lateness = sorted(found["late"]["lateness_ms"].to_pylist())
    assert lateness[-1] > 300_000


def test_poison_keeps_its_bytes(outcome, messages):
    kept = set(outcome[1]["rejected"]["message_value"].to_pylist())
    assert {b"\x01nonsense", messages[0][60][0]} <= kept


def test_corrected_rows_equal_the_reference(outcome, messages):
    metrics, events = with_ms(outcome[1]["metrics"], WINDOW), messages[1]
    length = metrics["window_end_ms"] - metrics["window_start_ms"]
    for moment, rows in metrics[length == 10_000].groupby("window_end_ms"):
        live = {k: n for k, n in by_key(rows, "concurrent").items() if n}
        assert live == audience(events, int(moment), pack_cell)
    for start, rows in metrics[length == 60_000].groupby("window_start_ms"):
        wanted = watched(events, int(start), int(start) + 60_000, pack_cell)
        users = {k: n for k, n in by_key(rows, "unique_viewers").items() if n}
        assert users == {key: len(one["users"]) for key, one in wanted.items()}
        watch = by_key(rows, "watch_ms")
        assert all(watch[k] == one["played"] + one["rebuffered"] for k, one in wanted.items())
    check_peaks(metrics, length)


def check_peaks(metrics, length):
    slices = metrics[length == 10_000]
    peaks = metrics[length == 300_000]
    assert len(peaks)
    for row in peaks.itertuples():
        inside = slices[
            (slices["window_end_ms"] > row.window_start_ms)
            & (slices["window_end_ms"] <= row.window_end_ms)
            & (slices[KEY] == [row.content_id, row.dimension, row.dimension_value]).all(axis=1)
        ]
        assert row.peak_concurrent == inside["concurrent"].max()


def by_key(rows, column):
    return {tuple(one[:3]): one[3] for one in rows[[*KEY, column]].itertuples(index=False)}


def test_late_events_raise_the_revision_of_what_they_touch(outcome):
    metrics = with_ms(outcome[1]["metrics"], WINDOW)
    corrected = metrics[metrics["phase"] == "CORRECTED"]
    assert set(metrics["phase"]) == {"FINAL", "CORRECTED"}
    assert len(corrected) == outcome[0].metrics["corrected_rows"] > 0
    assert corrected["revision"].max() == 1
    assert corrected["window_end_ms"].min() >= BASE_MS + 60_000
    keys = [*KEY, "window_start_ms", "window_end_ms"]
    assert not metrics.duplicated(keys).any()


def test_sessions_hold_late_events(outcome, messages):
    found = with_ms(outcome[1]["sessions"], SPAN).set_index("session_id")
    wanted = sessions(messages[1])
    assert set(found.index) == set(wanted)
    for name, one in wanted.items():
        assert found.loc[name, "watch_ms"] == one["watch_ms"]
        assert found.loc[name, "ended_ms"] == one["ended_ms"]
        assert found.loc[name, "exit_type"] == one["exit_type"]


def test_a_wrong_clock_moves_no_watermark(outcome, messages):
    metrics = with_ms(outcome[1]["metrics"], WINDOW)
    assert metrics["window_end_ms"].max() < BASE_MS + 3_600_000
    assert outcome[1]["late"].num_rows < len(messages[0]) / 2


def test_dimensions_sum_to_the_total_in_every_window(outcome):
    metrics = with_ms(outcome[1]["metrics"], WINDOW)
    length = metrics["window_end_ms"] - metrics["window_start_ms"]
    rows = metrics[length <= 60_000]
    keys = ["content_id", "window_start_ms", "window_end_ms", "dimension"]
    sums = rows.groupby(keys)[["concurrent", "watch_ms"]].sum().unstack("dimension")
    for measure in ("concurrent", "watch_ms"):
        part = sums[measure]
        assert (part.sub(part["total"], axis=0).fillna(0) == 0).all().all()


def test_report_and_manifest_are_there(outcome, messages):
    summary, _, folder = outcome
    told = json.loads((folder / "report" / "run.json").read_text())
    assert told["status"] == "done"
    assert {"events_per_second", "peak_concurrent_viewers", "rebuffering_ratio"} <= told[
        "metrics"
    ].keys()
    page = (folder / "report" / "report.html").read_text()
    assert summary.run_id in page
    assert not {one["user_id"] for one in messages[1]} & set(page.replace('"', " ").split())


def test_the_report_can_be_read_on_a_desk_and_on_a_phone(outcome, tmp_path):
    address = (outcome[2] / "report" / "report.html").as_uri()
    with chromium(tmp_path / "browser") as page:
        for size in (DESK, PHONE):
            found = look(page, address, size, lambda text: "sessions live" in text,
                         tmp_path / f"report-{size[0]}.png")  # fmt: skip
            assert found["width"] <= size[0]
            assert "changes of quality" in found["text"]
