"""The reference itself, against the numbers of the specification."""

import random

import pytest

from pipelines.viewers.dimensions import pack_cell
from pipelines.viewers.rules import ENDS, SIGNS_OF_LIFE, newest_key, read_key
from tests.unit.viewers.oracle import audience, by_session, is_live, watched
from tests.unit.viewers.samples import BASE_MS, GOLDEN_LIVE, event, golden_events, random_events


def live_by_key(events, at_ms):
    """The job's way, in Python: the newest key of the last 30 s says it all."""
    found = 0
    for session in by_session(events).values():
        keys = [
            newest_key(e["event_time"], e["event_type"] in SIGNS_OF_LIFE, pack_cell(e))
            for e in session
            if e["event_type"] in (*SIGNS_OF_LIFE, *ENDS)
            and at_ms - 30_000 < e["event_time"] <= at_ms
        ]
        found += bool(keys) and read_key(max(keys))[1]
    return found


@pytest.mark.parametrize(("second", "wanted"), GOLDEN_LIVE.items())
def test_golden_vector(second, wanted):
    at = BASE_MS + second * 1000
    assert sum(is_live(s, at) for s in by_session(golden_events()).values()) == wanted
    assert live_by_key(golden_events(), at) == wanted


def test_the_key_rule_equals_the_definition_on_random_sessions():
    for seed in range(30):
        events = random_events(seed)
        random.Random(seed).shuffle(events)
        for second in (0, 10, 29.999, 30, 47.5, 90, 200):
            at = BASE_MS + int(second * 1000)
            wanted = sum(is_live(s, at) for s in by_session(events).values())
            assert live_by_key(events, at) == wanted


def test_rebuffering_vector():
    events = [
        event("s1", "PLAY", 0),
        event("s1", "HEARTBEAT", 50, played_ms=46_000, rebuffered_ms=4_000,
              total_played_ms=46_000, total_rebuffered_ms=4_000),
        event("s1", "STOP", 59, played_ms=50_000, total_played_ms=96_000,
              total_rebuffered_ms=4_000),
    ]  # fmt: skip
    found = watched(events, BASE_MS, BASE_MS + 60_000, pack_cell)["M", "total", "ALL"]
    assert found["rebuffered"] / (found["played"] + found["rebuffered"]) == 0.04


def test_dimensions_sum_to_the_total_and_nobody_is_negative():
    for seed in range(5):
        found = audience(random_events(seed), BASE_MS + 60_000, pack_cell)
        for content in ("M", "N"):
            total = found.get((content, "total", "ALL"), 0)
            for dimension in ("region", "city", "device", "network", "language", "quality"):
                rows = [n for (c, d, _), n in found.items() if (c, d) == (content, dimension)]
                assert sum(rows) == total
                assert min(rows, default=0) >= 0


def test_an_order_key_survives_its_way():
    for moment, is_alive, cell in ((BASE_MS, True, 0), (2_650_000_000_000, False, (1 << 22) - 1)):
        key = newest_key(moment, is_alive, cell)
        assert key < 2**63
        assert read_key(key) == (moment, is_alive, cell)
