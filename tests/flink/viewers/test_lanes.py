"""The lanes on Flink against the reference: any order, copies, lost stops; the golden vector."""

import pytest

from pipelines.viewers.dimensions import pack_cell
from tests.unit.viewers.oracle import (
    audience,
    by_session,
    commands,
    jitter,
    sessions,
    shared,
    watched,
)
from tests.unit.viewers.samples import (
    BASE_MS,
    GOLDEN_LIVE,
    disturbed,
    event,
    golden_events,
    moved_to,
    programs,
    random_events,
)

GOLDEN_MS = BASE_MS - 3_600_000
KEY = ["content_id", "dimension", "dimension_value"]


def slices_of(metrics):
    return metrics[metrics["window_end_ms"] - metrics["window_start_ms"] == 10_000]


def minutes_of(metrics):
    return metrics[metrics["window_end_ms"] - metrics["window_start_ms"] == 60_000]


def by_key(rows, column):
    return {tuple(one[:3]): one[3] for one in rows[[*KEY, column]].itertuples(index=False)}


@pytest.fixture
def golden():
    """The golden vector in the minutes of an hour before the other events, by sessions of its own."""
    events = [*golden_events(), event("s9", "PLAY", 100)]
    names = [{"event_id": f"g-{one['event_id']}", "session_id": f"g-{one['session_id']}"}
             for one in events]  # fmt: skip
    moved = moved_to(events, GOLDEN_MS)
    return [one | own for one, own in zip(moved, names, strict=True)]


@pytest.mark.parametrize("seed", [1, 2])
def test_rows_equal_the_reference(count, golden, seed):
    events = random_events(seed, sessions=60) + programs()
    sent = disturbed(events, seed)
    found = count(golden + sent, files=seed)
    check_golden(found["metrics"])
    later = found["metrics"]["window_end_ms"] > BASE_MS
    found["metrics"] = found["metrics"][later]
    is_golden = found["sessions"]["session_id"].str.startswith("g-")
    assert is_golden.sum() == len({one["session_id"] for one in golden})
    found["sessions"] = found["sessions"][~is_golden]
    slices = slices_of(found["metrics"])
    for moment in sorted(set(slices["window_end_ms"])):
        rows = slices[slices["window_end_ms"] == moment]
        assert by_key(rows, "concurrent") == audience(events, moment, pack_cell)
    assert len(slices)
    check_minutes(minutes_of(found["metrics"]), events)
    check_sessions(found["sessions"], sessions(events))
    check_commands(found["quality_commands"], commands(sent))
    check_suspects(found["suspects"], events)


def check_minutes(minutes, events):
    assert len(minutes)
    for start in sorted(set(minutes["window_start_ms"])):
        rows = minutes[minutes["window_start_ms"] == start].set_index(KEY)
        wanted = watched(events, start, start + 60_000, pack_cell)
        live = audience(events, start + 60_000, pack_cell)
        for key, row in rows.iterrows():
            one = wanted.get(key)
            assert row["concurrent"] == live.get(key, 0)
            assert row["watch_ms"] == (one["played"] + one["rebuffered"] if one else 0)
            assert row["unique_viewers"] == (len(one["users"]) if one else 0)
            if one and one["starts"]:
                assert row["startup_ms"] == one["startup"] / one["starts"]
            if one and one["played"]:
                assert row["average_bitrate_kbps"] == one["kilobits"] * 1000 / one["played"]
                ratio = one["rebuffered"] / (one["played"] + one["rebuffered"])
                assert row["rebuffering_ratio"] == pytest.approx(ratio, abs=1e-15)
            if one:
                assert row["failure_pct"] == one["failures"] * 100 / one["sessions"]
        assert wanted.keys() <= set(rows.index)


def check_sessions(rows, wanted):
    assert set(rows["session_id"]) == wanted.keys()
    for row in rows.to_dict("records"):
        one = wanted[row["session_id"]]
        got = {name: row[name] for name in one}
        got["quality_ms"] = dict(row["quality_ms"])
        for name in ("startup_ms", "average_bitrate_kbps"):
            got[name] = None if got[name] != got[name] else got[name]
        assert got == one


def check_commands(rows, wanted):
    assert len(wanted) > 20
    at_ms = rows["decided_at"].to_numpy("datetime64[ms]").astype("int64")
    names = ["session_id", "from_quality", "to_quality", "reason"]
    told = rows.assign(at_ms=at_ms)[["session_id", "at_ms", *names[1:]]]
    assert sorted(told.itertuples(index=False, name=None)) == sorted(wanted)


def check_suspects(rows, events):
    found_ms = rows["found_at"].to_numpy("datetime64[ms]").astype("int64")
    accounts = rows.assign(found_ms=found_ms)[rows["reason"] == "SHARED_ACCOUNT"]
    names = ["found_ms", "subject_id", "measured"]
    starts = {one["event_time"] // 60_000 * 60_000 for one in events}
    wanted = {
        (start + 60_000, account, number)
        for start in starts
        for account, number in shared(events, start, most=4).items()
    }
    assert wanted
    assert set(accounts[names].itertuples(index=False, name=None)) == wanted
    regular = {
        session[0]["user_id"]
        for session in by_session(events).values()
        if jitter(session)[0] >= 10 and jitter(session)[1] <= 5
    }
    assert len(regular) == 3
    assert set(rows[rows["reason"] == "REGULAR"]["subject_id"]) == regular


def check_golden(metrics):
    slices = slices_of(metrics)
    total = slices[(slices["dimension"] == "total") & (slices["window_end_ms"] <= BASE_MS)]
    live = {
        (at - GOLDEN_MS) // 1000: n
        for at, n in zip(total["window_end_ms"], total["concurrent"], strict=True)
    }
    assert {s: live.get(s, 0) for s in (10, 20, 30)} == {s: GOLDEN_LIVE[s] for s in (10, 20, 30)}
    assert live[40] == 2  # s2 and s3: s1 stops at 40
    assert 60 not in live
