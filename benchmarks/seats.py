"""Measure the seat allocation job: a day, a Tatkal hour, and its policy beside seat-at-booking.

    make bench-seats                                                  all sections
    make bench-seats ARGS="--sections policies,groups"                seconds, no Spark
    make bench-seats ARGS="--sections day --rounds 3"
    make bench-seats ARGS="--scale 0.02 --rounds 1 --out small.json"  a try: 2 % of the requests

The clock of a day runs from reading Parquet to committed, verified tables; starting the session,
drawing the data and the HTML report are not in it. Sections may run one by one: each keeps the
figures of the others in the results file.
"""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from harness.arguments import PEERS_PYTHON, add_data, bench_parser, settings_of  # noqa: E402
from harness.process import RunFailed, run_measured, scratch_folder  # noqa: E402
from harness.results import Results, median, progress  # noqa: E402
from seats_hot import hot_kernel_seconds, job_env, longest_kernel_task  # noqa: E402
from seats_peer import ask_ortools, coach_case, flow_case  # noqa: E402
from seats_policies import accommodating, overload, seat_at_booking  # noqa: E402
from seats_sections import (  # noqa: E402
    STOPS,
    allot_groups,
    allot_individuals,
    group_coach,
    seat_groups_at_booking,
)

from pipelines.seats.config import SyntheticSettings  # noqa: E402
from pipelines.seats.generate import write_day  # noqa: E402

SECTIONS = ("policies", "groups", "day", "tatkal")
PACKAGES = ("pyspark", "delta-spark", "numpy", "numba", "pyarrow")
OUTSIDE = ("warm up", "report")
BERTHS, STATIONS = 72, 20
COACHES, PEER_COACHES = 20, 5
OURS, BOOKED = "groups deferred (ours)", "groups seat at booking"
SOLVER = "groups CP-SAT"
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
    results = Results(settings_of(given))
    with scratch_folder() as scratch:
        if "policies" in given.sections:
            run_policies(results, given.peers_python, scratch)
        if "groups" in given.sections:
            run_groups(results, given.peers_python, scratch)
        for name in ("day", "tatkal"):
            if name in given.sections:
                run_day(results, name, given, scratch)
    results.take_over(given.out)
    if given.scale == 1:
        hold_against_limits(results)
    results.print()
    results.write(given.out, PACKAGES)
    return 1 if results.skipped else 0


def run_policies(results: Results, peers_python: str, scratch: Path) -> None:
    """SB3 and SB4: individuals on one coach; accepted journeys and used berth-segments."""
    for name, seeds, draw in (
        ("accommodating", 200, lambda rng: accommodating(rng, BERTHS, STATIONS)),
        ("overload", 20, lambda rng: overload(rng, BERTHS, STATIONS, 1.3)),
    ):
        found: dict[str, list[tuple[float, float]]] = {}
        drawn = [draw(np.random.default_rng(seed)) for seed in range(seeds)]
        for starts, stops in drawn:
            for policy, share in measure_policies(starts, stops).items():
                found.setdefault(policy, []).append(share)
        for policy, shares in found.items():
            accepted, used = np.mean(shares, axis=0)
            results.add(f"{name} {policy} accepted", float(accepted), "1")
            results.add(f"{name} {policy} berth-segments used", float(used), "1")
        progress(f"{name}: done")
    compare_optimum(results, drawn, peers_python, scratch)


def compare_optimum(
    results: Results, drawn: list[tuple[np.ndarray, np.ndarray]], peers_python: str, scratch: Path
) -> None:
    """The overload's optimum by OR-Tools, our distance to it, and whether ours is the same."""
    for what in ("accepted", "berth-segments used"):
        ours = results.value(f"overload deferred (ours) {what}") or 0.0
        best = results.value(f"overload optimum {what}") or 1.0
        results.add(f"overload gap to the optimum, {what}", 1 - ours / best, "1")
    cases = [flow_case(starts, stops, BERTHS, STATIONS) for starts, stops in drawn]
    told = ask_ortools(results, peers_python, scratch, flows=cases)
    if told is None:
        return
    ours = [allot_individuals(starts, stops, BERTHS, STATIONS)[2:] for starts, stops in drawn]
    differ = sum(tuple(flow) != own for flow, own in zip(told["flows"], ours, strict=True))
    results.add("overload optimum: coaches where OR-Tools' flow differs", differ, "coaches")


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


