"""The sections of the dedup benchmark; each fills its rows of the results."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from dedup_arms import APART, OURS, Bench, Outcome, run_febrl, run_identity, run_job, share_of
from dedup_data import Data
from harness.process import RunFailed, run_measured
from harness.results import MIB, Results, median, progress

ACCURATE = "splink-accurate"
SPEED_ARMS = (OURS, "splink-duckdb", "splink-spark")
# It takes minutes and is an order of magnitude away: another round would decide nothing.
ONCE = ("splink-spark",)
FEBRL_ARMS = (OURS, "splink", "recordlinkage", "goldenmatch")

T = TypeVar("T")


def run_speed(
    results: Results, bench: Bench, warm_up: Data, inputs: Sequence[Data], arms: Sequence[str],
    rounds: int,
) -> None:  # fmt: skip
    """Time all arms on each register, A B B A A B after a warm-up.

    The accuracy arm runs once, and so do those of `ONCE`.
    """
    timed = [arm for arm in SPEED_ARMS if arm in arms]
    timed = [
        arm for arm in timed if _try(results, f"warm-up {arm}", run_identity, bench, arm, warm_up)
    ]
    for data in inputs:
        runs: dict[str, list[Outcome]] = {arm: [] for arm in timed}
        for number in range(rounds):
            order = timed if number % 2 == 0 else timed[::-1]
            for arm in (arm for arm in order if number == 0 or arm not in ONCE):
                outcome = _try(results, f"{data.name} {arm}", run_identity, bench, arm, data)
                runs[arm] += [outcome] if outcome else []
        if ACCURATE in arms:
            outcome = _try(results, f"{data.name} {ACCURATE}", run_identity, bench, ACCURATE, data)
            runs[ACCURATE] = [outcome] if outcome else []
        for arm, outcomes in runs.items():
            _keep_speed(results, f"{data.name} {arm}", outcomes)
            _keep_accuracy(results, f"{data.name} {arm}", outcomes)
        for peer in ("splink-duckdb", "splink-spark"):
            name = f"{data.name}: time of {peer} / time of {OURS}"
            results.ratio(name, f"{data.name} {peer} seconds", f"{data.name} {OURS} seconds")


def _keep_speed(results: Results, name: str, outcomes: Sequence[Outcome]) -> None:
    if not outcomes:
        return
    seconds = [outcome.seconds for outcome in outcomes]
    results.add(f"{name} seconds", median(seconds), "s", seconds)
    walls = [outcome.measured.wall_seconds for outcome in outcomes]
    results.add(f"{name} whole process", median(walls), "s", walls)
    peaks = [outcome.measured.peak_bytes / MIB for outcome in outcomes]
    results.add(f"{name} peak memory", median(peaks), "MiB", peaks)
    for step in outcomes[-1].steps:
        spent = [outcome.steps[step] for outcome in outcomes]
        mark = " (not in the total)" if step in (*APART, "session") else ""
        results.add(f"{name} step {step}{mark}", median(spent), "s", spent)
    for figure in ("pairs_predicted", "pairs_made", "pairs_compared", "reduction_ratio"):
        if outcomes[-1].metrics.get(figure) is not None:
            results.add(f"{name} {figure}", outcomes[-1].metrics[figure], "1")
    results.versions |= outcomes[-1].versions


def _keep_accuracy(results: Results, name: str, outcomes: Sequence[Outcome]) -> None:
    if not outcomes:
        return
    last = outcomes[-1]
    for figure, value in share_of(last.pairs).items():
        results.add(f"{name} {figure}", value, "1")
    errors = last.pairs.false_positive + last.pairs.false_negative
    results.add(f"{name} errors", errors, "pairs")
    if last.best is not None:
        results.add(f"{name} best f1 (at {last.best[1]:g}, labels used)", last.best[0], "1")
    results.versions |= last.versions


def run_febrl_rows(
    results: Results, bench: Bench, sets: Sequence[Data], arms: Sequence[str]
) -> None:
    """Accuracy and time on the FEBRL sets, with and without soc_sec_id."""
    missing: set[str] = set()
    for data in sets:
        for with_id in (False, True):
            for arm in FEBRL_ARMS:
                if arm not in arms or arm in missing:
                    continue
                name = f"{data.name} {'with' if with_id else 'without'} id {arm}"
                outcome = _try(results, name, run_febrl, bench, arm, data, with_id)
                if outcome is None:
                    missing |= {arm} - {OURS}
                    continue
                _keep_accuracy(results, name, [outcome])
                results.add(f"{name} seconds", outcome.seconds, "s")


def run_minhash(results: Results, bench: Bench, script: Path) -> None:
    """Records a second of MinHash on one core."""
    bench.scratch.mkdir(parents=True, exist_ok=True)
    target, log = bench.scratch / "minhash.json", bench.scratch / "minhash.log"
    command = [bench.python, str(script), "--out", str(target)]
    env = {"PYSPARK_SUBMIT_ARGS": f"--driver-memory {bench.memory} pyspark-shell"}
    env |= {"PYTHONPATH": str(script.parents[1])}
    if not _try(results, f"minhash {OURS}", run_measured, command, bench.cores[:1], log, env):
        return
    for way, rate in json.loads(target.read_text()).items():
        results.add(f"minhash {way}", rate, "records/s/core")
    for peer in ("mllib", "sql"):
        results.ratio(
            f"minhash: rate of {OURS} / rate of {peer}", "minhash ours", f"minhash {peer}"
        )


def run_biometrics(results: Results, bench: Bench, records: int, seeds: Sequence[int]) -> None:
    """FNIR, FPIR and reviews with captures, pooled over seeds of equal size."""
    rows = []
    for seed in seeds:
        source = f"synthetic:{records},seed={seed}"
        done = _try(results, f"{source} {OURS}", run_job, bench, source, bench.scratch / "ours")
        if done:
            told = done[0]
            rows.append(told["metrics"])
            results.add(f"biometrics {source} seconds", told["total_seconds"], "s")
    for figure in ("fnir", "fpir", "reviews_per_million", "precision", "recall", "f1"):
        values = [row[figure] for row in rows if row.get(figure) is not None]
        if values:
            results.add(f"biometrics {figure}", sum(values) / len(values), "1", values)


def _try(results: Results, name: str, run: Callable[..., T], *arguments: object) -> T | None:
    """Run one program; a failure becomes a note, and the others go on."""
    try:
        outcome = run(*arguments)
    except RunFailed as error:
        progress(str(error))
        results.skip(name, str(error).splitlines()[0])
        return None
    progress(f"{name}: done")
    return outcome
