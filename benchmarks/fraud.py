"""Measure fraud decisions: the rules alone, the hot path in Flink, plain Flink operators beside it.

    make bench-fraud                                          all sections
    make bench-fraud ARGS="--sections rules"                  seconds, no JVM
    make bench-fraud ARGS="--sections throughput --payments 200000 --rounds 3"
    make bench-fraud ARGS="--sections latency --rates 1000,5000"

Arms of a section run one after the other on the same payments and the same cores. A rate counts the
payments beyond those of a short run, over the time beyond it: start-up is in neither.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from fraud_latency import measure_latency  # noqa: E402
from harness.arguments import numbers, words  # noqa: E402
from harness.results import Results, median, progress  # noqa: E402

from pipelines.core.privacy import key_from_env  # noqa: E402
from pipelines.upi_fraud.build import DeciderPlan  # noqa: E402
from pipelines.upi_fraud.config import UpiConfig  # noqa: E402
from pipelines.upi_fraud.files import write_messages, write_reference  # noqa: E402
from pipelines.upi_fraud.sources import Source, open_source  # noqa: E402

SECTIONS = ("rules", "throughput", "latency")
PACKAGES = ("apache-flink", "fastavro", "pyarrow", "kafka-python")
SHORT = 2_000
ARMS = {
    "decide": "decide: all rules, two processes",
    "decide-1": "decide: all rules, one process",
    "thread": "keyed function, thread mode, a counter",
    "process": "keyed function, process mode, a counter",
    "over": "SQL OVER, a counter",
}


def main() -> int:
    """Run the chosen sections, print the table, write the results."""
    given = parse()
    results = Results({"payments": given.payments, "rounds": given.rounds,
                       "load_at_start": os.getloadavg()[0]})  # fmt: skip
    source = open_source(f"synthetic:{given.payments}", None, UpiConfig())
    scratch = Path(tempfile.mkdtemp(prefix="sangam-bench-"))
    try:
        if "rules" in given.sections:
            run_rules(results, source, given.rounds)
        if "throughput" in given.sections:
            run_throughput(results, source, given.rounds, scratch)
        if "latency" in given.sections:
            measure_latency(results, source, given.rates, given.seconds, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    hold_against_limits(results)
    results.print()
    results.write(given.out, PACKAGES)
    return 1 if results.skipped else 0


def run_rules(results: Results, source: Source, rounds: int) -> None:
    """Bytes in, bytes out, in this process: what one core of Python does without an engine."""
    rates, raws = [], list(source.raws())
    for _ in range(rounds):
        decider = DeciderPlan(UpiConfig(), "strict", key_from_env(True), "bench")()
        start = time.monotonic()
        decider.handle(raws, {})
        rates.append(len(raws) / (time.monotonic() - start))
    results.add("rules alone, one core", median(rates), "decisions/s", rates)
    progress("rules: done")


def run_throughput(results: Results, source: Source, rounds: int, scratch: Path) -> None:
    """Rate of each arm over the same payments."""
    folders = {name: prepare(source, scratch / name, *part) for name, part in {
        "all": (0, 1), "part-0": (0, 2), "part-1": (1, 2), "short": (-1, 1)}.items()}  # fmt: skip
    for arm, told in ARMS.items():
        rates = []
        for _ in range(rounds):
            try:
                rates.append(measure_arm(arm, folders, source.payments.num_rows))
            except subprocess.CalledProcessError as error:
                results.skip(told, (error.stderr.strip().splitlines() or ["no reason"])[-1])
                break
        if rates:
            results.add(told, median(rates), "payments/s", rates)
        progress(f"{told}: done")
    for arm in ("thread", "process", "over"):
        results.ratio(f"decide / {arm}", ARMS["decide"], ARMS[arm])


def prepare(source: Source, folder: Path, part: int, parts: int) -> Path:
    """Write the payments of a part of the partitions; part -1 is a short run."""
    folder.mkdir()
    payments, batch = source.payments, UpiConfig().batch
    if part < 0:
        payments = payments.slice(0, SHORT)
    elif parts > 1:
        column = payments["kafka_partition"].to_numpy()
        payments = payments.filter(column % parts == part)
    write_messages(payments, folder / "messages.parquet", batch.embedded_payments, batch.window_ms)
    records = [(0, one["merchant_id"], one) for one in source.merchants]
    write_reference(records, folder / "reference.parquet")
    return folder


def measure_arm(arm: str, folders: dict[str, Path], payments: int) -> float:
    """Payments a second beyond the start."""
    name = arm.partition("-")[0]
    inputs = [folders["part-0"], folders["part-1"]] if arm == "decide" else [folders["all"]]
    short = run_arms(name, [folders["short"]] * len(inputs))
    whole = run_arms(name, inputs)
    return (payments - SHORT) / max(whole - short, 1e-3)


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
    results.check("p99 at 5,000/s, ms", results.value("latency p99 at 5000/s"), None, 100)
    results.check("p50 at 5,000/s, ms", results.value("latency p50 at 5000/s"), None, 20)


def parse() -> argparse.Namespace:
    """Arguments of the benchmark."""
    parser = argparse.ArgumentParser(
        prog="benchmarks/fraud.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--sections", type=words, default=list(SECTIONS), help=", ".join(SECTIONS))
    add("--payments", type=int, default=300_000, help="payments (%(default)s)")
    add("--rounds", type=int, default=3, help="runs of each arm (%(default)s)")
    add("--rates", type=numbers, default=[1_000, 5_000], help="payments a second")
    add("--seconds", type=int, default=30, help="measured at each rate (%(default)s)")
    add("--out", type=Path, default=ROOT / "benchmarks" / "results" / "upi_fraud.json")
    given = parser.parse_args()
    if unknown := set(given.sections) - set(SECTIONS):
        parser.error(f"--sections: {sorted(unknown)[0]!r} is not of {', '.join(SECTIONS)}")
    return given


if __name__ == "__main__":
    sys.exit(main())
