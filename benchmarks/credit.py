"""Measure the credit job against optbinning, LightGBM, XGBoost and scorecardpy on the same data.

    make bench-credit                                            quality and scoring rate
    make bench-credit ARGS="--sections quality"
    make bench-credit ARGS="--sections scoring --rows 4000000 --rounds 3"
    make bench-credit ARGS="--sections memory --customers 1000000"   features in a small heap
    make bench-credit ARGS="--sections day,skew"                 a day of a bank; one huge customer

Quality: German credit, 5 folds, seeds 0 to 2, everything refitted inside each fold. Scoring: the
same Parquet rows and cores for all; the start of a session and a first round are not counted.
Figures of sections that are not run stay in the file, with their commit and settings. What runs
for minutes has the whole compiler of the JVM: local runs start with its quick half only.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import credit_daily  # noqa: E402
from credit_data import german_data, scoring_data  # noqa: E402
from harness.arguments import (  # noqa: E402
    add_cores,
    add_data,
    add_peers,
    bench_parser,
    settings_of,
)
from harness.process import RunFailed, run_measured, scratch_folder  # noqa: E402
from harness.results import Results, median, progress  # noqa: E402

SECTIONS = ("quality", "scoring", "memory", "day", "skew")
PEERS = ("optbinning", "xgboost", "lightgbm", "scorecardpy")
PACKAGES = ("pyspark", "delta-spark", "numpy", "pandas", "pyarrow", "xgboost-cpu")
HERE = Path(__file__).parent
PAIRS = {
    "both from the file": ("score", "read and score", 10),
    "both from the file, with reasons": ("score and reasons", "read and score", 2.5),
    "both in memory, one core each": ("arrays in memory", "score", 10),
    "ours from the file, its rows in memory": ("score", "score", 10),
    "ours from the file with reasons, its rows in memory": ("score and reasons", "score", 2.5),
    "both from the file, optbinning in a process a core": (
        "score", "read and score, a process for each core", None,
    ),
    "both from the file, ours by expressions": ("score by expressions", "read and score", None),
    "both from the file, ours by expressions with reasons": (
        "score and reasons by expressions", "read and score", None,
    ),
}  # fmt: skip
"""What of ours beside what of optbinning, which uses one core by itself, and the least ratio."""
FULL_COMPILER = {"SPARK_SUBMIT_OPTS": "-XX:TieredStopAtLevel=4"}


def main() -> int:
    """Run the chosen sections, print the table, write the results."""
    given = parse()
    results = Results(settings_of(given))
    with scratch_folder() as scratch:
        for name, measure in MEASURES.items():
            if name in given.sections:
                measure(results, given, scratch)
    results.take_over(given.out)
    hold_against_limits(results)
    results.print()
    results.write(given.out, PACKAGES)
    return 1 if any("sangam" in name for name in results.skipped) else 0


def measure_quality(results: Results, given: argparse.Namespace, scratch: Path) -> None:
    """AUC of 15 folds and KS of the pooled scores, ours and the peers'."""
    from pipelines.credit.config import CreditConfig
    from pipelines.credit.german import allowed, cross_validate

    sample, specs, folds = german_data(given.peers_python, scratch)
    lines = {"all attributes": specs, "without protected": allowed(specs)}
    for name, chosen in lines.items():
        scores = cross_validate(sample, chosen, CreditConfig())
        areas, distances = scores.areas.tolist(), scores.distances.tolist()
        results.add(f"german {name}: sangam auc", float(scores.areas.mean()), "", areas)
        results.add(f"german {name}: sangam ks", float(scores.distances.mean()), "", distances)
        if name == "all attributes":
            ours = scores.areas
    for peer in PEERS:
        told = run_peer(results, given, scratch, "credit_quality.py", peer, str(folds))
        if told is None:
            continue
        head = f"german all attributes: {peer}"
        results.add(f"{head} auc", float(np.mean(told["auc"])), "", told["auc"])
        results.add(f"{head} ks", float(np.mean(told["ks"])), "", told["ks"])
        gap = ours - np.array(told["auc"])
        results.add(f"german: sangam minus {peer}, auc", float(gap.mean()), "", gap.tolist())


def measure_scoring(results: Results, given: argparse.Namespace, scratch: Path) -> None:
    """Rows scored a second: ours and optbinning from the same Parquet files, and both in memory."""
    data = scoring_data(given.rows, given.data)
    told = run_script(
        results, given, scratch, "sangam scoring",
        [sys.executable, str(HERE / "credit_scoring.py"), str(data), str(given.rounds)],
        FULL_COMPILER,
    )  # fmt: skip
    for name, rates in told["rates"].items() if told else ():
        results.add(f"scoring: sangam {name}", median(rates), "rows/s", rates)
    for peer in ("optbinning", "lightgbm"):
        found = run_peer(results, given, scratch, "credit_scoring.py", peer, str(data))
        for name, rates in (found or {}).get("rates", {}).items():
            results.add(f"scoring: {peer} {name}", median(rates), "rows/s", rates)
    for pair, (ours, theirs, _) in PAIRS.items():
        results.ratio(
            f"{pair}: sangam / optbinning", f"scoring: sangam {ours}",
            f"scoring: optbinning {theirs}",
        )  # fmt: skip


