"""Measure the ingest job beside plain readers of the same topic, on the same cores.

    make bench-ingest
    make bench-ingest ARGS="--records 200000 --rounds 2"

The readers only take the bytes from the broker: they are the limit. The job decodes each record,
checks it, tokenises it and commits it to a Delta table on local disk. The broker runs beside them,
on the same machine and, where there are only two, on the same cores.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from harness.arguments import bench_parser, settings_of  # noqa: E402
from harness.process import RunFailed, run_measured, scratch_folder  # noqa: E402
from harness.results import Results, progress  # noqa: E402
from ingest_topics import Filled, fill, start_stack  # noqa: E402

from pipelines.core.jar_groups import install_group  # noqa: E402
from pipelines.core.machine import find_java  # noqa: E402
from pipelines.stack.native import NativeStack  # noqa: E402

PACKAGES = ("pyspark", "delta-spark", "kafka-python", "lz4")
# The records are drawn, so this key protects nothing.
KEY = {"SANGAM_TOKEN_KEY": "benchmark-of-synthetic-records-only", "SANGAM_TOKEN_KEY_ID": "1"}
OURS, PYTHON, JAVA = "sangam ingest", "kafka-python consumer", "kafka-consumer-perf-test"
LITTLE = 1_000
"""Records of the topic that shows what a run costs before the first of them."""


class Bench:
    """The programs, and where they run.

    Args:
        stack: running servers.
        scratch: folder for tables and reports.
    """

    def __init__(self, stack: NativeStack, scratch: Path) -> None:
        self._stack, self._scratch = stack, scratch
        self._cores = sorted(os.sched_getaffinity(0))[:2]
        self._env = {**stack.environment, **KEY}

    def run(self, *command: str) -> float:
        """Run a program on the cores; its output is in `log`. Returns its peak memory, MiB."""
        measured = run_measured(command, self._cores, self._scratch / "log", self._env)
        return measured.peak_bytes / 2**20

    @property
    def log(self) -> str:
        """Output of the last program."""
        return (self._scratch / "log").read_text(encoding="utf-8", errors="replace")

    def ingest(self, topic: Filled) -> Mapping[str, float]:
        """Ours: the step that stores, from starting the query to the last commit."""
        lake, report = self._scratch / "lake", self._scratch / "report"
        shutil.rmtree(lake, ignore_errors=True)
        peak = self.run(
            sys.executable, str(ROOT / "jobs" / "ingest.py"), "--topic", topic.name, "--once",
            "--lake", str(lake), "--report", str(report),
        )  # fmt: skip
        told = json.loads((report / "run.json").read_text())
        assert told["counts"]["out"] == topic.records, told["counts"]
        return {"seconds": told["seconds"]["ingest"], "peak MiB": peak}

    def read_python(self, topic: Filled) -> Mapping[str, float]:
        """kafka-python: poll until the end."""
        script = Path(__file__).parent / "peers" / "kafka_reader.py"
        peak = self.run(sys.executable, str(script), topic.name, str(topic.records))
        return {"seconds": float(json.loads(self.log.splitlines()[-1])), "peak MiB": peak}

    def read_java(self, topic: Filled) -> Mapping[str, float]:
        """Kafka's own tool, which the broker's artefacts bring along."""
        jars = install_group("kafka", self._scratch / "ivy.log")
        peak = self.run(
            str(find_java().command), "-cp", str(jars[0].parent / "*"),
            "org.apache.kafka.tools.ConsumerPerformance", "--bootstrap-server",
            self._stack.environment["SANGAM_KAFKA"], "--topic", topic.name, "--messages",
            str(topic.records), "--hide-header", "--timeout", "60000",
        )  # fmt: skip
        figures = next(line for line in self.log.splitlines() if line.count(", ") >= 9)
        return {"seconds": float(figures.split(", ")[7]) / 1000, "peak MiB": peak}


def main() -> int:
    """Fill the topics, run the programs in turn, print and write the results."""
    given = parse()
    results = Results(settings_of(given))
    with scratch_folder() as scratch:
        stack = start_stack(scratch / "stack")
        try:
            measure_topics(results, stack, scratch, given)
        except RunFailed as error:
            results.skip("ingest", str(error))
        finally:
            stack.remove()
    for peer in (PYTHON, JAVA):
        results.ratio(
            f"rate, {OURS} / {peer}", f"{OURS}, records per second", f"{peer}, records per second"
        )
        results.ratio(
            f"rate after start-up, {OURS} / {peer}",
            f"{OURS}, records per second after start-up",
            f"{peer}, records per second",
        )
    results.print()
    results.write(given.out, PACKAGES)
    return 1 if results.skipped else 0


def measure_topics(
    results: Results, stack: NativeStack, scratch: Path, given: argparse.Namespace
) -> None:
    """Fill the topics and run the programs on them."""
    much = fill(stack, "upi.transactions.v1", "upi.Transaction", given.records)
    little = fill(stack, "upi.labels.v1", "upi.Label", LITTLE)
    progress(f"{much.records:,} records, {much.megabytes:.0f} MB in {much.name}")
    bench = Bench(stack, scratch)
    seconds = measure(results, bench, much, given.rounds)
    start = [bench.ingest(little)["seconds"] for _ in range(given.rounds)]
    add_start(results, start, seconds, much)


def add_start(results: Results, start: Sequence[float], seconds: float, topic: Filled) -> None:
    """What a run costs before its first records, and the rate of the job without it.

    Args:
        start: seconds of the runs with `LITTLE` records.
        seconds: median of the runs with all of the topic.
    """
    results.add(f"{OURS}, seconds for {LITTLE:,} records", statistics.median(start), "s", start)
    steady = seconds - statistics.median(start)
    for figure, total, unit in (
        ("records per second after start-up", topic.records - LITTLE, "1/s"),
        ("megabytes per second after start-up", topic.megabytes, "MB/s"),
    ):
        results.add(f"{OURS}, {figure}", total / steady, unit)


def measure(results: Results, bench: Bench, topic: Filled, rounds: int) -> float:
    """Run the programs in alternating order after a warm-up of each; median seconds of ours."""
    programs: dict[str, Callable[[Filled], Mapping[str, float]]] = {
        OURS: bench.ingest, PYTHON: bench.read_python, JAVA: bench.read_java,
    }  # fmt: skip
    runs: dict[str, list[Mapping[str, float]]] = {name: [] for name in programs}
    for number in range(-1, rounds):
        names = list(programs) if number % 2 else list(reversed(programs))
        for name in names:
            found = programs[name](topic)
            progress(f"{name}: {found['seconds']:.1f} s{'' if number >= 0 else ' (warm-up)'}")
            if number >= 0:
                runs[name].append(found)
    for name, found in runs.items():
        seconds = [one["seconds"] for one in found]
        for figure, total, unit in (
            ("records per second", topic.records, "1/s"),
            ("megabytes per second", topic.megabytes, "MB/s"),
        ):
            rates = [total / one for one in seconds]
            results.add(f"{name}, {figure}", statistics.median(rates), unit, rates)
        results.add(f"{name}, peak memory", max(one["peak MiB"] for one in found), "MiB")
    return statistics.median(one["seconds"] for one in runs[OURS])


def parse() -> argparse.Namespace:
    """Command line."""
    parser = bench_parser("ingest", __doc__, 3)
    records = 1_000_000
    parser.add_argument("--records", type=int, default=records, help="in the topic (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
