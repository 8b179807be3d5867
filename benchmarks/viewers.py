"""Measure the viewer job: events a second, a hot match beside an even one, and its peers.

    make bench-viewers                                          all sections
    make bench-viewers ARGS="--sections bounded,hot --viewers 100000"
    make bench-viewers ARGS="--sections freshness,kafka"        on the native stack, which it starts
    make bench-viewers ARGS="--sections replay --data /somewhere"    a million viewers at a time

A section that is not run keeps its figures of the run before.

The clock of an arm runs from submitting the Flink job to its end: planning, and the compilation of
its operators, are inside, so a longer match shows a higher rate; peers run beside ours on a part
of the match. Arms that are compared read the same files on the same two cores, each in a process
of its own.
"""

import argparse
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from harness.arguments import add_data, bench_parser, settings_of  # noqa: E402
from harness.process import RunFailed, run_measured, scratch_folder  # noqa: E402
from harness.results import Results, median, progress  # noqa: E402
from viewers_data import make  # noqa: E402
from viewers_replay import hold_replay, measure_heap, measure_replay  # noqa: E402

from pipelines.core.flink_jvm import LONG_RUN  # noqa: E402
from pipelines.viewers import sketch  # noqa: E402
from pipelines.viewers.config import DegradeSettings, MatchSettings  # noqa: E402

SECTIONS = ("bounded", "hot", "peers", "guard", "freshness", "kafka", "sketch", "replay", "heap")
PACKAGES = ("apache-flink", "numpy", "numba", "pyarrow", "kafka-python")
RECORD_VIEWERS = 25_300_000
HEARTBEAT_SECONDS = 10
SMALL = 6_000
"""Viewers of the part (half a million messages) that arms with Python for each message get."""

JVM = {"JVM_ARGS": f"{LONG_RUN} -Xmx7g"}
"""Flags of every arm that runs in Flink: those that the job gives itself, and room."""


def main() -> int:
    """Run the chosen sections, print the table, write the results."""
    given = parse()
    results = Results(settings_of(given))
    with scratch_folder() as scratch:
        measure_sections(results, given, scratch)
    results.take_over(given.out)
    hold_against_limits(results)
    results.print()
    results.write(given.out, PACKAGES)
    return 1 if results.skipped else 0


def measure_sections(results: Results, given: argparse.Namespace, scratch: Path) -> None:
    """The chosen sections, in the order in which they stand here."""
    if {"bounded", "hot"} & set(given.sections):
        measure(results, "ours", "hot", match(given), given.rounds, scratch)
    if "hot" in given.sections:
        even = match(given, "even", 1 / MatchSettings().matches)
        measure(results, "ours", "even", even, given.rounds, scratch)
    if "peers" in given.sections:
        measure_peers(results, given, scratch)
    if "guard" in given.sections:
        measure_guard(results, given, scratch)
    if "sketch" in given.sections:
        measure_sketch(results)
    if "replay" in given.sections:
        measure_replay(results, given, scratch)
    if "heap" in given.sections:
        measure_heap(results, given, scratch)
    if {"freshness", "kafka"} & set(given.sections):
        from viewers_kafka import run_kafka

        folder = match(given, "in-order", files=1)
        run_kafka(results, given.sections, folder, given.live_rate, scratch)


