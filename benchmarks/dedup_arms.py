"""The programs under comparison: each runs as a process of its own on the same cores."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from dedup_accuracy import best_threshold, our_clusters, score_clusters
from dedup_data import Data
from harness.process import Measured, run_measured

from pipelines.dedup.evaluation_metrics import PairCounts

ROOT = Path(__file__).resolve().parents[1]
PEERS = Path(__file__).resolve().parent / "peers"
OURS = "sangam"
# Steps of ours that are no part of "first read to clusters on disk"; they are told apart. The
# report is written after the total was taken.
APART = ("evaluate", "report")
# The benchmark's input is synthetic, so this key protects nothing; it makes runs comparable.
KEY = {"SANGAM_TOKEN_KEY": "benchmark-of-synthetic-records-only", "SANGAM_TOKEN_KEY_ID": "1"}


@dataclass(frozen=True)
class Bench:
    """What all programs share.

    Attributes:
        python, peers_python: interpreters of ours and of the peers.
        cores: the only cores in use.
        memory: heap of the Spark driver, for ours and for Splink on Spark.
        scratch: folder for results, emptied before each run.
    """

    python: str
    peers_python: str
    cores: Sequence[int]
    memory: str
    scratch: Path


@dataclass(frozen=True)
class Outcome:
    """One finished run.

    Attributes:
        seconds: from the first read to clusters on disk.
        measured: wall clock of the whole process, and peak memory.
        pairs: pairwise counts on clusters; None where nothing is labelled.
        steps: seconds by step.
        metrics: further figures the program told.
        best: best F1 over thresholds and that threshold, for peers that give scores.
        versions: packages the program ran with.
    """

    seconds: float
    measured: Measured
    pairs: PairCounts
    steps: dict[str, float]
    metrics: dict[str, Any] = field(default_factory=dict)
    best: tuple[float, float] | None = None
    versions: dict[str, str] = field(default_factory=dict)


def run_ours(bench: Bench, data: Data, settings: Sequence[str] = ()) -> Outcome:
    """Run our job with its defaults into a fresh lake.

    Raises:
        RunFailed: it did not end well.
    """
    is_bundled = data.name.startswith("febrl")
    options = [word for setting in settings for word in ("--set", setting)]
    told, measured, lake = run_job(
        bench, data.name if is_bundled else str(data.path), bench.scratch / "ours", options
    )
    pairs = score_clusters(our_clusters(lake, data.entity.index, is_bundled, KEY), data.entity)
    return Outcome(seconds_of(told), measured, pairs, told["seconds"], told["metrics"])


def seconds_of(told: Mapping[str, Any]) -> float:
    """Seconds from the first read to clusters on disk, from a run.json."""
    total: float = told["total_seconds"] - told["seconds"].get("evaluate", 0.0)
    return total


def run_job(
    bench: Bench, source: str, lake: Path, options: Sequence[str] = (), keep: bool = False
) -> tuple[dict[str, Any], Measured, Path]:
    """Run `jobs/dedup.py` into a lake, an empty one unless it is to be kept.

    Returns:
        Its run.json, what was measured, and the lake.
    """
    folder = _fresh(bench.scratch / "report")
    if not keep:
        _fresh(lake)
    command = [bench.python, "jobs/dedup.py", "--input", source, "--lake", str(lake)]
    command += ["--report", str(folder), *options]
    env = KEY | {
        "PYTHONPATH": str(ROOT),
        "PYSPARK_SUBMIT_ARGS": f"--driver-memory {bench.memory} pyspark-shell",
    }
    measured = run_measured(command, bench.cores, folder / "log", env, ROOT)
    return json.loads((folder / "run.json").read_text()), measured, lake


def run_peer(bench: Bench, script: str, data: Data, options: Sequence[str] = ()) -> Outcome:
    """Run a peer's script in the peers' environment.

    Raises:
        RunFailed: it did not end well, for instance because the peer is not installed.
    """
    folder = _fresh(bench.scratch / script)
    command = [bench.peers_python, str(PEERS / f"{script}.py"), "--input", str(data.path)]
    command += ["--out", str(folder), *options]
    measured = run_measured(command, bench.cores, folder / "log", cwd=folder)
    told = json.loads((folder / "times.json").read_text())
    best = None
    if (folder / "pairs.parquet").exists():
        best = best_threshold(pd.read_parquet(folder / "pairs.parquet"), data.entity)
    return Outcome(
        seconds=told["total_seconds"],
        measured=measured,
        pairs=score_clusters(pd.read_parquet(folder / "clusters.parquet"), data.entity),
        steps=told["seconds"],
        metrics={"pairs_kept": told.get("pairs_kept")},
        best=best,
        versions=told["versions"],
    )


def run_identity(bench: Bench, arm: str, data: Data) -> Outcome:
    """Run one arm on the Indian register: ours, splink-duckdb, splink-spark, splink-accurate."""
    if arm == OURS:
        return run_ours(bench, data)
    options = ["--cores", str(len(bench.cores)), "--memory", bench.memory]
    options += ["--engine", "spark" if arm == "splink-spark" else "duckdb"]
    options += ["--arm", "accurate" if arm == "splink-accurate" else "fast"]
    return run_peer(bench, "splink_identity", data, options)


def run_febrl(bench: Bench, arm: str, data: Data, with_id: bool) -> Outcome:
    """Run one arm on a FEBRL set: ours, splink, recordlinkage or goldenmatch."""
    if arm == OURS:
        return run_ours(bench, data, [f"use_soc_sec_id={str(with_id).lower()}"])
    options = ["--with-id"] if with_id else []
    if arm == "goldenmatch":
        return run_peer(bench, "goldenmatch_zero", data, options)
    options += ["--link"] if data.is_link else []
    if arm == "recordlinkage":
        return run_peer(bench, "recordlinkage_ecm", data, options)
    return run_peer(bench, "splink_febrl", data, [*options, "--cores", str(len(bench.cores))])


def share_of(counts: PairCounts) -> Mapping[str, float | None]:
    """Precision, recall and F1 of pair counts."""
    return {
        "precision": counts.precision.value,
        "recall": counts.recall.value,
        "f1": counts.f1,
    }


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
