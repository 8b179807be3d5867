"""Groups brought together again: fewer are split, nobody loses a berth, nobody is seated twice."""

from random import Random

import numpy as np
import pytest

from pipelines.seats.codes import CONFIRMED, STATE
from pipelines.seats.numbering import number_berths
from tests.unit.seats.samples import Ask, Person, Shop, allot, arrays_of, berths_of

SEGMENTS = 9
COACH = berths_of(*["LB MB UB LB MB UB SL SU"] * 9)


def coach(seed):
    """Requests for 1.15 times what a sleeper coach has; those that fit travel."""
    rng = Random(seed)
    shop = Shop(
        SEGMENTS, {"GN": len(COACH), **dict.fromkeys(("TQ", "LD", "SS", "DF", "HP", "RAC"), 0)}, 0
    )
    asks, wanted = [], 0
    while wanted < 1.15 * len(COACH) * SEGMENTS:
        n = len(asks)
        a, b = sorted(rng.sample(range(SEGMENTS + 1), 2))
        (size,) = rng.choices(range(1, 7), (30, 30, 15, 15, 5, 5))
        group = [Person(rng.choice([30, 70])) for _ in range(size)]
        asks.append(Ask(f"r{n:03}", n, a, b, people=group))
        wanted += size * (b - a)
    outcome, _, _ = allot(shop, asks, variants=1)
    return outcome, arrays_of(asks, [])


def number(seed, segments):
    outcome, (requests, people, *_) = coach(seed)
    states = outcome.desk.state
    travels = np.flatnonzero(states["status"] == CONFIRMED)
    return (
        requests,
        states,
        travels,
        number_berths(requests, people, states, travels, COACH, 8, segments),
    )


@pytest.mark.parametrize("seed", range(12))
def test_everybody_keeps_a_berth_of_their_own(seed):
    requests, states, travels, found = number(seed, SEGMENTS)
    taken = set()
    for r in travels:
        rows = range(requests[r]["first"], requests[r]["first"] + requests[r]["size"])
        berths = [int(found.berth_of[p]) for p in rows]
        assert min(berths) >= 0
        bays = {int(COACH["bay"][berth]) for berth in berths}
        assert (len(bays) > 1) == bool(found.split[r])
        cells = {
            (b, s) for b in berths for s in range(requests[r]["from_seq"], requests[r]["to_seq"])
        }
        assert len(cells) == len(berths) * int(requests[r]["to_seq"] - requests[r]["from_seq"])
        assert not cells & taken
        taken |= cells
    assert states.dtype == STATE


def test_fewer_groups_are_split_than_in_the_order_of_boarding():
    before = sum(int(number(seed, 0)[3].split.sum()) for seed in range(12))
    after = sum(int(number(seed, SEGMENTS)[3].split.sum()) for seed in range(12))
    assert after < before / 2
