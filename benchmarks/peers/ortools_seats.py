"""OR-Tools on the coaches of the seat benchmark: best flow for individuals, CP-SAT for groups.

python ortools_seats.py IN OUT; runs in the peers' environment. IN holds `flows` (starts, stops,
berths, stations) and `coaches` (starts, stops, sizes of groups that all travel, berths per bay).
"""

import json
import sys
import time
from collections import Counter
from importlib import metadata
from pathlib import Path
from typing import Any

from ortools.graph.python import min_cost_flow
from ortools.sat.python import cp_model

DETERMINISTIC_SECONDS = 20.0


def best_flow(case: dict[str, Any], by_distance: bool) -> int:
    """Passengers, or berth-segments, of the best allocation: stations are nodes, berths flow."""
    flow = min_cost_flow.SimpleMinCostFlow()
    last, berths = case["stations"] - 1, case["berths"]
    for station in range(last):
        flow.add_arc_with_capacity_and_unit_cost(station, station + 1, berths, 0)
    for (a, b), people in Counter(zip(case["starts"], case["stops"], strict=True)).items():
        flow.add_arc_with_capacity_and_unit_cost(a, b, people, -(b - a) if by_distance else -1)
    flow.set_node_supply(0, berths)
    flow.set_node_supply(last, -berths)
    if flow.solve() != flow.OPTIMAL:
        raise RuntimeError("the flow has no optimum")
    return -flow.optimal_cost()


def fewest_splits(case: dict[str, Any]) -> dict[str, Any]:
    """Groups that must sit in several bays when everybody on the coach gets a berth.

    A whole group sits in one bay or its people are spread; a bay holds no more people on a segment
    than it has berths, which is enough for berths that stay the same on the whole journey.
    """
    model = cp_model.CpModel()
    bays, groups = case["bays"], range(len(case["starts"]))
    held = [[model.new_bool_var("") for _ in bays] for _ in groups]
    spread = [[model.new_int_var(0, case["sizes"][g], "") for _ in bays] for g in groups]
    split = [model.new_bool_var("") for _ in groups]
    for g in groups:
        model.add(sum(held[g]) + split[g] == 1)
        model.add(sum(spread[g]) == case["sizes"][g] * split[g])
    for bay, berths in enumerate(bays):
        for s in range(case["stations"] - 1):
            there = [g for g in groups if case["starts"][g] <= s < case["stops"][g]]
            people = (case["sizes"][g] * held[g][bay] + spread[g][bay] for g in there)
            model.add(sum(people) <= berths)
    model.minimize(sum(split))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers, solver.parameters.random_seed = 1, 7
    solver.parameters.max_deterministic_time = DETERMINISTIC_SECONDS
    began = time.perf_counter()
    status = solver.solve(model)
    found = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    return {
        "split": round(solver.objective_value) if found else None,
        "is_proven": status == cp_model.OPTIMAL,
        "seconds": time.perf_counter() - began,
    }


def main(source: Path, out: Path) -> None:
    """Answer all cases."""
    cases = json.loads(source.read_text(encoding="utf-8"))
    told = {
        "versions": {"ortools": metadata.version("ortools")},
        "flows": [[best_flow(one, False), best_flow(one, True)] for one in cases["flows"]],
        "coaches": [fewest_splits(one) for one in cases["coaches"]],
    }
    out.write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
