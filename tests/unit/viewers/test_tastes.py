"""Interactions of the synthetic match, and the tastes a run finds in them."""

import numpy as np
import pyarrow.parquet as pq

from pipelines.core.wire import Wire
from pipelines.viewers.config import MatchSettings, ViewersConfig
from pipelines.viewers.interactions import (
    GENRES,
    cast_of_titles,
    draw_interactions,
    write_interactions,
)
from pipelines.viewers.preferences import COLUMNS, likings, read_preferences
from pipelines.viewers.profile import Profile
from pipelines.viewers.sources import open_source

END_MS = 1_767_261_600_000
SETTINGS = MatchSettings(active_share=0.5)


def drawn(seed):
    return list(draw_interactions(np.arange(-100, 100), SETTINGS, seed, END_MS))


def test_equal_seeds_make_equal_interactions():
    assert drawn(1) == drawn(1) != drawn(2)
    users = {one["user_id"] for one in drawn(1)}
    assert 60 < len(users) < 140
    assert {one["content_genres"][0] for one in drawn(1)} == set(GENRES)
    assert all(END_MS - 14 * 86_400_000 <= one["event_time"] <= END_MS for one in drawn(1))


def test_preferences_of_a_run_are_those_of_each_viewer(tmp_path):
    records, cast = drawn(3), cast_of_titles()
    assert write_interactions(records, tmp_path / "i.parquet") == len(records)
    found = read_preferences(tmp_path / "i.parquet", cast)
    assert tuple(found.columns) == COLUMNS
    for row in found.to_dict("records"):
        profile = Profile()
        for one in records:
            if one["user_id"] == row["user_id"]:
                profile.take(one, cast[one["content_id"]])
        wanted = profile.preference(row["user_id"])
        assert (row["top_genres"], row["top_actors"]) == (
            wanted["top_genres"], wanted["top_actors"],
        )  # fmt: skip
    assert likings(found).sum() == len(found)
    assert read_preferences(None, {}).empty


def test_viewers_of_a_match_are_those_of_its_events(tmp_path):
    config = ViewersConfig(match={"viewers": 50, "active_share": 1})
    source = open_source("match", config, tmp_path)
    wire = Wire("viewer.Event")
    events = pq.read_table(source.folder)["message_value"].to_pylist()
    watching = {wire.decode(value)["user_id"] for value in events if len(value) > 150}
    tastes = read_preferences(source.interactions, cast_of_titles())
    assert set(tastes["user_id"]) >= watching
