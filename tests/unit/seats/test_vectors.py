"""Golden vectors V1 to V13 of the specification."""

from datetime import date, datetime

import numpy as np
import pytest

from pipelines.seats.config import RULE_SETS, RuleSettings, SeatsConfig
from pipelines.seats.measures import FIGURES, fill_rates, jain_index, jain_of, segment_shares
from pipelines.seats.synthetic.trains import make_class, make_coach, split_quotas
from pipelines.seats.times import (
    INDIA,
    booking_opens,
    chart_time,
    rule_set_on,
    tatkal_opens,
    to_ms,
    waitlist_cap,
)
from tests.unit.seats.samples import Ask, Drop, Person, Shop, run_kernel

A, B, C, D = range(4)


def shop(rac=0, cap=99, **quotas):
    capacity = {q: quotas.get(q, 0) for q in ("GN", "TQ", "LD", "SS", "DF", "HP")}
    return Shop(3, {**capacity, "RAC": rac}, cap)


def figures_of(outcome):
    return dict(zip(FIGURES, outcome.figures.tolist(), strict=True))


def test_v1_every_seatable_sequence_is_accepted():
    asks = [Ask("r1", 1, A, B), Ask("r2", 2, C, D), Ask("r3", 3, B, D), Ask("r4", 4, A, C)]
    outcome, told, _ = run_kernel(shop(GN=2), asks, bays=["LB UB"])
    assert {one["status"] for one in told.values()} == {"CONFIRMED"}
    assert (outcome.berth_of + 1).tolist() == [1, 2, 1, 2]
    assert outcome.use[1].tolist() == [2, 2, 2]


def test_v2_first_come_first_served_has_a_gap():
    asks = [Ask("r1", 1, A, D), Ask("r2", 2, A, B), Ask("r3", 3, B, C), Ask("r4", 4, C, D)]
    outcome, told, _ = run_kernel(shop(GN=1), asks)
    assert [one["status"] for one in told.values()] == ["CONFIRMED"] + ["WAITLISTED"] * 3
    found = figures_of(outcome)
    assert (found["optimum"], found["optimum_segments"], found["accepted_segments"]) == (3, 3, 3)
    assert 1 - found["confirmed"] / found["optimum"] == pytest.approx(2 / 3)


def test_v3_a_late_senior_displaces_nobody():
    asks = [Ask("r1", 900, A, D), Ask("r2", 905, A, D), Ask("r3", 910, A, D, people=[Person(65)])]
    _, told, _ = run_kernel(shop(GN=2), asks)
    assert [one["status"] for one in told.values()] == ["CONFIRMED", "CONFIRMED", "WAITLISTED"]
    assert told["r3"]["position"] == 1


def test_v4_an_unused_senior_berth_goes_to_the_senior_first():
    asks = [Ask("r1", 900, A, D), Ask("r2", 905, A, D), Ask("r3", 906, A, D)]
    asks.append(Ask("r4", 910, A, D, people=[Person(65)]))
    _, told, _ = run_kernel(shop(GN=2, SS=1), asks)
    assert (told["r4"]["status"], told["r4"]["last"][0]) == ("CONFIRMED", "RELEASED")
    assert (told["r4"]["first_position"], told["r3"]["first_position"]) == (2, 1)
    assert (told["r3"]["status"], told["r3"]["position"]) == ("WAITLISTED", 1)


def test_v5_the_first_that_fits_is_promoted():
    asks = [Ask("c1", 1, A, B), Ask("c2", 2, A, D), Ask("c3", 3, B, D)]
    asks += [Ask("w1", 4, A, D), Ask("w2", 5, A, B), Ask("w3", 6, B, C)]
    _, told, _ = run_kernel(shop(GN=2), asks, [Drop("x", 7, "c1")])
    assert (told["w2"]["status"], told["w2"]["last"]) == ("CONFIRMED", ("PROMOTED", None, "x"))
    assert (told["w1"]["position"], told["w3"]["position"]) == (1, 2)
    assert told["w3"]["first_position"] == 3


def test_v6_a_smaller_group_fits():
    asks = [Ask("c1", 1, A, D), Ask("w1", 2, A, D, people=[Person(), Person()])]
    gn2 = shop(GN=2)
    _, told, _ = run_kernel(gn2, asks, [Drop("x", 3, "w1", [1])])
    assert (told["w1"]["status"], told["w1"]["size"]) == ("CONFIRMED", 1)
    assert told["w1"]["first_position"] == 1


def replay_v7():
    asks = [
        Ask("q1", 900, A, D), Ask("q2", 901, A, D), Ask("q3", 902, B, D, people=[Person(65)]),
        Ask("q4", 903, A, B), Ask("q5", 904, C, D),
        Ask("q6", 905, A, B, people=[Person(is_military=True)]),
        Ask("q7", 906, A, C, "LD", [Person(gender="F")]),
        Ask("q8", 908, A, C, people=[Person(), Person()]),
    ]  # fmt: skip
    return run_kernel(shop(GN=1, LD=1, rac=2, cap=4), asks, [Drop("x", 907, "q1")])


def test_v7_full_replay():
    _, told, _ = replay_v7()
    status = {name: (one["status"], one["position"]) for name, one in told.items()}
    assert status == {
        "q1": ("CANCELLED", 0), "q2": ("CONFIRMED", 0), "q3": ("RAC", 1), "q4": ("RAC", 2),
        "q5": ("CONFIRMED", 0), "q6": ("RAC", 3), "q7": ("CONFIRMED", 0), "q8": ("WAITLISTED", 1),
    }  # fmt: skip
    assert told["q5"]["last"][0] == "RELEASED"
    assert told["q8"]["first"] == ("QUOTA_FULL", 0, None)
    assert (told["q5"]["first_position"], told["q6"]["first_position"]) == (1, 2)


