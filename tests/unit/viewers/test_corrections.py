"""Which windows late events touch, what replaces what, and the facts on the topics."""

import pandas as pd

from pipelines.viewers import topics
from pipelines.viewers.config import WindowSettings
from pipelines.viewers.corrections import (
    CORRECTED,
    FINAL,
    Touched,
    correct_metrics,
    correct_sessions,
    find_touched,
    needed_messages,
)
from pipelines.viewers.outcome import run_counts
from pipelines.viewers.watch import Board

GIVEN = WindowSettings()
MINUTE = 60_000


def test_a_late_event_touches_its_minute_and_the_ones_it_keeps_alive():
    assert find_touched([(b"s", 5 * MINUTE)], GIVEN).minutes == (5 * MINUTE,)
    assert find_touched([(b"s", 5 * MINUTE + 31_000)], GIVEN).minutes == (5 * MINUTE, 6 * MINUTE)
    assert find_touched([(b"s", 5 * MINUTE + 29_000)], GIVEN).minutes == (5 * MINUTE,)
    assert find_touched([], GIVEN) == Touched((), ())


def test_spans_meet_and_messages_are_chosen_by_time_or_session():
    touched = Touched((MINUTE, 2 * MINUTE, 9 * MINUTE), (b"s1", b"o'x"))
    assert touched.spans(GIVEN) == [(30_000, 3 * MINUTE), (510_000, 10 * MINUTE)]
    told = needed_messages(touched, GIVEN)
    assert "IN ('s1', 'o''x')" in told
    assert told.count("BETWEEN") == 2


def row(start, end, live, value="mumbai", **changes):
    one = {
        "content_id": "M", "dimension": "region", "dimension_value": value,
        "window_start_ms": start, "window_end_ms": end, "concurrent": live,
        "peak_concurrent": live, "unique_viewers": 0, "watch_ms": 0, "rebuffering_ratio": None,
        "average_bitrate_kbps": None, "startup_ms": None, "failure_pct": None,
    }  # fmt: skip
    return one | changes


def final(*rows):
    return pd.DataFrame(rows).assign(revision=0, phase=FINAL)


def test_only_touched_rows_that_differ_are_corrected():
    before = final(row(0, 10_000, 4), row(10_000, 20_000, 5), row(60_000, 70_000, 6))
    again = pd.DataFrame(
        [row(0, 10_000, 4), row(10_000, 20_000, 7), row(60_000, 70_000, 1), row(20_000, 30_000, 2)]
    )
    found = correct_metrics(before, again, Touched((0,), ()), GIVEN).set_index("window_end_ms")
    assert found["concurrent"].to_dict() == {10_000: 4, 20_000: 7, 30_000: 2, 70_000: 6}
    assert found["phase"].to_dict() == {
        10_000: FINAL, 20_000: CORRECTED, 30_000: CORRECTED, 70_000: FINAL,
    }  # fmt: skip
    assert found.loc[20_000, "revision"] == 1


def test_a_row_that_empties_stays_with_nothing_in_it():
    """A late STOP can leave a value without a session; its old row must not live on."""
    before = final(row(0, 10_000, 1), row(0, 10_000, 1, "delhi"))
    again = pd.DataFrame([row(0, 10_000, 1)])
    found = correct_metrics(before, again, Touched((0,), ()), GIVEN).set_index("dimension_value")
    assert found["concurrent"].to_dict() == {"mumbai": 1, "delhi": 0}
    assert found.loc["delhi", ["revision", "phase"]].tolist() == [1, CORRECTED]


def test_peaks_follow_corrected_slices():
    before = final(row(0, 10_000, 4), row(10_000, 20_000, 5), row(0, 300_000, 0, peak_concurrent=5))
    again = pd.DataFrame([row(0, 10_000, 9), row(10_000, 20_000, 5)])
    found = correct_metrics(before, again, Touched((0,), ()), GIVEN).set_index("window_end_ms")
    assert found.loc[300_000, "peak_concurrent"] == 9
    assert found.loc[300_000, "phase"] == CORRECTED


def test_touched_sessions_are_replaced_whole():
    before = pd.DataFrame({"session_id": ["a", "b"], "watch_ms": [1, 2]})
    again = pd.DataFrame({"session_id": ["b", "c", "x"], "watch_ms": [5, 6, 7]})
    found = correct_sessions(before, again, Touched((), (b"b", b"c")))
    assert dict(zip(found["session_id"], found["watch_ms"], strict=True)) == {
        "a": 1,
        "b": 5,
        "c": 6,
    }


def test_frames_of_facts_are_those_of_the_house():
    import io

    import fastavro

    from pipelines.core import avro_codec
    from pipelines.core.wire import id_of

    for subject in ("viewer.Metrics", "viewer.Session", "ops.DlqEnvelope"):
        number = int(topics.frame_values(subject).rsplit(", ", 1)[1])
        body = io.BytesIO()
        for value in (False, False, False, False):
            fastavro.schemaless_writer(body, "boolean", value)
        fastavro.schemaless_writer(body, "int", number)
        assert body.getvalue() == avro_codec.frame(id_of(subject), b"")


def test_counts_of_nothing_add_up():
    import pyarrow as pa

    counts = run_counts(0, 0, pa.table({}), pa.table({}), 300_000)
    assert counts["in"] == counts["out"] == 0


def metrics_row(end, live, revision=0, dimension="total", value="ALL", length=10_000):
    return {
        "content_id": "M", "dimension": dimension, "dimension_value": value, "concurrent": live,
        "window_start_at": end - length, "window_end_at": end, "revision": revision,
    }  # fmt: skip


def test_the_page_keeps_the_newest_revision_of_a_row():
    board = Board()
    for one in (metrics_row(10_000, 5, 1), metrics_row(10_000, 4, 0), metrics_row(20_000, 6)):
        board.take(one, now=0)
    board.take(metrics_row(60_000, 99, length=60_000), now=0)
    assert board.curve() == ([10_000, 20_000], [5, 6])
    board.take(metrics_row(20_000, 3, dimension="region", value="pune"), now=0)
    assert board.values("region") == [("pune", 3)]


def test_the_page_says_when_it_is_stale():
    board = Board()
    assert "Waiting" in board.headline(0)
    board.take(metrics_row(10_000, 1234), now=100)
    assert board.headline(130) == "1,234 sessions live"
    assert "nothing new for 61 s" in board.headline(161)


def test_the_page_forgets_old_rows():
    board = Board(keep_ms=60_000)
    for second in range(0, 600, 10):
        board.take(metrics_row(second * 1000, 1), now=0)
    assert len(board.rows) <= 7
