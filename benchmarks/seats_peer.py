"""Questions to OR-Tools, which lives in the peers' environment."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from harness.process import RunFailed, run_measured
from harness.results import Results
from seats_sections import sleeper_berths

I64 = npt.NDArray[np.int64]
Case = dict[str, Any]
PEER = Path(__file__).resolve().parent / "peers" / "ortools_seats.py"


def flow_case(starts: I64, stops: I64, berths: int, stations: int) -> Case:
    """Individuals on one coach."""
    return {
        "starts": starts.tolist(), "stops": stops.tolist(), "berths": berths,
        "stations": stations,
    }  # fmt: skip


def coach_case(
    starts: I64, stops: I64, sizes: I64, travels: npt.NDArray[np.bool_], stations: int
) -> Case:
    """Groups of one sleeper coach that all have a place, and how many berths each bay has."""
    return {
        "starts": starts[travels].tolist(),
        "stops": stops[travels].tolist(),
        "sizes": sizes[travels].tolist(),
        "bays": np.bincount(sleeper_berths()["bay"]).tolist(),
        "stations": stations,
    }


def ask_ortools(
    results: Results, python: str, scratch: Path, flows: list[Case] | None = None,
    coaches: list[Case] | None = None,
) -> dict[str, Any] | None:  # fmt: skip
    """Answers of OR-Tools; None, and a note among the results, where it cannot run."""
    if not python:
        results.skip("OR-Tools", "no --peers-python; make bench-seats gives one")
        return None
    source, out = scratch / "cases.json", scratch / "answers.json"
    source.write_text(json.dumps({"flows": flows or [], "coaches": coaches or []}))
    try:
        run_measured([python, str(PEER), str(source), str(out)], [0], scratch / "peer.txt")
    except RunFailed as error:
        results.skip("OR-Tools", str(error))
        return None
    told: dict[str, Any] = json.loads(out.read_text())
    results.versions |= told["versions"]
    return told
