"""Train plans that cannot be right stop the run and are named."""

import copy

import pytest

from pipelines.core.errors import ConfigError
from pipelines.seats.class_plan import InvalidTrainPlan
from pipelines.seats.config import RULE_SETS, RuleSet, SeatsConfig
from pipelines.seats.generate import DAY, _train_table
from pipelines.seats.plans import UnknownTrainClass, read_plans
from pipelines.seats.synthetic.trains import make_class

CONFIG = SeatsConfig()


@pytest.fixture
def train():
    return {
        "train_id": "007", "service_date": DAY, "train_class": "Express", "rule_set": "2025-06",
        "stations": [{"station_code": c, "departs_at": None, "distance_km": n} for n, c in enumerate("ABC")],
        **copy.deepcopy(make_class("SL", 1, RULE_SETS["2025-06"])), "departs_at": 1773506700000,
    }  # fmt: skip


def read(*trains):
    return read_plans(_train_table(list(trains)), CONFIG, 0)


def test_a_good_plan(train):
    plans = read(train)
    assert plans.name(0) == ("007", DAY, "SL")
    plan = plans.plans[0]
    assert (len(plan.berths), len(plan.rac_berths), plan.segments) == (65, 7, 2)
    assert plan.capacity.tolist() == [30, 19, 6, 6, 2, 2, 14, 18]
    assert plans.trains[0].rank == 2


def test_rank_comes_from_the_table_not_from_the_number(train):
    train["train_id"], train["train_class"] = "4", "Passenger"
    assert read(train).trains[0].rank == 1
    train["train_class"] = "Duronto"
    with pytest.raises(UnknownTrainClass, match=r"train 4 .*Duronto.*train_class_rank") as raised:
        read(train)
    assert raised.value.exit_code == 2


CASES = {
    "sum is 66": lambda t: t["quotas"][0].update(berths=31),
    "negative": lambda t: t["quotas"][2].update(berths=-1),
    "named twice": lambda t: t["quotas"].append(t["quotas"][0]),
    "berth number occurs twice": lambda t: t["coaches"][0]["berths"][1].update(berth_no=1),
    "types must be known": lambda t: t["coaches"][0]["berths"][1].update(berth_type="UNKNOWN"),
    "missing or named twice": lambda t: t["rac_berths"][0]["berth_nos"].append(99),
    "there is no coach": lambda t: t["rac_berths"][0].update(coach_id="S9"),
    "is there twice": lambda t: t["coaches"].append(t["coaches"][0]),
    "B occurs twice": lambda t: t["stations"].append(t["stations"][1]),
    "1 stations": lambda t: t.update(stations=t["stations"][:1]),
    "130 stations": lambda t: t.update(
        stations=[
            {"station_code": f"X{n}", "departs_at": None, "distance_km": 0} for n in range(130)
        ]
    ),
    "not one of": lambda t: t.update(rule_set="1900-01"),
    "not known": lambda t: t["quotas"][0].update(travel_class="ZZ"),
}


@pytest.mark.parametrize("words", CASES)
def test_a_broken_plan_names_train_and_field(train, words):
    CASES[words](train)
    with pytest.raises(InvalidTrainPlan, match=r"train 007 of 2026-03-15: .*" + words):
        read(train)


def test_the_same_train_twice(train):
    with pytest.raises(InvalidTrainPlan, match="the train is there twice"):
        read(train, train)


def test_a_class_without_berths_refuses_everybody(train):
    train["coaches"], train["rac_berths"] = [], []
    train["quotas"] = [{"travel_class": "SL", "quota": "GN", "berths": 0}]
    plan = read(train).plans[0]
    assert plan.capacity.tolist() == [0] * 8
    assert len(plan.berths) == 0


def test_rule_sets_must_be_whole():
    with pytest.raises(ValueError, match="each of"):
        RuleSet(release_priority=("SENIOR",))
    with pytest.raises(ValueError, match="waitlist_caps"):
        RuleSet(waitlist_share=None)
    assert issubclass(InvalidTrainPlan, ConfigError)
