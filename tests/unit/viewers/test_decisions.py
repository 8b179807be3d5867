"""Alerts, milestones, ladder, taste, trending, degradation, fair play: rules A3 and their mistakes."""

import itertools
import math
import random
from functools import reduce

import pandas as pd
import pytest

from pipelines.viewers.alerts import Breach, Milestones, Rule, Watch
from pipelines.viewers.config import (
    AlertSettings,
    DegradeSettings,
    FairPlaySettings,
    LadderSettings,
)
from pipelines.viewers.degrade import STEPS, Governor, mode_of
from pipelines.viewers.dimensions import CITIES, DIMENSIONS, REGION_OF_CITY, pack_cell, unpack_cell
from pipelines.viewers.fairplay import sleepless_viewers
from pipelines.viewers.ladder import RUNGS, Command, Steering, buffer_tier, decide, is_low_percent
from pipelines.viewers.taste import (
    TASTE_RATE,
    Fading,
    diversity,
    half_life_rate,
    top_trending,
    weight_of,
)

LADDER = LadderSettings()


def fade(weights, rate):
    """Sum of (weight, epoch ms) in their order."""
    return reduce(Fading.joined, (Fading(*one, rate) for one in weights), Fading(0.0, None, rate))


RULE = Rule("REGIONAL_OVERLOAD", "MEDIUM", "", 0.85, 0.75, 60_000)


@pytest.mark.parametrize(
    ("quality", "buffer", "bitrate", "wanted"),
    [
        ("Q720", 9, 9600, "Q1080"),
        ("Q720", 9, 5000, None),
        ("Q720", 9, 9000, None),  # 9000 is less than 1.2 times 8000
        ("Q1080", 6, 4000, "Q720"),
        ("Q360", 0.5, 100, None),
        ("Q4K", 60, 90_000, None),
        ("Q1080", 9, 30_000, None),  # 4K needs 10 s of buffer
        ("Q1080", 1.9, 9000, "Q720"),
        ("UNKNOWN", 9, 9600, None),
        ("Q720", None, 9600, None),
    ],
)
def test_ladder_vectors(quality, buffer, bitrate, wanted):
    found = decide(quality, buffer, bitrate, LADDER)
    assert (found.to_quality if found else None) == wanted


def test_over_the_whole_grid_an_upgrade_stays():
    names = [rung.quality for rung in RUNGS]
    buffers = [n / 4 for n in range(60)]
    bitrates = [100, 799, 800, 1500, 1799, 1800, 3000, 3600, 8000, 9600, 25_000, 30_000, 60_000]
    upgrades = 0
    for quality, buffer, bitrate in itertools.product(names, buffers, bitrates):
        found = decide(quality, buffer, bitrate, LADDER)
        if found is None:
            continue
        step = names.index(found.to_quality) - names.index(found.from_quality)
        assert abs(step) == 1
        if found.reason == "UPGRADE":
            upgrades += 1
            again = decide(found.to_quality, buffer, bitrate, LADDER)
            assert again is None or again.reason == "UPGRADE"
            assert step == 1
    assert upgrades > 100


def test_the_naive_upgrade_flaps():
    """1.5 times the minimum of the current rung lets 720p up at 4500, and 1080p rejects that."""
    bitrate = 1.5 * RUNGS[2].bitrate_kbps
    assert bitrate < RUNGS[3].bitrate_kbps
    assert decide("Q1080", 9, bitrate, LADDER) == Command("Q1080", "Q720", "BANDWIDTH_INSUFFICIENT")
    assert decide("Q720", 9, bitrate, LADDER) is None


def test_one_change_in_a_cooldown():
    steering, changes = Steering(LADDER), []
    for second in range(200):
        bitrate = 9600 if second % 2 else 100
        if steering.read("Q720", 9, bitrate, second * 1000):
            changes.append(second)
    assert all(later - first >= 20 for first, later in itertools.pairwise(changes))
    assert len(changes) == 10


