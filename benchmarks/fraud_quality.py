"""What needs no quiet machine: equal decisions of three engines, and frauds caught over seeds."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from harness.results import Results, median, progress

from pipelines.core.privacy import key_from_env
from pipelines.core.spark import build_session
from pipelines.upi_fraud.backtest import decide_history
from pipelines.upi_fraud.build import DeciderPlan
from pipelines.upi_fraud.config import UpiConfig
from pipelines.upi_fraud.files import read_outcomes, write_messages, write_reference
from pipelines.upi_fraud.sources import Source, open_source

ROOT = Path(__file__).resolve().parents[1]
DIFFERENT = "payments decided differently by Flink, Spark or plain Python"
LEAST_RECALL, MOST_FALSE = "least median recall of a kind", "largest false positive rate of a seed"
COLUMNS = ("kind", "message_key", "message_value")
EPISODES = "generator.episodes_per_kind=50"


def run_equality(results: Results, payments: int, scratch: Path) -> None:
    """Decide the same payments by Flink, by Spark from a shuffled file, and in a plain loop."""
    source = open_source(f"synthetic:{payments}", None, UpiConfig())
    folder = scratch / "equal"
    folder.mkdir()
    reference = folder / "reference.parquet"
    write_reference([(0, one["merchant_id"], one) for one in source.merchants], reference)
    plan = DeciderPlan(UpiConfig(), "strict", key_from_env(True), "bench", str(reference))
    plain = decide_plainly(source, plan)
    flink, spark = decide_in_flink(source, folder), decide_in_spark(source, folder, plan)
    different = sum(not a == b == c for a, b, c in zip(plain, flink, spark, strict=True))
    results.add("payments compared", float(len(plain)), "payments")
    results.add(DIFFERENT, float(different), "payments")


Outcomes = list[tuple[int, bytes, bytes]]


def decide_plainly(source: Source, plan: DeciderPlan) -> Outcomes:
    """Outcomes of a loop."""
    made = plan().handle(source.raws(), {})
    return sorted((int(one.kind), one.key, one.value) for one in made)


def decide_in_flink(source: Source, folder: Path) -> Outcomes:
    """Outcomes of the hot path."""
    write_messages(source.payments, folder / "messages.parquet")
    script = str(ROOT / "benchmarks" / "fraud_arms.py")
    subprocess.run([sys.executable, script, "decide", str(folder)], check=True, capture_output=True)
    return _sorted(read_outcomes(folder))


def decide_in_spark(source: Source, folder: Path, plan: DeciderPlan) -> Outcomes:
    """Outcomes of the backtest, of a file in any order."""
    order = np.random.default_rng(1).permutation(source.payments.num_rows)
    pq.write_table(source.payments.take(order), folder / "shuffled.parquet")
    session = build_session("fraud equality")
    history = session.read.parquet(str(folder / "shuffled.parquet"))
    return _sorted(decide_history(history, plan).select(*COLUMNS).toArrow())


def _sorted(outcomes: pa.Table) -> Outcomes:
    columns = (outcomes[name].to_pylist() for name in COLUMNS)
    return sorted(zip(*columns, strict=True))


def run_quality(results: Results, seeds: int, scratch: Path) -> None:
    """Recall of each kind and rate of false positives of the default run, over seeds."""
    found = []
    for seed in range(1, seeds + 1):
        found.append(_metrics(seed, scratch / f"seed-{seed}"))
        progress(f"quality: seed {seed} done")
    names = [name for name in found[0] if "recall_" in name]
    for name in (*names, "false_positive_rate", "tiers_false_positive_rate"):
        values = [one[name] for one in found]
        results.add(name, median(values), "share", values)
    for name in ("expected_cost_rupees", "tiers_expected_cost_rupees", "state_bytes_median",
                 "state_bytes_max"):  # fmt: skip
        values = [one[name] for one in found]
        results.add(name, median(values), "bytes" if "bytes" in name else "Rs", values)
    kinds = [name for name in names if name.startswith("recall_")]
    results.add(LEAST_RECALL, min(median([one[name] for one in found]) for name in kinds), "share")
    results.add(MOST_FALSE, max(one["false_positive_rate"] for one in found), "share")


def _metrics(seed: int, folder: Path) -> dict[str, Any]:
    """Figures of one whole run of the job."""
    script = str(ROOT / "jobs" / "upi_fraud.py")
    command = [sys.executable, script, "--seed", str(seed), "--set", EPISODES,
               "--lake", str(folder / "out"), "--report", str(folder)]  # fmt: skip
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    metrics: dict[str, Any] = json.loads((folder / "run.json").read_text("utf-8"))["metrics"]
    return metrics
