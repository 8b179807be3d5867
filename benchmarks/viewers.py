"""Measure the viewer job: events a second, a hot match beside an even one, and its peers.

    make bench-viewers                                          all sections
    make bench-viewers ARGS="--sections bounded,hot --viewers 100000"
    make bench-viewers ARGS="--sections kafka"                  on the native stack, which it starts

The clock of an arm runs from submitting the Flink job to its end: planning, and the compilation of
its operators, are inside, so a longer match shows a higher rate. Every arm reads the same files on
the same two cores, each in a process of its own.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from harness.process import RunFailed, run_measured  # noqa: E402
from harness.results import Results, median, progress  # noqa: E402

from pipelines.viewers.config import MatchSettings  # noqa: E402
from pipelines.viewers.generate import make_match, write_match  # noqa: E402

SECTIONS = ("bounded", "hot", "peers", "guard", "kafka")
PACKAGES = ("apache-flink", "numpy", "numba", "pyarrow", "kafka-python")
FILES = 2
RECORD_VIEWERS = 25_300_000
HEARTBEAT_SECONDS = 10


def main() -> int:
    """Run the chosen sections, print the table, write the results."""
    given = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    results = Results({"rounds": given.rounds, "viewers": given.viewers,
                       "load_at_start": os.getloadavg()[0]})  # fmt: skip
    scratch = Path(tempfile.mkdtemp(prefix="sangam-bench-"))
    try:
        even = 1 / MatchSettings().matches
        hot = {"hot": 0.95, "even": even} if "hot" in given.sections else {"hot": 0.95}
        folders = {name: make(given, name, share, given.viewers) for name, share in hot.items()}
        small = make(given, "small", 0.95, max(1, given.viewers // 20))
        if {"bounded", "hot"} & set(given.sections):
            for name, folder in folders.items():
                measure(results, "ours", name, folder, given.rounds, scratch)
        if "peers" in given.sections:
            measure(results, "sql", "hot", folders["hot"], 1, scratch)
            measure(results, "datastream", "small", small, 1, scratch)
        if "guard" in given.sections:
            for arm in ("read", "decode", "audience"):
                measure(results, arm, "hot", folders["hot"], given.rounds, scratch)
        if "kafka" in given.sections:
            from viewers_kafka import run_kafka

            run_kafka(results, folders["hot"], scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    hold_against_limits(results)
    results.print()
    results.write(given.out, PACKAGES)
    return 1 if results.skipped else 0


def make(given: argparse.Namespace, name: str, share: float, viewers: int) -> Path:
    """Messages of a match, made once and kept."""
    folder = given.data / f"viewers-{name}-{viewers}"
    done = folder.with_suffix(".done")  # beside the folder, where Flink does not read it
    if not done.exists():
        settings = MatchSettings(viewers=viewers, hot_share=share)
        number = write_match(make_match(settings, 7), folder, settings, 7, FILES)
        done.write_text(str(number))
        progress(f"{folder.name}: {number:,} messages")
    return folder


def measure(
    results: Results, arm: str, name: str, folder: Path, rounds: int, scratch: Path
) -> None:
    """Rate and memory of an arm, each round in a process of its own."""
    rates, seconds, peaks, costs = [], [], [], []
    command = [sys.executable, str(ROOT / "benchmarks" / "viewers_arms.py"), arm, str(folder)]
    for _ in range(rounds):
        log = scratch / "log.txt"
        try:
            measured = run_measured(command, sorted(os.sched_getaffinity(0))[:2], log)
        except RunFailed as error:
            results.skip(f"{arm} {name}", str(error))
            return
        told = json.loads(log.read_text().splitlines()[-1])
        rates.append(told["events"] / told["seconds"])
        seconds.append(told["seconds"])
        costs.append(told["cpu_seconds"] / told["events"] * 1e6)
        peaks.append(measured.peak_bytes / 2**20)
        progress(f"{arm} {name}: {rates[-1]:,.0f} events/s")
    results.add(f"{arm} {name} events per second", median(rates), "1/s", rates)
    results.add(f"{arm} {name} seconds", median(seconds), "s", seconds)
    results.add(f"{arm} {name} time on cores per event", median(costs), "us", costs)
    results.add(f"{arm} {name} peak memory", median(peaks), "MiB", peaks)


def hold_against_limits(results: Results) -> None:
    """Acceptance rows, ratios to the peers, and the record by calculation."""
    rate = "events per second"
    ours = results.value(f"ours hot {rate}")
    results.ratio("ours over straightforward SQL", f"ours hot {rate}", f"sql hot {rate}")
    results.ratio(
        "ours over plain DataStream Python", f"ours hot {rate}", f"datastream small {rate}"
    )
    hot = results.ratio(
        "hot match over even ones, seconds", "ours hot seconds", "ours even seconds"
    )
    results.check("bounded, events per second", ours, 100_000, None)
    results.check("hot match, seconds over even", hot, None, 1.15)
    results.check("Kafka, events per second", results.value(f"kafka {rate}"), 60_000, None)
    results.check("freshness p99, ms", results.value("freshness p99"), None, 3000)
    if ours:
        cores = RECORD_VIEWERS / HEARTBEAT_SECONDS / ours * 2
        results.add("cores for 25.3M viewers, by calculation", cores, "cores")


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--sections", type=lambda text: text.split(","), default=list(SECTIONS))
    add("--viewers", type=int, default=100_000, help="base audience (%(default)s)")
    add("--rounds", type=int, default=3, help="runs of each of our arms (3)")
    add("--data", type=Path, default=Path(tempfile.gettempdir(), "sangam-bench-data"))
    add("--out", type=Path, default=ROOT / "benchmarks" / "results" / "viewers.json")
    given = parser.parse_args()
    if unknown := set(given.sections) - set(SECTIONS):
        parser.error(f"--sections: {sorted(unknown)[0]!r} is not of {', '.join(SECTIONS)}")
    return given


if __name__ == "__main__":
    sys.exit(main())
