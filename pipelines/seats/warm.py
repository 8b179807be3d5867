"""Compile the kernel once: `python -m pipelines.seats.warm`, part of the set-up.

The compiled code is kept on disk, for every later process; compiling takes half a minute.
"""

import numpy as np

from pipelines.seats.arrange import passenger_masks
from pipelines.seats.codes import BERTH, EVENT, PASSENGER, REQUEST, ClassPlan
from pipelines.seats.kernel import Outcome, allocate


def warm_kernel() -> Outcome:
    """Run the kernel on a group that is split and a cancellation; later calls find it compiled."""
    berths = np.zeros(2, dtype=BERTH)
    berths["bay"] = (0, 1)
    plan = ClassPlan(
        1,
        np.array([2, 0, 0, 0, 0, 0, 2, 1], dtype=np.int64),
        np.array([0, 0, 10, 20], dtype=np.int64),
        1,
        np.arange(5, dtype=np.int64),
        berths,
        berths[:1].copy(),
    )
    requests = np.array([(1, 0, 0, 1, 0, 2), (2, 2, 0, 1, 0, 1)], dtype=REQUEST)
    events = np.array([(1, 0, 0, 0), (2, 1, 0, 0), (3, 1, 1, 0)], dtype=EVENT)
    nothing = np.empty(0, dtype=np.int64)
    passenger_masks(nothing, nothing, nothing, requests, nothing)
    return allocate(plan, requests, np.zeros(3, dtype=PASSENGER), events)


if __name__ == "__main__":
    warm_kernel()
