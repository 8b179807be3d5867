"""Sections `replay` and `heap` of the viewer benchmark: a million viewers, and memory over time."""

import argparse
import json
import os
import sys
from pathlib import Path

from harness.process import Measured, RunFailed, run_measured
from harness.results import Results, median
from viewers_data import ROOT, make, steady

from pipelines.core.flink_jvm import LONG_RUN

REPLAY_SECONDS = 150
HEAP_SECONDS = 900
"""A session is kept for two to three minutes after its last event, and a viewer stays for four on
average: sessions come and go many times over before the quarters that are compared."""


def measure_replay(results: Results, given: argparse.Namespace, scratch: Path) -> None:
    """A match with a steady audience: rate, audience that was counted, memory."""
    folder = make(given.data, "replay", steady(given.replay_viewers, REPLAY_SECONDS))
    found = run_arm(results, "replay", folder, given.heap, scratch)
    if found is None:
        return
    told, measured = found
    results.add("replay events", told["events"], "events")
    results.add("replay peak concurrent viewers", told["peak_concurrent"], "sessions")
    results.add("replay events per second", told["events"] / told["seconds"], "1/s")
    results.add("replay peak memory", measured.peak_bytes / 2**20, "MiB")


def measure_heap(results: Results, given: argparse.Namespace, scratch: Path) -> None:
    """What is in use after full collections, in the third and the last quarter of a long match."""
    folder = make(given.data, "heap", steady(given.heap_viewers, HEAP_SECONDS))
    found = run_arm(results, "heap", folder, given.heap, scratch)
    if found is None:
        return
    told, _ = found
    rows = [(at / told["seconds"], used) for at, used in told["heap"] if at <= told["seconds"]]
    results.add("heap events", told["events"], "events")
    results.add("heap peak concurrent viewers", told["peak_concurrent"], "sessions")
    for name, low in (("second", 0.25), ("third", 0.5), ("last", 0.75)):
        inside = [used for at, used in rows if low < at <= low + 0.25]
        results.add(f"heap in use, {name} quarter", median(inside), "MiB", inside)


def run_arm(
    results: Results, arm: str, folder: Path, heap: str, scratch: Path
) -> tuple[dict, Measured] | None:
    """Run an arm in a process of its own; what it told, or None when it failed."""
    log = scratch / f"{arm}.txt"
    command = [sys.executable, str(ROOT / "benchmarks" / "viewers_arms.py"), arm, str(folder)]
    flags = {"JVM_ARGS": f"{LONG_RUN} -Xmx{heap}"}
    try:
        measured = run_measured(command, sorted(os.sched_getaffinity(0))[:2], log, flags)
    except RunFailed as error:
        results.skip(arm, str(error))
        return None
    return json.loads(log.read_text().splitlines()[-1]), measured


def hold_replay(results: Results) -> None:
    """Acceptance rows of both."""
    concurrent = results.value("replay peak concurrent viewers")
    results.check("replay, concurrent viewers", concurrent, 1_000_000, None)
    grown = results.ratio("heap, last quarter over the third", "heap in use, last quarter",
                          "heap in use, third quarter")  # fmt: skip
    results.check("heap that grows, last quarter over the third", grown, None, 1.1)
