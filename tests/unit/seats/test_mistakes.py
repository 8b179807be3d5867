"""Known mistakes of the field: the naive form goes wrong on a case, ours does not."""

from pathlib import Path

import numpy as np
import pytest

from pipelines.seats import kernel as kernel_module
from pipelines.seats.config import SeatsConfig
from pipelines.seats.kernel import allocate
from pipelines.seats.measures import jain_index, jain_of
from pipelines.seats.planning import line_rules
from pipelines.seats.times import waitlist_cap
from tests.unit.seats.oracle import best_seated
from tests.unit.seats.samples import Ask, Drop, Person, Shop, arrays_of, plan_of, run_kernel

PACKAGE = Path(kernel_module.__file__).parent
A, B, C, D = range(4)


def shop(rac=0, cap=99, **quotas):
    names = ("GN", "TQ", "LD", "SS", "DF", "HP")
    return Shop(3, {**{q: quotas.get(q, 0) for q in names}, "RAC": rac}, cap)


def statuses(told):
    return [one["status"] for one in told.values()]


def first_fit(journeys, berths):
    """Naive: the berth is fixed when the journey is booked."""
    taken = [set() for _ in range(berths)]
    chosen = []
    for a, b in journeys:
        free = next((n for n, held in enumerate(taken) if not held & set(range(a, b))), None)
        if free is not None:
            taken[free] |= set(range(a, b))
        chosen.append(free)
    return chosen


def test_k1_one_berth_on_the_whole_journey():
    journeys = [(A, B), (B, D), (A, D)]
    per_segment = [[0, None, None], [None, 0, 0], [1, 1, 1]]  # naive: a seat per segment may differ
    assert len({seat for row in per_segment for seat in row if seat is not None}) == 2
    outcome, _, _ = run_kernel(shop(GN=2), [Ask(f"r{n}", n, *j) for n, j in enumerate(journeys)])
    assert (outcome.berth_of >= 0).all()
    assert outcome.berth_of[0] == outcome.berth_of[1] != outcome.berth_of[2]


def test_k2_a_key_is_train_date_and_class():
    requests, seats, trains = 55, 30, 4
    assert requests <= seats * trains  # naive: one pool of all trains looks balanced
    asks = [Ask(f"r{n:02}", n, A, D) for n in range(requests)]
    _, told, _ = run_kernel(shop(GN=seats, cap=0), asks)
    assert statuses(told).count("CONFIRMED") == seats


def test_k3_a_second_call_books_nobody_twice():
    class Naive:
        sold = 0

        def book(self):
            self.sold += 1

    naive = Naive()
    for _ in range(2):  # a task that is retried
        naive.book()
    assert naive.sold == 2
    asks = [Ask("r1", 1, A, D)]
    first, again = (run_kernel(shop(GN=2), asks)[0] for _ in range(2))
    assert first.use.tolist() == again.use.tolist() == [[1] * 3] * 2


def test_k4_a_quota_is_no_priority_over_earlier_requests():
    asks = [Ask("r1", 1, A, D), Ask("r2", 2, A, D, people=[Person(70)])]
    naive = sorted(asks, key=lambda a: (a.people[0].age < 60, a.at))
    assert naive[0].id == "r2"
    _, told, _ = run_kernel(shop(GN=1), asks)
    assert statuses(told) == ["CONFIRMED", "WAITLISTED"]


def test_k5_fairness_without_demand_is_null():
    with pytest.raises(ZeroDivisionError):
        _ = sum([]) ** 2 / (0 * sum([]))
    assert jain_index(0, 0.0, 0.0) is None
    assert jain_of([0.0, 0.0]) == 0.0


def test_k6_first_come_first_served():
    times = [3, 1, 2]
    assert sorted(times, key=lambda t: -t, reverse=True) == sorted(times)  # right by two mistakes
    assert sorted(times, reverse=True) != sorted(times)
    asks = [Ask(f"r{t}", t, A, D) for t in times]
    _, told, _ = run_kernel(shop(GN=1), asks)
    assert told["r1"]["status"] == "CONFIRMED"


