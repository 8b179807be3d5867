"""One test for each known mistake of the specification: the naive form fails, ours does not."""

import random
from itertools import pairwise

import pytest

from pipelines.viewers.alerts import Watch
from pipelines.viewers.config import AlertSettings, MatchSettings
from pipelines.viewers.dimensions import REGION_OF_CITY, pack_cell, unpack_cell
from pipelines.viewers.generate import make_match
from pipelines.viewers.ladder import RUNGS
from pipelines.viewers.rules import ENDS, SIGNS_OF_LIFE
from tests.unit.viewers.oracle import by_session, is_live, watched
from tests.unit.viewers.samples import BASE_MS, event, random_events
from tests.unit.viewers.test_oracle import live_by_key


def naive_counter(events):
    """+1 for a play, -1 for a pause or stop, never below zero."""
    count = 0
    for one in events:
        if one["event_type"] in ("PLAY", "RESUME"):
            count += 1
        elif one["event_type"] in ENDS:
            count = max(0, count - 1)
    return count


def test_a_counter_of_events_drifts_with_copies_and_lost_stops():
    copies = [event("s1", "PLAY", 0)] * 3
    at = BASE_MS + 10_000
    assert naive_counter(copies) == 3
    assert live_by_key(copies, at) == 1
    lost = [event(f"s{n}", "PLAY", 0) for n in range(5)]
    assert naive_counter(lost) == 5
    assert live_by_key(lost, BASE_MS + 30_000) == 0  # 30 s later nobody is live


def test_a_floor_at_zero_hides_what_order_does():
    events = [event("s1", "STOP", 5), event("s1", "PLAY", 0)]  # arrived the wrong way round
    assert naive_counter(events) == 1
    assert live_by_key(events, BASE_MS + 6_000) == 0


def test_a_pause_is_no_farewell():
    events = [event("s1", "PLAY", 0), event("s1", "PAUSE", 5), event("s1", "HEARTBEAT", 7)]
    assert live_by_key(events, BASE_MS + 6_000) == 0
    assert live_by_key(events, BASE_MS + 8_000) == 1


def test_a_copy_of_a_heartbeat_adds_no_watch_time():
    beat = event("s1", "HEARTBEAT", 10, played_ms=10_000, total_played_ms=10_000)
    events = [beat, beat]
    assert sum(e["played_ms"] for e in events) == 20_000
    found = watched(events, BASE_MS, BASE_MS + 60_000, pack_cell)["M", "total", "ALL"]
    assert found["played"] == 10_000


def test_a_lost_heartbeat_costs_no_watch_time():
    beats = [
        event("s1", "HEARTBEAT", 10 * n, played_ms=10_000, total_played_ms=10_000 * n)
        for n in (1, 3)
    ]
    assert sum(e["played_ms"] for e in beats) == 20_000
    found = watched(beats, BASE_MS, BASE_MS + 60_000, pack_cell)["M", "total", "ALL"]
    assert found["played"] == 30_000


def test_ids_of_a_simulated_viewer_stay():
    match = make_match(MatchSettings(viewers=100, time_scale=0.01), 3)
    sessions = match.events["session_key"]
    assert len(set(sessions.tolist())) < len(sessions) / 4


def test_pune_is_its_own_region_and_chennai_is_there():
    assert REGION_OF_CITY["pune"] == "pune"
    assert REGION_OF_CITY["chennai"] == "chennai"
    assert unpack_cell(pack_cell({"city": "nowhere"}))["city"] == "UNKNOWN"  # not mumbai


def test_a_regional_alert_can_be_reached_and_is_no_storm():
    watch = Watch(AlertSettings(scale=1e-4, milestone=1e12))
    found = []
    for at in range(100):
        found += watch.read_audience({"kolkata": 190}, {"M": 190}, at * 1000)
    assert [notice.state for notice in found] == ["FIRING"]


def test_no_rung_is_reached_by_the_minimum_of_the_one_below():
    for lower, upper in pairwise(RUNGS):
        assert 1.5 * lower.bitrate_kbps < upper.bitrate_kbps


@pytest.mark.parametrize("seed", range(10))
def test_nobody_is_live_after_the_timeout_and_never_fewer_than_none(seed):
    events = random_events(seed)
    random.Random(seed).shuffle(events)
    last = max(e["event_time"] for e in events)
    assert live_by_key(events, last + 30_000) == 0
    for second in range(0, 200, 7):
        live = live_by_key(events, BASE_MS + second * 1000)
        assert 0 <= live <= len(by_session(events))


def test_a_sign_and_an_end_at_one_moment_is_life():
    """No end lies after the sign, so the definition calls the session live."""
    for kind in SIGNS_OF_LIFE:
        events = [event("s1", kind, 5), event("s1", "STOP", 5)]
        at = BASE_MS + 5_000
        assert is_live(events, at)
        assert live_by_key(events, at) == 1