def measure_peers(results: Results, given: argparse.Namespace, scratch: Path) -> None:
    """What others would write first, each beside ours on the same part of the match."""
    parts = (("quarter", given.viewers // 4, "sql"), ("small", SMALL, "datastream"))
    for name, viewers, peer in parts:
        for arm in ("ours", peer):
            measure(results, arm, name, match(given, viewers=viewers), 1, scratch)


def measure_guard(results: Results, given: argparse.Namespace, scratch: Path) -> None:
    """What it costs that no message can stop the job, and what the guard in Python would cost."""
    for arm in ("read", "decode", "audience"):
        measure(results, arm, "whole", match(given), given.rounds, scratch)
    for arm in ("decode", "python_decode"):
        measure(results, arm, "small", match(given, viewers=SMALL), 1, scratch)


def match(
    given: argparse.Namespace,
    name: str = "hot",
    hot: float = 0.95,
    viewers: int = 0,
    files: int = 2,
) -> Path:
    """Messages of a match that one content dominates, with the audience of the run unless given."""
    settings = MatchSettings(viewers=viewers or given.viewers, hot_share=hot)
    return make(given.data, name, settings, files)


def measure(
    results: Results, arm: str, name: str, folder: Path, rounds: int, scratch: Path
) -> None:
    """Rate and memory of an arm, each round in a process of its own."""
    rates, seconds, peaks, costs = [], [], [], []
    command = [sys.executable, str(ROOT / "benchmarks" / "viewers_arms.py"), arm, str(folder)]
    for _ in range(rounds):
        log = scratch / "log.txt"
        try:
            measured = run_measured(command, sorted(os.sched_getaffinity(0))[:2], log, JVM)
        except RunFailed as error:
            results.skip(f"{arm} {name}", str(error))
            return
        told = json.loads(log.read_text().splitlines()[-1])
        rates.append(told["events"] / told["seconds"])
        seconds.append(told["seconds"])
        costs.append(told["cpu_seconds"] / told["events"] * 1e6)
        peaks.append(measured.peak_bytes / 2**20)
        progress(f"{arm} {name}: {rates[-1]:,.0f} events/s")
    results.add(f"{arm} {name} events", told["events"], "events")
    results.add(f"{arm} {name} events per second", median(rates), "1/s", rates)
    results.add(f"{arm} {name} seconds", median(seconds), "s", seconds)
    results.add(f"{arm} {name} time on cores per event", median(costs), "us", costs)
    results.add(f"{arm} {name} peak memory", median(peaks), "MiB", peaks)


def measure_sketch(results: Results) -> None:
    """Largest error of the sketch over many sets of a million viewers, each seen twice."""
    sample, errors = DegradeSettings().sample, []
    for seed in range(20):
        words = np.random.default_rng(seed).integers(0, 1 << 63, 1_000_000, dtype=np.int64)
        tokens = [b"u%016x" % word for word in words.tolist()] if seed == 0 else None
        digests = (
            np.array([sketch.digest(token) for token in tokens]) if tokens
            else words % sketch.DIGESTS - sketch.DIGESTS // 2
        )  # fmt: skip
        found = sketch.estimate(np.concatenate([digests, digests]), sample)
        errors.append(abs(found - len(words)) / len(words))
    results.add("sketch error at a million viewers, largest of 20", max(errors), "")
    results.add("sketch error at a million viewers, hashed tokens", errors[0], "")


def hold_against_limits(results: Results) -> None:
    """Acceptance rows, ratios to the peers, and the record by calculation."""
    rate = "events per second"
    ours = results.value(f"ours hot {rate}")
    results.ratio("ours over straightforward SQL", f"ours quarter {rate}", f"sql quarter {rate}")
    results.ratio(
        "ours over plain DataStream Python", f"ours small {rate}", f"datastream small {rate}"
    )
    read, decode = (results.value(f"{arm} whole time on cores per event")
                    for arm in ("read", "decode"))  # fmt: skip
    if read and decode:
        results.add("guarded decoding, time on cores per event", decode - read, "us")
    results.ratio("decoding on the JVM over in Python", f"decode small {rate}",
                  f"python_decode small {rate}")  # fmt: skip
    hot = results.ratio(
        "hot match over even ones, seconds", "ours hot seconds", "ours even seconds"
    )
    results.check("bounded, events per second", ours, 100_000, None)
    results.check("hot match, seconds over even", hot, None, 1.15)
    results.check("Kafka, events per second", results.value(f"kafka {rate}"), 60_000, None)
    results.check("freshness p99, ms", results.value("freshness p99"), None, 3000)
    error = results.value("sketch error at a million viewers, largest of 20")
    results.check("sketch error at a million viewers", error, None, 0.02)
    hold_replay(results)
    if ours:
        cores = RECORD_VIEWERS / HEARTBEAT_SECONDS / ours * 2
        results.add("cores for 25.3M viewers, by calculation", cores, "cores")


def parse() -> argparse.Namespace:
    """Command line."""
    parser = bench_parser("viewers", __doc__, 1, SECTIONS)
    add = parser.add_argument
    add("--viewers", type=int, default=150_000, help="base audience (%(default)s)")
    add("--replay-viewers", type=int, default=1_010_000, help="steady audience (%(default)s)")
    add("--heap-viewers", type=int, default=100_000, help="audience of the heap (%(default)s)")
    add("--heap", default="6g", help="largest heap of replay and heap (%(default)s)")
    add("--live-rate", type=int, default=5_000, help="live events a second (%(default)s)")
    add_data(parser)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
