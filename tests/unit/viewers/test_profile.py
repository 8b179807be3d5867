"""The profile of a viewer: any order, through its bytes, and with the hours of India."""

import random

import pytest

from pipelines.viewers.profile import Profile
from pipelines.viewers.taste import WEIGHTS


def interaction(at_ms, **changes):
    return {
        "event_time": at_ms, "interaction_type": "LIKE", "watch_ms": 0, "content_ms": 0,
        "content_genres": ["drama"], "device_type": "MOBILE", "rating": None, **changes,
    }  # fmt: skip


def test_a_profile_is_the_same_in_any_order_and_through_its_bytes():
    rng = random.Random(8)
    taken = [
        interaction(
            1_767_261_600_000 + rng.randrange(10**9), interaction_type=rng.choice(list(WEIGHTS)),
            watch_ms=rng.randrange(10**6), content_genres=rng.choice((["a"], ["b", "c"], [])),
            rating=rng.choice((None, 2, 5)), device_type=rng.choice(("MOBILE", "LAPTOP")),
        )
        for _ in range(60)
    ]  # fmt: skip
    told = []
    for _ in range(3):
        rng.shuffle(taken)
        profile = Profile()
        for one in taken:
            profile = Profile.unpacked(profile.packed())
            profile.take(one, ("x",))
        told.append(profile.preference("u"))
    spread = [one.pop("diversity_score") for one in told]
    assert told[0] == told[1] == told[2]
    assert spread == pytest.approx([spread[0]] * 3)
    assert told[0]["top_actors"] == ["x"]
    with pytest.raises(ValueError, match="version 7"):
        Profile.unpacked(b"[7]")


def test_hours_of_a_profile_are_those_of_india():
    profile = Profile()
    midnight = 1_767_205_800_000  # 2025-12-31T18:30Z
    profile.take(interaction(midnight - 1, watch_ms=5))
    profile.take(interaction(midnight, watch_ms=7))
    assert profile.preference("u")["preferred_hours"] == [0, 23]
