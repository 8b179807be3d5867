"""Measure the seat allocation job: a day, a Tatkal hour, and its policy beside seat-at-booking.

    make bench-seats                                                  all sections
    make bench-seats ARGS="--sections policies,groups"                seconds, no Spark
    make bench-seats ARGS="--sections day --rounds 3"

The clock of a day runs from reading Parquet to committed, verified tables; starting the session,
drawing the data and the HTML report are not in it.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from harness.process import RunFailed, run_measured  # noqa: E402
from harness.results import Results, median, progress  # noqa: E402
from seats_policies import accommodating, overload, seat_at_booking  # noqa: E402
from seats_sections import allot_groups, allot_individuals, group_coach, seat_groups_at_booking  # noqa: E402

from pipelines.seats.config import SyntheticSettings  # noqa: E402
from pipelines.seats.generate import write_day  # noqa: E402

SECTIONS = ("policies", "groups", "day", "tatkal")
PACKAGES = ("pyspark", "delta-spark", "numpy", "numba", "pyarrow")
OUTSIDE = ("report",)
BERTHS, STATIONS = 72, 20
DAYS = {
    "day": SyntheticSettings(
        bookings=1_200_000, trains=3000, tatkal_share=0.05, fault_share=0.0, hot_requests=100_000
    ),
    "tatkal": SyntheticSettings(
        bookings=720_000, trains=300, only_tatkal=True, cancelled_share=0.0, fault_share=0.0
    ),
}


def main() -> int:
    """Run the chosen sections, print the table, write the results."""
    given = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    results = Results({"rounds": given.rounds, "load_at_start": os.getloadavg()[0]})
    scratch = Path(tempfile.mkdtemp(prefix="sangam-bench-"))
    try:
        if "policies" in given.sections:
            run_policies(results)
        if "groups" in given.sections:
            run_groups(results)
        for name in ("day", "tatkal"):
            if name in given.sections:
                run_day(results, name, given.rounds, scratch, given.data)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    hold_against_limits(results)
    results.print()
    results.write(given.out, PACKAGES)
    return 1 if results.skipped else 0


def run_policies(results: Results) -> None:
    """SB3 and SB4: individuals on one coach; accepted journeys and used berth-segments."""
    for name, seeds, draw in (
        ("accommodating", 200, lambda rng: accommodating(rng, BERTHS, STATIONS)),
        ("overload", 20, lambda rng: overload(rng, BERTHS, STATIONS, 1.3)),
    ):
        found: dict[str, list[tuple[float, float]]] = {}
        for seed in range(seeds):
            starts, stops = draw(np.random.default_rng(seed))
            for policy, share in measure_policies(starts, stops).items():
                found.setdefault(policy, []).append(share)
        for policy, shares in found.items():
            accepted, used = np.mean(shares, axis=0)
            results.add(f"{name} {policy} accepted", float(accepted), "1")
            results.add(f"{name} {policy} berth-segments used", float(used), "1")
        progress(f"{name}: done")


def measure_policies(starts: np.ndarray, stops: np.ndarray) -> dict[str, tuple[float, float]]:
    """Share of journeys accepted and of berth-segments used, by policy."""
    cells = BERTHS * (STATIONS - 1)
    lengths = stops - starts
    shares = {}
    for policy, is_best in (("first-fit", False), ("best-fit", True)):
        taken = seat_at_booking(starts, stops, BERTHS, STATIONS, is_best) >= 0
        shares[policy] = (float(taken.mean()), float(lengths[taken].sum() / cells))
    accepted, used, optimum, most_used = allot_individuals(starts, stops, BERTHS, STATIONS)
    shares["deferred (ours)"] = (accepted / len(starts), used / cells)
    shares["optimum"] = (optimum / len(starts), most_used / cells)
    return shares


def run_groups(results: Results) -> None:
    """SB5: groups in one sleeper coach; split groups and people without a berth."""
    ours, theirs = [], []
    for seed in range(20):
        starts, stops, sizes = group_coach(np.random.default_rng(seed), 1.15)
        ours.append(allot_groups(starts, stops, sizes))
        theirs.append(seat_groups_at_booking(starts, stops, sizes))
    for name, rows in (("deferred (ours)", ours), ("seat at booking", theirs)):
        split, stranded = np.array(rows).T
        results.add(f"groups {name} split, mean", float(split.mean()), "groups")
        results.add(f"groups {name} split, most", float(split.max()), "groups")
        results.add(f"groups {name} without a berth, mean", float(stranded.mean()), "passengers")
    progress("groups: done")


def run_day(results: Results, name: str, rounds: int, scratch: Path, data: Path) -> None:
    """SB1 and SB2: the whole job on synthetic Parquet, in a process of its own."""
    folder = data / f"railway-{name}"
    if not (folder / "trains.parquet").exists():
        write_day(folder, 7, DAYS[name])
    seconds, rates, peaks, steps = [], [], [], {}
    for number in range(rounds):
        report, lake = scratch / f"report-{name}", scratch / f"lake-{name}-{number}"
        command = [
            sys.executable, str(ROOT / "jobs" / "seat_allocation.py"), "--input", str(folder),
            "--lake", str(lake), "--report", str(report),
        ]  # fmt: skip
        try:
            cores = sorted(os.sched_getaffinity(0))[:2]
            measured = run_measured(command, cores, scratch / "log.txt")
        except RunFailed as error:
            results.skip(name, str(error))
            return
        told = json.loads((report / "run.json").read_text())
        spent = sum(s for step, s in told["seconds"].items() if step not in OUTSIDE)
        seconds.append(spent)
        rates.append(told["metrics"]["bookings"] / spent)
        peaks.append(measured.peak_bytes / 2**20)
        steps = told["seconds"]
        shutil.rmtree(lake)
        progress(f"{name}: {spent:.1f} s")
    results.add(f"{name} seconds", median(seconds), "s", seconds)
    results.add(f"{name} requests per second", median(rates), "1/s", rates)
    results.add(f"{name} peak memory", median(peaks), "MiB", peaks)
    for step, spent in steps.items():
        results.add(f"{name} step {step}", spent, "s")
    for figure in ("accepted_fraction", "optimum_gap", "double_sold", "stranded"):
        results.add(f"{name} {figure}", told["metrics"][figure], "1")


def hold_against_limits(results: Results) -> None:
    """Acceptance rows that this benchmark can measure."""
    value = results.value
    results.check("SB1 day, seconds", value("day seconds"), None, 60)
    results.check("SB2 tatkal, requests per second", value("tatkal requests per second"), 1e4, None)
    ours = "accommodating deferred (ours) accepted"
    results.check("SB3 accepted", value(ours), 1.0, None)
    results.check("SB5 split groups, mean", value("groups deferred (ours) split, mean"), None, 1)
    results.check("SB5 split groups, most", value("groups deferred (ours) split, most"), None, 2)
    stranded = value("groups deferred (ours) without a berth, mean")
    results.check("SB5 without a berth", stranded, None, 0)


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--sections", type=lambda text: text.split(","), default=list(SECTIONS))
    add("--rounds", type=int, default=3, help="runs of each day (3)")
    add("--data", type=Path, default=Path(tempfile.gettempdir(), "sangam-bench-data"))
    add("--out", type=Path, default=ROOT / "benchmarks" / "results" / "seats.json")
    given = parser.parse_args()
    if unknown := set(given.sections) - set(SECTIONS):
        parser.error(f"--sections: {sorted(unknown)[0]!r} is not of {', '.join(SECTIONS)}")
    return given


if __name__ == "__main__":
    sys.exit(main())
