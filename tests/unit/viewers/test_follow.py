"""What the governor is told: how much a provisional row is overdue, and nothing while all is idle."""

from pipelines.viewers.config import ViewersConfig
from pipelines.viewers.follow import AlertLoop
from pipelines.viewers.live import LiveLane


class Events:
    """Stands for a consumer of the events: only the ends of its partitions are asked for."""

    def __init__(self):
        self.ends = {"one": 0, "other": 5}

    def assignment(self):
        return set(self.ends)

    def end_offsets(self, parts):
        return {part: self.ends[part] for part in parts}


def test_a_row_is_overdue_after_its_refresh_and_only_while_events_come():
    events, config = Events(), ViewersConfig()
    loop = AlertLoop("nowhere:9092", config, LiveLane(config))
    assert loop.lag_seconds(events, loop.newest_ms / 1000 + 1.5) == 0
    events.ends["one"] += 1
    assert loop.lag_seconds(events, loop.newest_ms / 1000 + 42) == 40
    assert loop.lag_seconds(events, loop.newest_ms / 1000 + 43) == 0
    events.ends["other"] += 1
    assert loop.lag_seconds(events, loop.newest_ms / 1000 + 44) == 42


def test_rows_of_an_earlier_run_say_nothing_of_the_freshness_of_this_one():
    loop = AlertLoop("nowhere:9092", ViewersConfig())
    began, row = loop.newest_ms, {"phase": "PROVISIONAL", "concurrent": 1}
    for at in (began - 60_000, began + 1_000):
        loop._take(row | {"window_start_at": at - 10_000, "window_end_at": at})
    assert loop.metrics()["provisional_rows"] == 1
    assert loop.metrics()["freshness_p99_ms"] < 60_000
    assert loop.metrics(until_seconds=0)["freshness_p99_ms"] is None