@pytest.mark.parametrize(
    ("seconds", "tier"),
    [(0.99, "EMERGENCY"), (1.0, "PREVENTIVE"), (2.99, "PREVENTIVE"), (3.0, "NORMAL"),
     (10.0, "NORMAL"), (10.01, "SPARE")],
)  # fmt: skip
def test_buffer_tiers_in_seconds(seconds, tier):
    assert buffer_tier(seconds) == tier


def test_percent_and_seconds_are_different_rules():
    assert [is_low_percent(n) for n in (19.9, 20, 100)] == [True, False, False]
    assert buffer_tier(19.9) == "SPARE"


def read_all(breach, values, step=10_000):
    return [n.state for at, value in enumerate(values) for n in breach.read(value, at * step)]


def test_an_alert_fires_once_and_resolves_after_a_calm_minute():
    rising, calm = [0.5, 0.86, 0.9, 0.8, 0.86], [0.74] * 7
    assert read_all(Breach(RULE, "pune", None), rising + calm) == ["FIRING", "RESOLVED"]


def test_an_alert_does_not_resolve_in_a_short_calm():
    values = [0.9, *[0.7] * 6, 0.76, *[0.7] * 6]
    assert read_all(Breach(RULE, "pune", None), values) == ["FIRING"]


def test_begin_and_end_of_a_breach_share_an_id_and_two_breaches_do_not():
    breach = Breach(RULE, "pune", None)
    values = [0.9, *[0.7] * 8, 0.9, *[0.7] * 8]
    ids = [n.alert_id for at, v in enumerate(values) for n in breach.read(v, at * 10_000)]
    assert ids[0] == ids[1] != ids[2] == ids[3]


def test_a_reading_twice_changes_nothing():
    breach = Breach(RULE, None, None)
    assert len(list(breach.read(0.9, 1))) == 1
    assert list(breach.read(0.9, 1)) == []
    assert list(breach.read(0.1, 0)) == []


def test_milestones_once_a_crossing_with_hysteresis():
    steps = Milestones(1e6, 0.02)
    readings = [0, 999_999, 1_000_000, 999_000, 1_000_001, 985_000, 1_000_500, 979_999, 1_000_000]
    found = [n.threshold for at, v in enumerate(readings) for n in steps.read(v, at)]
    assert found == [1e6, 1e6]  # hovering tells nothing; 979,999 is 2 % below and arms it again
    assert [n.threshold for n in steps.read(3_200_000, 99)] == [2e6, 3e6]


def test_the_naive_milestone_fires_at_zero_and_while_hovering():
    readings = [0, 1_000_000, 999_999, 1_000_000]
    assert sum(value % 1_000_000 == 0 for value in readings) == 3
    steps = Milestones(1e6, 0.02)
    assert sum(len(list(steps.read(v, at))) for at, v in enumerate(readings)) == 1


def test_capacity_is_scaled_and_every_region_has_one():
    given = AlertSettings(scale=0.001)
    assert set(REGION_OF_CITY.values()) == set(given.capacity)
    watch = Watch(given)
    notices = list(watch.read_audience({"pune": 2126}, {"M": 2126}, 1))
    assert [(n.alert_type, n.viewer_region) for n in notices] == [
        ("REGIONAL_OVERLOAD", "pune"), ("MILESTONE", None), ("MILESTONE", None),
    ]  # fmt: skip
    assert list(watch.read_audience({"atlantis": 10**9}, {"M": 2126}, 2)) == []


def test_load_that_falls_resolves_the_region():
    """The naive counter only grows, so a region stays overloaded for ever."""
    watch = Watch(AlertSettings(scale=0.001, milestone=1e12))
    found = []
    for at in range(20):
        live = 4000 if at < 3 else 100
        found += watch.read_audience({"hyderabad": live}, {"M": live}, at * 10_000)
    assert [n.state for n in found] == ["FIRING", "RESOLVED"]