def measure_memory(results: Results, given: argparse.Namespace, scratch: Path) -> None:
    """Features of many customers in a heap far smaller than their days."""
    told = run_script(
        results, given, scratch, "sangam features",
        [sys.executable, str(HERE / "credit_memory.py"), str(given.customers), str(given.data)],
        FULL_COMPILER | {"PYSPARK_SUBMIT_ARGS": f"--driver-memory {given.heap} pyspark-shell"},
    )  # fmt: skip
    for name, (value, unit) in (told or {}).items():
        results.add(f"features: {name}", value, unit)


def measure_day(results: Results, given: argparse.Namespace, scratch: Path) -> None:
    """A business day end to end: new transactions, features, scores, report."""
    made = credit_daily.make_day(given.data, given.day_customers, given.applications)
    lake, report = scratch / "lake", scratch / "report"
    shutil.copytree(made.lake, lake)
    try:
        run = run_measured(
            credit_daily.command(made, lake, report), given.cores, scratch / "log.txt",
            FULL_COMPILER, ROOT,
        )  # fmt: skip
    except RunFailed as failure:
        results.skip("sangam day", str(failure).splitlines()[-1])
        return
    told = json.loads((report / "run.json").read_text())
    for name in ("scored", "thin_file", "rejected"):
        results.add(f"day: {name}", told["metrics"][name], "applications")
    results.add("day: applications", made.applications, "applications")
    results.add("day: new transactions", made.transactions, "transactions")
    results.add("day: seconds", run.wall_seconds, "s")
    results.add("day: rate", made.applications / run.wall_seconds, "applications/s")
    results.add("day: peak memory", run.peak_bytes / 2**30, "GiB")
    for name, spent in told["seconds"].items():
        results.add(f"day, step {name}", spent, "s")


def measure_skew(results: Results, given: argparse.Namespace, scratch: Path) -> None:
    """Customer-days where one customer has very many transactions on one day."""
    told = run_script(
        results, given, scratch, "sangam skew",
        [sys.executable, str(HERE / "credit_skew.py"), str(given.skew_rows),
         str(given.skew_rows // 10), str(given.data)], FULL_COMPILER,
    )  # fmt: skip
    for name, (value, unit) in (told or {}).items():
        results.add(f"skew: {name}", value, unit)


MEASURES = {
    "quality": measure_quality, "scoring": measure_scoring, "memory": measure_memory,
    "day": measure_day, "skew": measure_skew,
}  # fmt: skip


def run_peer(
    results: Results, given: argparse.Namespace, scratch: Path, script: str, peer: str, data: str
) -> dict | None:
    """Run one peer in its own environment; None where it is missing or fails."""
    command = [given.peers_python, str(HERE / "peers" / script), peer, data, str(given.rounds)]
    return run_script(results, given, scratch, peer, command)


def run_script(
    results: Results, given: argparse.Namespace, scratch: Path, name: str, command: list[str],
    env: dict[str, str] | None = None,
) -> dict | None:  # fmt: skip
    """Run a script that writes JSON to the file given last; None if it fails."""
    out = scratch / f"{name.replace(' ', '-')}-{len(results.figures)}.json"
    threads = {"OMP_NUM_THREADS": str(len(given.cores)), "PYTHONPATH": str(ROOT)}
    try:
        run = run_measured(
            [*command, str(out)], given.cores, scratch / "log.txt", threads | (env or {}), ROOT
        )
    except RunFailed as failure:
        results.skip(name, str(failure).splitlines()[-1])
        return None
    progress(f"{name}: {run.wall_seconds:.0f} s, {run.peak_bytes / 2**20:,.0f} MiB")
    if "sangam" in name:
        results.add(f"{name}: peak memory", run.peak_bytes / 2**30, "GiB")
    told: dict = json.loads(out.read_text())
    results.versions.update(told.pop("versions", {}))
    return told


def hold_against_limits(results: Results) -> None:
    """The acceptance rows of the specification."""
    ratios = {row["name"]: row["value"] for row in results.ratios}
    value = results.value
    results.check("C16 AUC", value("german all attributes: sangam auc"), 0.791, None)
    results.check("C16 KS", value("german all attributes: sangam ks"), 0.477, None)
    for pair, (_, _, least) in PAIRS.items():
        if least:
            found = ratios.get(f"{pair}: sangam / optbinning")
            results.check(f"C27 rate over optbinning, {pair}", found, least, None)
    results.check("C12 seconds of a day", value("day: seconds"), None, 600)
    results.check("C9 decoded GiB", value("features: decoded"), 10, None)
    spread = value("skew: salted, longest over median task")
    results.check("C8 longest over median task", spread, None, 3)
    results.check("C8 salted differs from plain", value("skew: different results"), None, 0)


def parse() -> argparse.Namespace:
    """Command line."""
    parser = bench_parser("credit", __doc__, 3, SECTIONS, first=2)
    add = parser.add_argument
    add("--rows", type=int, default=4_000_000, help="scored rows (%(default)s)")
    add("--customers", type=int, default=1_000_000, help="of section memory (%(default)s)")
    add("--day-customers", type=int, default=200_000, help="of section day (%(default)s)")
    add("--applications", type=int, default=500_000, help="of section day (%(default)s)")
    add("--skew-rows", type=int, default=10_000_000, help="of section skew (%(default)s)")
    add("--heap", default="1g", help="of the driver in section memory (%(default)s)")
    add_cores(parser)
    add_data(parser)
    add_peers(parser, "bench-credit")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
