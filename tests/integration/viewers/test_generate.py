"""The seeded match: same bytes for the same seed, shares as set, sessions that last."""

import hashlib

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipelines.core.errors import ContractError
from pipelines.core.wire import Wire
from pipelines.viewers.config import MATCH, MatchSettings
from pipelines.viewers.dimensions import REGIONS
from pipelines.viewers.encode import LONGEST, encode_events
from pipelines.viewers.generate import (
    REGION_SHARES,
    START_MS,
    make_match,
    target_audience,
    write_match,
)
from pipelines.viewers.playing import HEARTBEAT, PLAY, STOP

SMALL = MatchSettings(viewers=1500, time_scale=1 / 62)


@pytest.fixture(scope="module")
def match():
    return make_match(SMALL, 7)


def digest(folder):
    return [hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(folder.iterdir())]


def test_equal_seeds_give_equal_bytes_and_others_do_not(tmp_path):
    tiny = MatchSettings(viewers=100, time_scale=0.005)
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        write_match(make_match(tiny, seed), tmp_path / name, tiny, seed, files=2)
    assert digest(tmp_path / "a") == digest(tmp_path / "b") != digest(tmp_path / "c")


def test_the_audience_follows_the_phases(match):
    target = target_audience(SMALL)
    events = match.events
    start = np.sort(events["event_time"][events["event_type"] == PLAY]) - START_MS
    assert len(target) == sum(max(1, round(p.seconds / 62)) for p in MATCH)
    per_second = np.bincount(start // 1000, minlength=len(target))
    jump = np.argmax(np.diff(target))
    assert per_second[jump] > 5 * np.median(per_second[1:])


def test_shares_are_as_given(match):
    plays = match.events["event_type"] == PLAY
    known = match.events["region"][plays]
    known = known[known > 0]
    wanted = np.array([REGION_SHARES.get(name, 0.0) for name in REGIONS])
    observed = np.bincount(known, minlength=len(REGIONS)) / len(known)
    assert np.abs(observed - wanted).max() < 0.015
    devices = np.bincount(match.events["device"][plays], minlength=5) / plays.sum()
    assert np.abs(devices - (0, 0.70, 0.15, 0.10, 0.05)).max() < 0.015
    assert np.mean(match.events["content"][plays] == 0) == pytest.approx(0.95, abs=0.01)


def test_sessions_last_and_some_lose_their_stop(match):
    session, kind = match.events["session_key"], match.events["event_type"]
    beats = np.unique(session[kind == HEARTBEAT], return_counts=True)[1]
    assert beats.mean() > 5
    lost = 1 - np.isin(np.unique(session), session[kind == STOP]).mean()
    assert 0.02 < lost < 0.2


def test_buffers_stay_in_range(match):
    percent = match.events["buffer_pct"]
    assert percent.min() >= 0
    assert percent.max() == 100  # the unclamped draw leaves 0 to 100 in 16 % of cases
    assert match.events["buffer_seconds"].min() >= 0


def test_counters_add_up(match):
    events = match.events
    for name in ("played_ms", "rebuffered_ms", "delivered_kilobits"):
        total, step = events[f"total_{name}"], events[name]
        same = events["session_key"][1:] == events["session_key"][:-1]
        assert (step >= 0).all()
        assert (total[1:][same] - total[:-1][same] == step[1:][same]).all()


def test_event_ids_are_distinct_and_copies_share_theirs(match):
    assert len(np.unique(match.events["event_key"])) == len(match.events["event_key"])
    copies = len(match.arrivals) - len(np.unique(match.arrivals))
    assert copies / len(match.arrivals) == pytest.approx(SMALL.duplicate_share, rel=0.3)


def test_messages_decode_and_equal_the_house_codec(match):
    rows = {name: values[:2000] for name, values in match.events.items()}
    table, wire = encode_events(rows, "player", match.content_ids), Wire("viewer.Event")
    for place in range(0, 2000, 37):
        value = table["message_value"][place].as_py()
        at = int(rows["event_time"][place])
        record = wire.decode(value, at)
        assert wire.encode(record) == value
        assert record["session_id"].encode() == table["message_key"][place].as_py()
        assert record["total_played_ms"] == rows["total_played_ms"][place]
        assert len(value) < LONGEST


def test_poison_is_planted(tmp_path):
    spoilt = MatchSettings(viewers=200, time_scale=0.01, poison_share=0.01)
    write_match(make_match(spoilt, 7), tmp_path, spoilt, 7, files=1)
    values = pq.read_table(tmp_path)["message_value"].to_pylist()
    wire, bad = Wire("viewer.Event"), 0
    for value in values:
        try:
            wire.decode(value)
        except ContractError:
            bad += 1
    assert bad / len(values) == pytest.approx(0.01, rel=0.4)


def test_a_national_match_is_nine_billion_events():
    """1 % of the viewers send an event each second, at 50M viewers (by calculation)."""
    events = sum(0.01 * 50_000_000 * p.multiplier * p.seconds for p in MATCH)
    assert events == pytest.approx(9.24e9)
    assert sum(p.seconds for p in MATCH) == 18_600