def test_trending_vector_and_ties():
    rate = half_life_rate(300)
    assert fade([(1, 600_000), (1, 300_000), (1, 0)], rate).at(600_000) == pytest.approx(1.75)
    same = {name: Fading(1.0, 0, rate) for name in ("b", "a", "c")}
    assert [name for name, _ in top_trending(same, 0)] == ["a", "b", "c"]


def test_fading_sums_join_in_any_order_and_grouping():
    rng = random.Random(3)
    posts = [(rng.uniform(-1, 3), rng.randrange(0, 10**9)) for _ in range(40)]
    rate = 1 / (168 * 3_600_000)
    wanted = fade(posts, rate).at(2 * 10**9)
    for _ in range(5):
        rng.shuffle(posts)
        cut = rng.randrange(40)
        joined = fade(posts[:cut], rate).joined(fade(posts[cut:], rate))
        assert joined.at(2 * 10**9) == pytest.approx(wanted, rel=1e-12)


def test_weights_and_decay_of_taste():
    assert weight_of("WATCH_PARTIAL", 30, 60) == 0.5
    assert weight_of("WATCH_PARTIAL", 90, 60) == 1.0
    assert weight_of("WATCH_PARTIAL", 90, 0) == 0.0
    assert weight_of("OTHER") == 0.5
    assert Fading(3.0, 0, TASTE_RATE).at(168 * 3_600_000) == pytest.approx(3 / math.e)
    assert diversity({"a": 1}) == 0.0
    assert diversity({"a": 1, "b": 1}) == pytest.approx(1.0)


def test_degradation_steps_down_and_comes_back():
    governor = Governor(DegradeSettings())
    names = [governor.read(60, second).name for second in range(0, 100, 5)]
    assert list(dict.fromkeys(names)) == list(STEPS)
    assert governor.read(60, 1000).sample == 16
    names = [governor.read(1, 2000 + second).name for second in range(0, 600, 10)]
    assert list(dict.fromkeys(names)) == list(reversed(STEPS))


def test_degradation_does_not_swing():
    governor = Governor(DegradeSettings())
    steps = {governor.read(60 if second % 2 else 1, second * 10).name for second in range(50)}
    assert steps == {"full"}


def test_degradation_changes_what_a_step_names():
    modes = [mode_of(step, DegradeSettings()) for step in range(len(STEPS))]
    assert [(m.refresh_seconds, m.minute_seconds, m.sample) for m in modes] == [
        (2, 60, 1), (10, 60, 1), (10, 300, 1), (10, 300, 16),
    ]  # fmt: skip


def test_presence_around_the_clock_needs_every_hour():
    hour = 3_600_000
    spans = [("awake", n * hour + 7, n * hour + 60_000) for n in range(30)]
    spans += [("asleep", n * hour, n * hour + 1) for n in range(30) if n % 12]
    spans += [("long", 5 * hour, 28 * hour), ("short", 5 * hour, 28 * hour - 1)]
    sessions = pd.DataFrame(spans, columns=["user_id", "started_ms", "ended_ms"])
    found = sleepless_viewers(sessions.sample(frac=1, random_state=2), FairPlaySettings())
    assert found["subject_id"].tolist() == ["awake", "long"]
    assert found["measured"].tolist() == [30, 24]
    assert sleepless_viewers(sessions.iloc[:0], FairPlaySettings()).empty


def test_cells_keep_every_value_and_unknown_has_no_default():
    for dimension in DIMENSIONS:
        assert len(dimension.values) <= 1 << dimension.bits
        for value in dimension.values:
            assert dimension.of(pack_cell({dimension.column: value})) == value
    nowhere = unpack_cell(pack_cell({"city": "atlantis", "region": None, "quality": "8K"}))
    assert set(nowhere.values()) == {"UNKNOWN"}
    assert set(CITIES) - {"UNKNOWN"} == set(REGION_OF_CITY)
