"""Decisions over the rows of a run, its figures, and the page, without any engine."""

import json
import re

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.core.errors import ConfigError, GateError
from pipelines.viewers import tables
from pipelines.viewers.config import ViewersConfig
from pipelines.viewers.decide import audience_of, raise_alerts, rank_trending
from pipelines.viewers.generate import MESSAGES
from pipelines.viewers.outcome import count_copies, measure, run_counts
from pipelines.viewers.report import MatchReport, build_report
from pipelines.viewers.sources import open_source
from tests.unit.viewers.samples import BASE_MS, event, write_messages

SLICE, MINUTE = 10_000, 60_000
CONFIG = ViewersConfig(alerts={"scale": 1e-5, "hold_seconds": 0})


def rows(end, length, **audience):
    """A total and its regions."""
    found = []
    for name, live in {"ALL": sum(audience.values()), **audience}.items():
        stalled = 0.2 if name == "chennai" and end == BASE_MS + MINUTE else 0.0
        found.append(
            {
                "content_id": "M", "dimension": "total" if name == "ALL" else "region",
                "dimension_value": name, "window_start_ms": end - length, "window_end_ms": end,
                "concurrent": live, "peak_concurrent": live, "unique_viewers": live,
                "watch_ms": live * 1000 if length == MINUTE else 0, "rebuffering_ratio": stalled,
                "average_bitrate_kbps": 3000.0, "startup_ms": 900.0, "failure_pct": 1.0,
            }
        )  # fmt: skip
    return found


@pytest.fixture
def metrics():
    made = []
    for step in range(1, 19):
        live = 60 if 5 <= step < 9 else 20
        made += rows(BASE_MS + step * SLICE, SLICE, chennai=live, delhi=10)
        if step % 6 == 0:
            made += rows(BASE_MS + step * SLICE, MINUTE, chennai=live, delhi=10)
    frame = pd.DataFrame(made)
    for dimension in ("device", "network", "language", "quality"):
        total = frame[frame["dimension"] == "total"]
        frame = pd.concat([frame, total.assign(dimension=dimension, dimension_value="UNKNOWN")])
    return frame.reset_index(drop=True)


SESSIONS = pd.DataFrame(
    {
        "content_id": ["M", "M", "N"],
        "region": ["delhi", "pune", "delhi"],
        "started_ms": [0, 300_000, 600_000],
        "startup_ms": [1000.0, None, 2000.0],
        "is_exit_before_start": [False, True, False],
        "exit_type": ["STOP", "TIMEOUT", "ERROR"],
    }
)


def test_alerts_of_a_run_begin_and_end(metrics):
    found = raise_alerts(metrics, CONFIG)
    breaches = found[found["alert_type"] != "MILESTONE"]
    told = list(
        zip(breaches["alert_type"], breaches["viewer_region"], breaches["state"], strict=True)
    )
    assert told == [
        ("REGIONAL_OVERLOAD", "chennai", "FIRING"),
        ("QUALITY_DROP", "chennai", "FIRING"),
        ("REGIONAL_OVERLOAD", "chennai", "RESOLVED"),
        ("QUALITY_DROP", "chennai", "RESOLVED"),
    ]
    assert raise_alerts(metrics.sample(frac=1, random_state=1), CONFIG).equals(found)


def test_figures_of_a_run(metrics):
    found = measure(metrics, SESSIONS, 1000, 2.0, SLICE, MINUTE)
    assert found["peak_concurrent_viewers"] == 70
    assert found["events_per_second"] == 500
    assert found["rebuffering_ratio"] == pytest.approx(0.0)
    assert found["startup_p50_ms"] == 1500
    assert found["exit_before_start_share"] == pytest.approx(1 / 3)
    assert found["failure_share"] == pytest.approx(1 / 3)


def test_figures_of_nothing(metrics):
    found = measure(metrics.iloc[:0], SESSIONS.iloc[:0], 0, 0.0, SLICE, MINUTE)
    assert found["events_per_second"] is None
    assert found["peak_concurrent_viewers"] == 0
    assert found["rebuffering_ratio"] is None


def test_trending_vector_over_sessions():
    found = rank_trending(SESSIONS.assign(content_id="M"), 300, 600_000)
    scores = dict(zip(found["region"], found["score"], strict=True))
    assert scores == pytest.approx({"ALL": 1.75, "delhi": 1.25, "pune": 0.5})


