"""Measure fraud decisions: the rules alone, the hot path in Flink, plain Flink operators beside it.

    make bench-fraud                                          rules, throughput, latency
    make bench-fraud ARGS="--sections rules"                  seconds, no JVM
    make bench-fraud ARGS="--sections throughput --payments 200000 --rounds 3"
    make bench-fraud ARGS="--sections latency --rates 1000,5000"
    make bench-fraud ARGS="--sections equality,quality"       three engines agree; five seeds

Arms of a section run one after the other on the same cores. A rate counts the payments beyond those
of a short run, over the time beyond it: start-up is in neither. Slow arms take a part of the
payments, the same in every round. Latency is measured for 30 s at each rate, after 10 s of warm-up
and, before the first, 90 s at 1,500 payments a second.
"""

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import pyarrow as pa  # noqa: E402
from fraud_latency import FIRST, WARM_SECONDS, measure_latency  # noqa: E402
from fraud_quality import (  # noqa: E402
    DIFFERENT,
    LEAST_RECALL,
    MOST_FALSE,
    run_equality,
    run_quality,
)
from harness.arguments import bench_parser, numbers, settings_of  # noqa: E402
from harness.process import scratch_folder  # noqa: E402
from harness.results import Results, median, progress  # noqa: E402

from pipelines.core.privacy import key_from_env  # noqa: E402
from pipelines.upi_fraud.build import DeciderPlan  # noqa: E402
from pipelines.upi_fraud.config import UpiConfig  # noqa: E402
from pipelines.upi_fraud.files import write_messages, write_reference  # noqa: E402
from pipelines.upi_fraud.sources import Source, open_source  # noqa: E402

SECTIONS = ("rules", "throughput", "latency", "equality", "quality")
PACKAGES = ("apache-flink", "fastavro", "pyarrow", "kafka-python")
SHORT = 2_000
ARMS = {
    "decide": "decide: all rules, two processes",
    "thread": "keyed function, thread mode, a counter",
    "process": "keyed function, process mode, a counter",
    "over": "SQL OVER, a counter",
}
PARTS = {"decide": 1, "thread": 3, "process": 15, "over": 1}
"""One of so many payments is given to an arm; by partitions where there are two processes."""
CLEAN = ("duplicate_share", "late_share", "corrupt_share", "invalid_share")
"""Set to nothing where every payment has to be decided."""


def main() -> int:
    """Run the chosen sections, print the table, write the results."""
    given = parse()
    results = Results(settings_of(given))
    source = open_source(f"synthetic:{given.payments}", None, UpiConfig())
    with scratch_folder() as scratch:
        if "rules" in given.sections:
            run_rules(results, source, given.rounds, scratch)
        if "throughput" in given.sections:
            run_throughput(results, source, given.rounds, scratch)
        if "latency" in given.sections:
            measure_latency(results, clean_source(given), given.rates, given.seconds, scratch)
        if "equality" in given.sections:
            run_equality(results, given.equal_payments, scratch)
        if "quality" in given.sections:
            run_quality(results, given.seeds, scratch)
    results.take_over(given.out)
    hold_against_limits(results)
    results.print()
    results.write(given.out, PACKAGES)
    return 1 if results.skipped else 0


def clean_source(given: argparse.Namespace) -> Source:
    """Payments that are all decided, as many as the rates need."""
    base = UpiConfig()
    wanted = FIRST + sum(given.rates) * (given.seconds + WARM_SECONDS)
    changes = dict.fromkeys(CLEAN, 0.0) | {"transactions": wanted}
    config = base.model_copy(update={"generator": base.generator.model_copy(update=changes)})
    return open_source("synthetic", None, config)


