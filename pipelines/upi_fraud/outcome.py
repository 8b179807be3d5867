"""What a finished run leaves: its files, counts and figures."""

import hashlib
from collections import Counter
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.runlog import RunLog
from pipelines.core.summary import RunSummary, begin_summary
from pipelines.upi_fraud.build import JOB
from pipelines.upi_fraud.config import UpiConfig
from pipelines.upi_fraud.decider import Kind
from pipelines.upi_fraud.evaluate import Quality
from pipelines.upi_fraud.files import write_container
from pipelines.upi_fraud.replay import Replayed
from pipelines.upi_fraud.request import Request
from pipelines.upi_fraud.result import Run

DECIDED = (Kind.APPROVED, Kind.VERIFY, Kind.ALERT)
FILES = {
    "decisions": ("upi.Decision", DECIDED),
    "alerts": ("upi.Decision", (Kind.ALERT,)),
    "rejections": ("upi.Rejection", (Kind.REJECTED, Kind.COPY)),
    "late": ("upi.Transaction", (Kind.LATE,)),
    "dead_letters": ("ops.DlqEnvelope", (Kind.DEAD,)),
}
"""Files of an embedded run: contract and outcomes of each."""


def make_summary(config: UpiConfig, request: Request, inputs: dict[str, str]) -> RunSummary:
    """Summary of a run before it begins."""
    told = hashlib.sha256(repr((sorted(inputs.items()), request.profile)).encode()).hexdigest()
    inputs = {**inputs, "profile": request.profile}
    return begin_summary(JOB, config, request.as_of, told, inputs)


def write_files(result: Run, lake: Path, summary: RunSummary) -> None:
    """Write the outcomes as Avro container files, one for each topic of a run on Kafka."""
    for name, (subject, kinds) in FILES.items():
        rows = result.outcomes.filter(
            pc.is_in(result.outcomes["kind"], pa.array([int(one) for one in kinds], pa.int32()))
        )
        values = rows["message_value"].to_pylist()
        path = lake / f"{name}.avro"
        if name == "late":
            _write_late(values, path, subject)
        else:
            write_container(path, subject, values)
        summary.tables[name] = {"rows": len(values), "path": f"{lake.name}/{path.name}"}
    summary.tables["flags"] = {"rows": len(result.flags)}


def _write_late(values: list[bytes], path: Path, subject: str) -> None:
    """Late payments keep their bytes, so they go to a file only the owner may read."""
    write_container(path, subject, values)
    path.chmod(0o600)


def count_outcomes(result: Run, summary: RunSummary) -> None:
    """Counts of the run manifest.

    Raises:
        GateError: they do not add up.
    """
    kinds = Counter(result.outcomes["kind"].to_pylist())
    copies = kinds[Kind.COPY]
    summary.counts |= {
        "duplicates": copies,
        "in": summary.counts["read"] - copies,
        "out": sum(kinds[one] for one in DECIDED),
        "rejected": kinds[Kind.REJECTED],
        "dlq": kinds[Kind.DEAD],
        "late": kinds[Kind.LATE],
    }
    summary.check_accounting()


def measure(result: Run, summary: RunSummary, log: RunLog) -> None:
    """Figures of the run."""
    spent = log.seconds["decide"]
    actions = Counter(one["recommended_action"] for one in result.decisions)
    summary.metrics = {
        "decisions_per_second": summary.counts["read"] / spent if spent else None,
        "approved": actions["APPROVE"],
        "verified": actions["ADDITIONAL_VERIFICATION"],
        "reviewed": actions["MANUAL_REVIEW"],
        "blocked": actions["BLOCK"],
        "degraded": sum(one["is_degraded"] for one in result.decisions),
        "window_inexact": sum(not one["is_window_exact"] for one in result.decisions),
        "unknown_handles": result.notes.get("unknown_handle", 0),
        "odd_coordinates": result.notes.get("odd_coordinates", 0),
        "flags": len(result.flags),
        **_replay_metrics(result.replayed),
        **(result.quality.metrics() if result.quality is not None else {}),
        **(_of_baseline(result.baseline) if result.baseline is not None else {}),
    }


def _of_baseline(baseline: Quality) -> dict[str, float | int | None]:
    """Figures of the baseline, behind its name."""
    return {f"tiers_{name}": value for name, value in baseline.metrics().items()}


def _replay_metrics(replayed: Replayed) -> dict[str, float | int | None]:
    """Latency of a decision alone, without transport, and sizes of the states."""
    if not replayed.decide_ms:
        return {}
    p50, p99 = np.percentile(replayed.decide_ms, (50, 99))
    return {
        "latency_p50_ms": float(p50),
        "latency_p99_ms": float(p99),
        "state_bytes_median": median(replayed.state_bytes) if replayed.state_bytes else None,
        "state_bytes_max": max(replayed.state_bytes, default=None),
    }