def test_the_page_is_whole_and_names_what_was_found(metrics):
    data = MatchReport(
        run_id="run-1", as_of="2026-01-01", source="a test",
        metrics=measure(metrics, SESSIONS, 1000, 2.0, SLICE, MINUTE),
        counts={"in": 5, "out": 4, "dlq": 1}, reasons={"E_BODY": 1}, seconds={"count": 2.0}, total_seconds=2.5,
        config=CONFIG.model_dump(mode="json"), manifest={"inputs": {}, "tables": {}},
        slices=audience_of(metrics, SLICE),
        minutes=metrics[metrics["window_end_ms"] - metrics["window_start_ms"] == MINUTE],
        alerts=raise_alerts(metrics, CONFIG), trending=rank_trending(SESSIONS, 300, 600_000),
        suspects=pd.DataFrame({"reason": ["REGULAR"]}), commands={"UPGRADE": 3},
        preferences=pd.DataFrame({"top_genres": [["drama", "news"], ["drama"], []]}),
    )  # fmt: skip
    page = build_report(data).render()
    for text in (
        "70 sessions were live",
        "chennai had a fault",
        "E_BODY",
        "regional overload",
        "3 changes of quality, 1 cases",
        "3 profiles of taste, most for drama",
    ):
        assert text in page
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=.http", page)


def test_counts_name_copies_poison_and_what_came_too_late(tmp_path):
    sent = [event("s1", "PLAY", 0), event("s1", "PLAY", 0), event("s1", "STOP", 5)]
    write_messages(sent, tmp_path)
    assert count_copies(tmp_path) == 1
    late = pa.table({"message_value": [b"a", b"a", b"b"], "lateness_ms": [400_000, 400_000, 1000]})
    rejected = pa.table({"code": ["E_BODY", "UNKNOWN_TYPE"]})
    counts = run_counts(10, 1, rejected, late, 300_000)
    assert {k: counts[k] for k in ("in", "out", "rejected", "dlq", "late")} == {
        "in": 9, "out": 6, "rejected": 1, "dlq": 1, "late": 1,
    }  # fmt: skip


def test_a_source_says_what_is_wrong_with_it(tmp_path):
    with pytest.raises(ConfigError, match="no folder with"):
        open_source(str(tmp_path / "nowhere"), CONFIG, tmp_path)
    pq.write_table(pa.table({"message_key": [b"x"]}), tmp_path / "a.parquet")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(ConfigError, match="notes.txt"):
        open_source(str(tmp_path), CONFIG, tmp_path)
    (tmp_path / "notes.txt").unlink()
    with pytest.raises(ConfigError, match="kafka_time, message_value"):
        open_source(str(tmp_path), CONFIG, tmp_path)
    pq.write_table(MESSAGES.empty_table(), tmp_path / "a.parquet")
    with pytest.raises(GateError, match="there is no message in it"):
        open_source(str(tmp_path), CONFIG, tmp_path)
    (tmp_path / "a.parquet").write_text("no table")
    with pytest.raises(ConfigError, match="cannot be read"):
        open_source(str(tmp_path), CONFIG, tmp_path)


def test_a_record_of_tomorrow_does_not_move_the_horizon(tmp_path):
    write_messages(
        [event("s", "HEARTBEAT", n) for n in range(9)] + [event("s", "PLAY", 1e7)], tmp_path
    )
    source = open_source(str(tmp_path), CONFIG, tmp_path)
    assert BASE_MS < source.horizon_ms < BASE_MS + 10_000_000_000 - 1


def test_tables_appear_at_once_and_replace_their_run(tmp_path):
    for number in (1, 2):
        staged = tables.staging(tmp_path, "run")
        tables.stage(staged, "alerts", pa.table({"n": [number]}))
        assert tables.publish(tmp_path, staged, "run") == {"alerts": 1}
        assert tables.read_table(tmp_path, "alerts", "run")["n"].to_pylist() == [number]
    assert not list(tmp_path.glob("viewer/_staging*"))


def test_settings_are_described_and_refused_when_they_contradict(capsys):
    from pipelines.core.config import describe

    assert "windows.timeout_seconds = 30" in describe(ViewersConfig)
    for bad in (
        {"windows": {"timeout_seconds": 25}},
        {"windows": {"minute_seconds": 65}},
        {"alerts": {"fire_share": 0.5}},
        {"match": {"fault_start": 0.9, "fault_end": 0.1}},
    ):
        with pytest.raises(ValueError, match="must"):
            ViewersConfig.model_validate(bad)
    assert json.dumps(ViewersConfig().model_dump(mode="json"))
