"""Where the intake goes on reading, what may be asked of topics, and one intake at a time."""

import json
import subprocess
import sys
from datetime import date

import pytest

from pipelines.core.errors import ConfigError
from pipelines.core.summary import RunSummary
from pipelines.seats import follow as following
from pipelines.seats import topics
from pipelines.seats.config import SeatsConfig
from pipelines.seats.request import Request
from pipelines.seats.turn import only_intake

REQUESTS, CANCELLATIONS = topics.REQUESTS, topics.CANCELLATIONS


class FakeLake:
    """A lake with `runs` rows only."""

    def __init__(self, *rows):
        self.rows = rows

    def exists(self, _):
        return bool(self.rows)

    def version(self, _):
        return len(self.rows) - 1

    def place(self, _):
        return self


@pytest.fixture(autouse=True)
def runs(monkeypatch):
    class Rows(list):
        def to_pylist(self):
            return [{"inputs": list(row.items())} for row in self]

    monkeypatch.setattr(topics, "read_arrow", lambda lake, *_: Rows(lake.rows))


def reached(topic, **offsets):
    return {topics.INTAKE + topic: json.dumps(offsets)}


def test_offsets_are_those_of_the_furthest_published_batch():
    lake = FakeLake(
        {"kafka://x": "digest", **reached(REQUESTS, **{"0": 5, "1": 9})},
        {**reached(REQUESTS, **{"0": 7}), **reached(CANCELLATIONS, **{"0": 2})},
        {"ledger": "ledger-3"},
    )
    assert topics.offsets_of(lake) == {REQUESTS: {0: 7, 1: 9}, CANCELLATIONS: {0: 2}}
    assert topics.offsets_of(FakeLake()) == {}


def test_unread_counts_from_the_offsets_or_from_what_is_left(monkeypatch):
    spans = {REQUESTS: {0: (0, 10), 1: (20, 30)}, CANCELLATIONS: {0: (0, 4)}}
    monkeypatch.setattr(topics, "topic_spans", lambda _, topic: spans[topic])
    monkeypatch.setattr(topics.endpoints, "kafka_servers", lambda: "nowhere:1")
    lake = FakeLake(reached(REQUESTS, **{"0": 7, "1": 5}))
    assert topics.unread(lake) == 3 + 10 + 4  # partition 1 lost what came before 20


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("kafka://rail.trains.v1", "give kafka://rail.booking_requests.v1"),
        ("kafka://rail.booking_requests.v1?hour=3", "give kafka://rail.booking_requests.v1"),
        ("kafka://rail.booking_requests.v1?day=15-03-2026", "'15-03-2026' is no date"),
    ],
)
def test_another_topic_or_no_date_is_refused(name, words):
    with pytest.raises(ConfigError, match=words):
        topics._day(name)


def test_a_day_of_a_topic():
    assert topics._day("kafka://rail.booking_requests.v1") is None
    assert topics._day("kafka://rail.booking_requests.v1?day=2026-03-15") == date(2026, 3, 15)


def test_one_intake_at_a_time(tmp_path):
    lake = str(tmp_path / "lake")
    with only_intake(lake), pytest.raises(ConfigError, match="another intake"), only_intake(lake):
        pass
    with only_intake(lake):
        pass


def test_a_killed_intake_lets_go(tmp_path):
    code = (
        "import sys, time; from pipelines.seats.turn import only_intake\n"
        f"with only_intake({str(tmp_path)!r}): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(ConfigError), only_intake(str(tmp_path)):
        pass
    holder.kill()
    holder.communicate()
    with only_intake(str(tmp_path)):
        pass


def test_following_sells_each_batch_and_ends_when_nothing_comes(monkeypatch, tmp_path):
    backlog = iter([0, 4, 0, 2, *[0] * 1000])
    batches = iter([1, 4, 2])
    seen = []

    def run(_session, _config, request, _log):
        seen.append(request.report)
        count = next(batches)
        return RunSummary(
            "seat_allocation", f"r{count}", date(2026, 3, 15), counts={"read": count, "in": count},
            metrics={**dict.fromkeys(following.SUMS, 1), "batch": len(seen) - 1},
        )  # fmt: skip

    monkeypatch.setattr(following, "run", run)
    monkeypatch.setattr(following, "unread", lambda _: next(backlog))
    monkeypatch.setattr(following, "Lake", lambda *_: None)
    monkeypatch.setattr(following, "POLL_SECONDS", 0.01)
    request = Request(
        "kafka://x", str(tmp_path), intake=True, follow=0.2, report=tmp_path / "report"
    )
    summary = following.follow(None, SeatsConfig(), request, lambda: None)
    assert seen == [None] * 3
    assert summary.counts == {"read": 7, "in": 7}
    assert (summary.metrics["batches"], summary.metrics["largest_backlog"]) == (3, 4)
    assert summary.metrics["confirmed"] == 3
    assert json.loads((tmp_path / "report" / "run.json").read_text())["counts"]["read"] == 7