def test_v7_chart():
    outcome, _, _ = replay_v7()
    berth = (outcome.berth_of + 1).tolist()
    assert (berth[1], berth[6], berth[4]) == (2, 1, 1)
    assert outcome.rac_of[[3, 5, 2]].tolist() == [0, 1, 0]  # q4 7A, q6 7B, q3 7A
    assert outcome.is_alone[[2, 3, 5]].tolist() == [1, 0, 0]


def test_v7_figures():
    outcome, _, _ = replay_v7()
    assert outcome.use.tolist() == [[7, 6, 4], [4, 3, 3]]
    shares = segment_shares(outcome.use[0], outcome.use[1], np.array([4, 4, 4]), 0.1)
    assert shares[0].tolist() == [1.75, 1.5, 1.0]
    assert shares[1].tolist() == [1.0, 0.75, 0.75]
    assert shares[2] == pytest.approx([0.540541, 0.625, 0.909091], abs=1e-6)
    found = figures_of(outcome)
    assert (found["optimum"], found["confirmed"] + found["rac"]) == (6, 6)
    assert found["demand"] - found["cancelled"] == 8
    jain = jain_index(found["pairs"], *outcome.fill)
    assert jain == pytest.approx(0.913514, abs=1e-6)


def test_v8_comfort():
    asks = [Ask("x", 1, A, D), Ask("z", 2, A, D, people=[Person(65)])]
    asks.append(Ask("p", 3, B, D, people=[Person(), Person()]))
    outcome, _, _ = run_kernel(shop(GN=4), asks, bays=["LB UB", "LB UB"])
    assert (outcome.berth_of + 1).tolist() == [2, 1, 4, 3]
    assert figures_of(outcome)["split_groups"] == 0


def test_v10_moments():
    rules, day = RuleSettings(), date(2026, 3, 15)
    departs = to_ms(datetime(2026, 3, 15, 6, 15, tzinfo=INDIA))
    assert tatkal_opens(day, "A3", rules) == 1773462600000
    assert tatkal_opens(day, "SL", rules) == 1773466200000
    assert chart_time(departs, RULE_SETS["2025-06"]) == 1773506700000
    opened = datetime(2026, 1, 14, 8, tzinfo=INDIA)
    assert booking_opens(day, rules) == to_ms(opened)


def test_v10_one_millisecond_early():
    early = Shop(3, {**shop(TQ=5).capacity}, 9, tatkal_opens=1000)
    asks = [Ask("a", 999, A, D, "TQ"), Ask("b", 1000, A, D, "TQ")]
    _, told, _ = run_kernel(early, asks)
    assert told["a"]["first"][0] == "TATKAL_NOT_OPEN"
    assert told["b"]["status"] == "CONFIRMED"


def test_v11_a_sleeper_coach():
    coach = make_coach("SL", "S1")
    kinds = [berth["berth_type"] for berth in coach["berths"]]
    assert (kinds.count("LB"), kinds.count("SL")) == (18, 9)
    assert [(b["berth_type"], b["bay"]) for b in coach["berths"] if b["berth_no"] in (63, 72)] == [
        ("SL", 8), ("SU", 9),
    ]  # fmt: skip
    part = make_class("SL", 1, RULE_SETS["2025-06"])
    assert part["rac_berths"][0]["berth_nos"] == [7, 15, 23, 31, 39, 47, 55]
    quotas = split_quotas("SL", 1, 65)
    assert quotas == {"GN": 30, "TQ": 19, "SS": 6, "LD": 6, "HP": 2, "DF": 2}
    assert waitlist_cap(72, "SL", RULE_SETS["2025-06"]) == 18
    older = make_class("SL", 1, RULE_SETS["2016-01"])
    assert len(older["rac_berths"][0]["berth_nos"]) == 5


def test_v12_fairness():
    assert jain_of([1, 0.5, 0.5]) == pytest.approx(4 / 4.5)
    wanted, given = np.zeros((3, 3), np.int64), np.zeros((3, 3), np.int64)
    wanted[0, 1], wanted[0, 2], given[0, 1], given[0, 2] = 2, 4, 2, 2
    fill = np.zeros(2)
    assert fill_rates(wanted, given, fill) == 2
    assert fill.tolist() == [1.5, 1.25]


def test_v13_ids_in_byte_order():
    asks = [Ask("r9", 5, A, D), Ask("r10", 5, A, D), Ask("r2", 5, A, D)]
    _, told, _ = run_kernel(shop(GN=1), asks)
    assert told["r10"]["status"] == "CONFIRMED"
    assert (told["r2"]["position"], told["r9"]["position"]) == (1, 2)


def test_rule_sets_by_date():
    names = list(SeatsConfig().rules.rule_sets)
    assert rule_set_on(date(2016, 11, 30), names) == "2016-01"
    assert rule_set_on(date(2016, 12, 1), names) == "2016-12"
    assert rule_set_on(date(2026, 3, 15), names) == "2025-06"
    with pytest.raises(ValueError, match="no rule set"):
        rule_set_on(date(2015, 12, 31), names)
    assert waitlist_cap(72, "SL", RULE_SETS["2016-12"]) == 400
    assert waitlist_cap(0, "SL", RULE_SETS["2016-12"]) == 0


def test_tatkal_never_becomes_rac():
    asks = [Ask("t", 1, A, D, "TQ"), Ask("u", 2, A, D, "TQ")]
    _, told, _ = run_kernel(shop(TQ=1, rac=2), asks)
    assert told["u"]["status"] == "WAITLISTED"