def run_rules(results: Results, source: Source, rounds: int, scratch: Path) -> None:
    """Bytes in, bytes out, in this process: what one core of Python does without an engine."""
    rates, raws = [], list(source.raws())
    folder = prepare(source.payments.slice(0, 1), source, scratch / "rules")
    snapshot = str(folder / "reference.parquet")
    for _ in range(rounds):
        decider = DeciderPlan(UpiConfig(), "strict", key_from_env(True), "bench", snapshot)()
        start = time.monotonic()
        decider.handle(raws, {})
        rates.append(len(raws) / (time.monotonic() - start))
    results.add("rules alone, one core", median(rates), "decisions/s", rates)
    progress("rules: done")


def run_throughput(results: Results, source: Source, rounds: int, scratch: Path) -> None:
    """Rate of each arm; a short run of each tells what its start takes."""
    short = prepare(source.payments.slice(0, SHORT), source, scratch / "short")
    number = source.payments.num_rows
    half = source.payments["kafka_partition"].to_numpy() % 2
    halves = [prepare(source.payments.filter(half == one), source, scratch / f"half-{one}")
              for one in (0, 1)]  # fmt: skip
    inputs = {arm: [prepare(source.payments.slice(0, number // part), source, scratch / arm)]
              for arm, part in PARTS.items()} | {"decide": halves}  # fmt: skip
    for arm, told in ARMS.items():
        rates, folders = [], inputs[arm]
        try:
            start = run_arms(arm, [short] * len(folders))
            for _ in range(rounds):
                beyond = number // PARTS[arm] - SHORT * len(folders)
                rates.append(beyond / max(run_arms(arm, folders) - start, 1e-3))
        except subprocess.CalledProcessError as error:
            results.skip(told, (error.stderr.strip().splitlines() or ["no reason"])[-1])
        if rates:
            results.add(told, median(rates), "payments/s", rates)
            results.add(f"{told}: start", start, "s")
        progress(f"{told}: done")
    for arm in ("thread", "process", "over"):
        results.ratio(f"decide / {arm}", ARMS["decide"], ARMS[arm])


def prepare(payments: pa.Table, source: Source, folder: Path) -> Path:
    """Write payments, and the reference, as an arm reads them."""
    folder.mkdir(exist_ok=True)
    write_messages(payments, folder / "messages.parquet")
    records = [(0, one["merchant_id"], one) for one in source.merchants]
    write_reference(records, folder / "reference.parquet")
    return folder


def run_arms(arm: str, inputs: list[Path]) -> float:
    """Run an arm on each input at once, a process each; the longest of their times."""
    script = str(ROOT / "benchmarks" / "fraud_arms.py")
    started = [
        subprocess.Popen([sys.executable, script, arm, str(folder)], text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for folder in inputs
    ]  # fmt: skip
    spent = []
    for process in started:
        out, err = process.communicate()
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, arm, out, err)
        spent += [float(line.split()[1]) for line in out.splitlines() if line.startswith("seconds")]
    for folder in inputs:
        shutil.rmtree(folder / "outcomes", ignore_errors=True)
    return max(spent)


def hold_against_limits(results: Results) -> None:
    """The rows of the issue."""
    results.check("decisions/s, all rules, 2 cores", results.value(ARMS["decide"]), 15_000, None)
    results.check("different decisions", results.value(DIFFERENT), None, 0)
    results.check("least recall of a kind, median", results.value(LEAST_RECALL), 0.9, None)
    results.check("false positive rate, largest", results.value(MOST_FALSE), None, 0.01)
    results.check("p99 at 5,000/s, ms", results.value("latency p99 at 5000/s"), None, 100)
    results.check("p50 at 5,000/s, ms", results.value("latency p50 at 5000/s"), None, 20)


def parse() -> argparse.Namespace:
    """Command line."""
    parser = bench_parser("upi_fraud", __doc__, 2, SECTIONS, first=3)
    add = parser.add_argument
    add("--payments", type=int, default=300_000, help="payments (%(default)s)")
    add("--equal-payments", type=int, default=100_000, help="of section equality (%(default)s)")
    add("--seeds", type=int, default=5, help="runs of section quality (%(default)s)")
    add("--rates", type=numbers, default=[1_000, 5_000], help="payments a second (%(default)s)")
    add("--seconds", type=int, default=30, help="measured at each rate (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