def test_k7_sums_keep_train_and_date():
    runs = [("12001", 1, 3), ("12002", 1, 5)]  # train, seats, requests of one class
    naive = min(sum(seats for _, seats, _ in runs), sum(asked for *_, asked in runs))
    both_on_one_train = min(naive, runs[1][2])
    assert both_on_one_train == 2 > runs[1][1]  # sums by class alone sell a seat of another train
    for _, seats, asked in runs:
        asks = [Ask(f"r{n}", n, A, D) for n in range(asked)]
        _, told, _ = run_kernel(shop(GN=seats), asks)
        assert statuses(told).count("CONFIRMED") == seats


def test_k8_k9_a_train_carries_the_smaller_of_demand_and_places():
    demands, left, given = [60, 60], 100, []
    for demand in demands:  # naive: what is left shrinks across trains
        given.append(min(demand, left * demand // sum(demands), 50))
        left -= given[-1]
    assert sum(given) < 100
    assert [min(demand, 50) for demand in demands] == [50, 50]
    assert min(3, 50) == 3


def test_k10_rank_by_table():
    ranks = SeatsConfig().rules.train_class_rank
    assert ranks["Rajdhani"] > ranks["Shatabdi"] > ranks["Express"] > ranks["Passenger"]
    assert not any(name in "12951" for name in ranks)  # naive: look for the name in the number


def test_k11_lines_are_never_dropped():
    lines = ["12001|2026-03-15|A->B|3|2", "12002|2026-03-15|A->B", "12003|2026-03-15|A->B|many|2"]
    kept = [line for line in lines if len(line.split("|")) == 5]
    assert len(kept) < len(lines)  # naive: the short line is gone without a word
    with pytest.raises(ValueError, match="many"):
        _ = [int(line.split("|")[3]) for line in kept]  # naive: one word ends the task
    reasons = {rule.code for rule in line_rules()}  # as tests/spark/seats/test_bad_input sees them
    assert {"FIELD_COUNT", "BAD_NUMBER"} <= reasons


def test_k12_a_seat_fixed_at_booking_refuses_travellers():
    journeys = [(A, B), (C, D), (B, D), (A, C)]
    assert None in first_fit(journeys, 2)
    _, told, _ = run_kernel(shop(GN=2), [Ask(f"r{n}", n, *j) for n, j in enumerate(journeys)])
    assert statuses(told) == ["CONFIRMED"] * 4


def test_k13_demand_counts_on_its_own_segments():
    journeys = [(A, B), (C, D)]
    naive = len(journeys)  # every pair charged on the whole route
    outcome, _, _ = run_kernel(shop(GN=2), [Ask(f"r{n}", n, *j) for n, j in enumerate(journeys)])
    assert outcome.use[0].tolist() == [1, 0, 1]
    assert naive == 2


def test_k14_the_order_of_rows_is_not_taken_for_granted():
    asks = [Ask("r2", 2, A, D), Ask("r1", 1, A, D)]  # as a grouped map may hand them over
    naive = asks[0].id
    assert naive == "r2"
    _, told, _ = run_kernel(shop(GN=1), asks)
    assert told["r1"]["status"] == "CONFIRMED"
    requests, people, events, _, _ = arrays_of(asks, [])
    with pytest.raises(ValueError, match="not ordered by booked_at"):
        allocate(plan_of(shop(GN=1)), requests[::-1], people, events)


def test_k15_no_limit_of_time_decides():
    """A solver stopped by the clock gives what the machine's load allows; here steps are counted."""
    for module in ("numbering", "regroup", "hall", "kernel"):
        text = (PACKAGE / f"{module}.py").read_text()
        assert not any(word in text for word in ("import time", "ortools", "perf_counter")), module


def test_k16_counts_alone_seat_everybody():
    """ST11. No solver with optional rectangles: journeys of which k meet at most take k berths."""
    rng = np.random.default_rng(5)
    for _ in range(100):
        ends = np.sort(rng.choice(9, (12, 2)), axis=1)
        journeys = [(int(a), int(b)) for a, b in ends if a < b]
        most = max(sum(a <= s < b for a, b in journeys) for s in range(8))
        assert 0 < most <= 12
        train = Shop(8, {**shop(GN=most).capacity}, 0)
        asks = [Ask(f"r{n:02}", n, *journey) for n, journey in enumerate(journeys)]
        outcome, told, _ = run_kernel(train, asks)
        assert set(statuses(told)) == {"CONFIRMED"}
        assert (outcome.berth_of >= 0).all()
        cells = [(b, s) for b, j in zip(outcome.berth_of, journeys, strict=True) for s in range(*j)]
        assert len(set(cells)) == len(cells)


def test_k17_seven_on_a_tatkal_pnr_and_bookings_before_opening():
    early = Shop(3, {**shop(GN=9, TQ=9).capacity}, 9, opens=100, tatkal_opens=200)
    five = [Person() for _ in range(5)]
    asks = [Ask("a", 99, A, D), Ask("b", 300, A, D, "TQ", five), Ask("c", 150, A, D, "TQ")]
    _, told, _ = run_kernel(early, asks)
    reasons = [told[name]["first"][0] for name in "abc"]
    assert reasons == ["TOO_EARLY", "TATKAL_GROUP_SIZE", "TATKAL_NOT_OPEN"]


def test_k18_count_and_take_is_one_step():
    asks = [Ask(f"r{n}", 5, A, D) for n in range(3)]  # all at one instant
    outcome, told, _ = run_kernel(shop(GN=1), asks)
    assert statuses(told).count("CONFIRMED") == 1
    assert outcome.use[1].max() == 1


def test_k19_promotion_does_not_stop_at_the_first_that_does_not_fit():
    asks = [Ask("c1", 1, A, B), Ask("c2", 2, B, D), Ask("w1", 3, A, D), Ask("w2", 4, A, B)]
    waiting = ["w1", "w2"]
    assert waiting[0] == "w1"  # naive: only the head of the list is looked at, and it does not fit
    _, told, _ = run_kernel(shop(GN=1), asks, [Drop("x", 5, "c1")])
    assert told["w2"]["status"] == "CONFIRMED"
    assert told["w1"]["position"] == 1


def test_k20_ids_in_byte_order():
    ids = ["r2", "r10", "é", "r9"]
    by_bytes = sorted(ids, key=str.encode)
    assert by_bytes == ["r10", "r2", "r9", "é"]
    _, told, _ = run_kernel(shop(GN=1), [Ask(i, 5, A, D) for i in ids])
    assert list(told) == by_bytes


def test_k21_positions_have_no_gaps_after_a_cancellation():
    asks = [Ask(f"r{n}", n, A, D) for n in range(4)]
    _, told, _ = run_kernel(shop(GN=1), asks, [Drop("x", 9, "r2")])
    naive = [told[f"r{n}"]["first_position"] for n in (1, 3)]
    assert naive == [1, 3]
    assert [told[f"r{n}"]["position"] for n in (1, 3)] == [1, 2]


def test_groups_are_never_half_confirmed():
    asks = [Ask("r1", 1, A, D), Ask("g", 2, A, D, people=[Person(), Person()])]
    _, told, _ = run_kernel(shop(GN=2), asks)
    assert (told["g"]["status"], told["g"]["size"]) == ("WAITLISTED", 2)


def test_an_entitled_passenger_alone_gets_a_lower_berth_when_one_is_free():
    asks = [Ask(f"r{n}", n, A, D, people=[Person(70)]) for n in range(2)]
    asks += [Ask(f"y{n}", 5 + n, A, D) for n in range(2)]
    outcome, _, _ = run_kernel(shop(GN=4), asks, bays=["LB UB", "UB LB"])
    kinds = outcome.desk.plan.berths["kind"][outcome.berth_of]
    assert kinds.tolist() == [0, 0, 2, 2]


def test_the_exhaustive_oracle_itself():
    assert best_seated([(0, 3), (0, 1), (1, 2), (2, 3)], 1) == (3, 3)
    assert waitlist_cap(0, "SL", SeatsConfig().rules.rule_sets["2025-06"]) == 0
