"""Rows of the live lane on each kind of step: sooner or slower, finer or coarser, all or a sample."""

import pytest

from pipelines.core.flink import checkpoints_in
from pipelines.viewers import engine, tables
from pipelines.viewers.config import ViewersConfig
from pipelines.viewers.degrade import mode_of
from pipelines.viewers.dimensions import pack_cell
from pipelines.viewers.live import live_views
from pipelines.viewers.outcome import with_ms
from pipelines.viewers.pipeline import WINDOW
from pipelines.viewers.sketch import digest
from pipelines.viewers.windows import KEY
from tests.flink.viewers.conftest import SETTINGS
from tests.unit.viewers.oracle import audience
from tests.unit.viewers.samples import random_events, write_messages

CONFIG = ViewersConfig(
    flink=SETTINGS, live={"disorder_seconds": 0}, degrade={"minute_seconds": 120, "sample": 2}
)
FIRST, LAST = 0, 3


@pytest.fixture
def live(tmp_path):
    """Function that counts events in order with what a step leaves on; rows of the lane."""

    def run(events, step):
        write_messages(events, tmp_path / "messages")
        opened = engine.open_engine("live", SETTINGS, checkpoints_in(tmp_path / "state"))
        opened.execute_sql(
            engine.messages_in_files("messages", tmp_path / "messages", 0, 4_102_444_800_000)
        )
        engine.define(opened, live_views(CONFIG, mode_of(step, CONFIG.degrade)))
        columns = (
            "content_id STRING, dimension STRING, dimension_value STRING, window_start_at"
            " TIMESTAMP_LTZ(3), window_end_at TIMESTAMP_LTZ(3), concurrent BIGINT, peak BIGINT"
        )
        opened.execute_sql(engine.rows_to_files("live", columns, tmp_path.as_uri()))
        moments = ", ".join(
            f"CAST(window_{one}_at AS TIMESTAMP_LTZ(3))" for one in ("start", "end")
        )
        picked = f"{KEY}, {moments}, concurrent, peak_concurrent"
        engine.run_together(opened, [f"INSERT INTO live_table SELECT {picked} FROM live_rows"])  # noqa: S608
        return with_ms(tables.read_staged(tmp_path, "live"), WINDOW)

    return run


@pytest.mark.parametrize(("step", "refresh", "minute", "sample"), [
    (FIRST, 2_000, 60_000, 1), (LAST, 10_000, 120_000, 2),
])  # fmt: skip
def test_provisional_rows_equal_the_reference(live, step, refresh, minute, sample):
    events = sorted(random_events(9, sessions=80), key=lambda one: one["event_time"])
    rows = live(events, step)
    counted = [one for one in events if digest(one["user_id"].encode()) % sample == 0]
    assert 0 < len(counted) <= len(events)
    length = rows["window_end_ms"] - rows["window_start_ms"]
    assert set(length) == {10_000, minute}
    slices = rows[length == 10_000]
    seen = {}
    for moment, part in slices.groupby("window_end_ms"):
        found = {tuple(one[:3]): one[5] for one in part.itertuples(index=False)}
        live_now = audience(counted, int(moment), pack_cell)
        assert found == {key: number * sample for key, number in live_now.items()}
        seen[int(moment)] = found
    steps = {b - a for a, b in zip(sorted(seen), sorted(seen)[1:], strict=False)}
    assert steps == {refresh}
    for row in rows[length == minute].itertuples():
        key = row.content_id, row.dimension, row.dimension_value
        inside = [n for at, n in seen.items() if row.window_start_ms < at <= row.window_end_ms]
        assert row.peak == max(one.get(key, 0) for one in inside)
        assert row.concurrent == seen.get(row.window_end_ms, {}).get(key, 0)
