"""The second counting in Spark against the reference, and what `differences` reports."""

import pandas as pd
import pytest

from pipelines.core.wire import Wire
from pipelines.viewers.config import WindowSettings
from pipelines.viewers.dimensions import pack_cell
from pipelines.viewers.recompute import (
    KEY,
    MEASURES,
    differences,
    gold_rows,
    read_events,
    whole_sessions,
)
from tests.unit.viewers.oracle import audience, sessions, watched
from tests.unit.viewers.samples import disturbed, event, random_events, write_raw

GIVEN = WindowSettings()


@pytest.fixture(scope="module")
def counted(spark, tmp_path_factory):
    folder = tmp_path_factory.mktemp("messages")
    events = random_events(21, sessions=40)
    wire = Wire("viewer.Event")
    rows = [(wire.encode(one), one) for one in disturbed(events, 21, disorder_seconds=200)]
    hopeless = event("gone", "PLAY", 30)
    rows += [(wire.encode(hopeless), hopeless), (b"\0\0\0\0\x16x", events[0])]
    write_raw(rows, folder)
    kept = read_events(spark, folder, [rows[-2][0]]).persist()
    return events, gold_rows(kept, GIVEN), whole_sessions(kept, GIVEN)


def test_slices_and_minutes_equal_the_reference(counted):
    events, gold, _ = counted
    length = gold["window_end_ms"] - gold["window_start_ms"]
    for moment, rows in gold[length == 10_000].groupby("window_end_ms"):
        found = {
            tuple(one[:3]): one[3] for one in rows[[*KEY[:3], "concurrent"]].itertuples(index=False)
        }
        assert found == audience(events, int(moment), pack_cell)
    for start, rows in gold[length == 60_000].groupby("window_start_ms"):
        wanted = watched(events, int(start), int(start) + 60_000, pack_cell)
        by_key = rows.set_index(list(KEY[:3]))
        for key, one in wanted.items():
            assert by_key.loc[key, "watch_ms"] == one["played"] + one["rebuffered"]
            assert by_key.loc[key, "unique_viewers"] == len(one["users"])
            if one["starts"]:
                assert by_key.loc[key, "startup_ms"] == one["startup"] / one["starts"]


def test_sessions_equal_the_reference(counted):
    events, _, found = counted
    wanted = sessions(events)
    rows = found.set_index("session_id")
    assert set(rows.index) == set(wanted)
    for name, one in wanted.items():
        for column in ("started_ms", "ended_ms", "exit_type", "watch_ms", "pauses"):
            assert rows.loc[name, column] == one[column]


def test_differences_are_told_and_rows_with_nothing_are_none(counted):
    gold = counted[1]
    assert list(differences(gold, gold, KEY, MEASURES)) == []
    spoilt = gold.copy()
    place = spoilt.index[spoilt["concurrent"] > 0][0]
    spoilt.loc[place, "concurrent"] += 1
    ((one),) = differences(spoilt, gold, KEY, MEASURES)
    assert one["measure"] == "concurrent"
    assert one["flink"] == one["spark"] + 1
    empty = {
        **dict.fromkeys(MEASURES, 0),
        **dict(zip(KEY, ("M", "region", "x", 0, 10), strict=True)),
    }
    more = pd.concat([gold, pd.DataFrame([empty])])
    assert list(differences(more, gold, KEY, MEASURES)) == []
    assert list(differences(gold.iloc[1:], gold, KEY, MEASURES)) != []