def run_groups(results: Results, peers_python: str, scratch: Path) -> None:
    """SB5: groups in one sleeper coach; split groups and people without a berth."""
    coaches = [group_coach(np.random.default_rng(seed), 1.15) for seed in range(COACHES)]
    ours = [allot_groups(*coach) for coach in coaches]
    theirs = [seat_groups_at_booking(*coach) for coach in coaches]
    for name, rows in ((OURS, [row[:2] for row in ours]), (BOOKED, theirs)):
        split, stranded = np.array(rows).T
        results.add(f"{name} split, mean", float(split.mean()), "groups")
        results.add(f"{name} split, most", float(split.max()), "groups")
        results.add(f"{name} without a berth, mean", float(stranded.mean()), "passengers")
    some = list(zip(coaches, ours, strict=True))[:PEER_COACHES]
    cases = [coach_case(*coach, row[2], STOPS) for coach, row in some]
    told = ask_ortools(results, peers_python, scratch, coaches=cases)
    progress("groups: done")
    if told is None:
        return
    solved = [one for one in told["coaches"] if one["split"] is not None]
    results.add(
        f"{OURS} split, mean of the first {PEER_COACHES}",
        float(np.mean([row[0] for _, row in some])),
        "groups",
    )
    if solved:
        results.add(
            f"{SOLVER} split, mean of the first {PEER_COACHES}",
            float(np.mean([one["split"] for one in solved])),
            "groups",
        )
    results.add(f"{SOLVER} proven", sum(one["is_proven"] for one in told["coaches"]), "coaches")
    spent = [one["seconds"] for one in told["coaches"]]
    results.add(f"{SOLVER} seconds a coach", median(spent), "s", spent)
    spent = [row[3] for _, row in some]
    results.add(f"{OURS} seconds a coach", median(spent), "s", spent)


def scaled(settings: SyntheticSettings, scale: float) -> SyntheticSettings:
    """A smaller day of the same kind."""
    sizes = {name: getattr(settings, name) for name in ("bookings", "trains", "hot_requests")}
    return settings.model_copy(update={name: int(size * scale) for name, size in sizes.items()})


def run_day(results: Results, name: str, given: argparse.Namespace, scratch: Path) -> None:
    """SB1 and SB2: the whole job on synthetic Parquet, in a process of its own."""
    settings = scaled(DAYS[name], given.scale)
    folder = given.data / f"railway-{name}{'' if given.scale == 1 else f'-{given.scale:g}'}"
    if not (folder / "trains.parquet").exists():
        write_day(folder, 7, settings)
    if settings.hot_requests:
        spent = [hot_kernel_seconds(settings) for _ in range(given.rounds)]
        results.add(f"{name} hot key: kernel", median(spent), "s", spent)
    seconds, rates, peaks, shares, steps = [], [], [], [], {}
    for number in range(given.rounds):
        report, lake = scratch / f"report-{name}", scratch / f"lake-{name}-{number}"
        command = [
            sys.executable, str(ROOT / "jobs" / "seat_allocation.py"), "--input", str(folder),
            "--lake", str(lake), "--report", str(report),
        ]  # fmt: skip
        try:
            cores = sorted(os.sched_getaffinity(0))[:2]
            env = job_env(scratch / f"events-{name}-{number}")
            measured = run_measured(command, cores, scratch / "log.txt", env)
        except RunFailed as error:
            results.skip(name, str(error))
            return
        told = json.loads((report / "run.json").read_text())
        spent = sum(s for step, s in told["seconds"].items() if step not in OUTSIDE)
        seconds.append(spent)
        rates.append(told["metrics"]["bookings"] / spent)
        peaks.append(measured.peak_bytes / 2**20)
        steps = told["seconds"]
        shares.append(longest_kernel_task(scratch / f"events-{name}-{number}") / spent)
        shutil.rmtree(lake)
        progress(f"{name}: {spent:.1f} s")
    results.add(f"{name} seconds", median(seconds), "s", seconds)
    results.add(f"{name} requests per second", median(rates), "1/s", rates)
    results.add(f"{name} peak memory", median(peaks), "MiB", peaks)
    results.add(f"{name} longest kernel task, share of the job", median(shares), "1", shares)
    for step, spent in steps.items():
        results.add(f"{name} step {step}", spent, "s")
    for figure in ("accepted_fraction", "optimum_gap", "double_sold", "stranded"):
        results.add(f"{name} {figure}", told["metrics"][figure], "1")


def hold_against_limits(results: Results) -> None:
    """Acceptance rows that this benchmark can measure."""
    value = results.value
    results.check("SB1 day, seconds", value("day seconds"), None, 60)
    results.check("SB2 tatkal, requests per second", value("tatkal requests per second"), 1e4, None)
    results.check("ST12 hot key: kernel, seconds", value("day hot key: kernel"), None, 2)
    share = value("day longest kernel task, share of the job")
    results.check("ST12 longest kernel task, share of the job", share, None, 0.1)
    ours = "accommodating deferred (ours) accepted"
    results.check("SB3 accepted", value(ours), 1.0, None)
    differ = value("overload optimum: coaches where OR-Tools' flow differs")
    results.check("SB4 coaches where OR-Tools' flow differs", differ, None, 0)
    results.check("SB5 split groups, mean", value(f"{OURS} split, mean"), None, 1)
    results.check("SB5 split groups, most", value(f"{OURS} split, most"), None, 2)
    results.check("SB5 without a berth", value(f"{OURS} without a berth, mean"), None, 0)


def parse() -> argparse.Namespace:
    """Command line."""
    parser = bench_parser("seats", __doc__, 3, SECTIONS)
    add = parser.add_argument
    add("--scale", type=float, default=1.0, help="share of a day that is run (%(default)s)")
    add("--peers-python", default=PEERS_PYTHON, help="OR-Tools' Python; without it no peer runs")
    add_data(parser)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
