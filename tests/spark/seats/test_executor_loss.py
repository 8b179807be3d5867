"""An executor killed half-way, with speculation on: the tables are those of a clean run."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.core.config import PROJECT_ROOT

pytestmark = pytest.mark.timeout(900)  # a whole run on a cluster of three JVMs, machine busy or not
SETTINGS = ("max_reject_share=0.2", "numbering_variants=2", "partitions=4")
# Executors get what conf/spark/spark-env.sh gives a driver: three JVMs of a short run want no full compiler,
# and map the classes that the set-up has recorded.
CLASSES = Path(sys.prefix) / "spark-classes.jsa"
QUICK = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC -Xlog:cds=off"
QUICK += f" '-XX:SharedArchiveFile={CLASSES}'" if CLASSES.exists() else ""
CLUSTER = (
    "--master", "local-cluster[2,1,1024]", "--conf", "spark.executor.memory=1g",
    "--conf", f"spark.executor.extraJavaOptions={QUICK}",
    "--conf", "spark.speculation=true", "--conf", "spark.speculation.multiplier=1.1",
)  # fmt: skip


def executors(session: int) -> list[int]:
    """Executors of a job that have begun to work: each is the parent of a Python daemon."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes()
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parent, own_session = int(fields[1]), int(fields[3])
        if b"pipelines.seats.daemon" in line and own_session == session and is_java(parent):
            found.add(parent)
    return sorted(found)


def is_java(process: int) -> bool:
    try:
        return b"CoarseGrainedExecutorBackend" in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False


def test_a_killed_executor_changes_nothing(small, day, tmp_path):
    lake, report, log = tmp_path / "lake", tmp_path / "report", tmp_path / "log.txt"
    command = ["spark-submit", *CLUSTER, str(PROJECT_ROOT / "jobs" / "seat_allocation.py")]
    command += ["--input", str(day.folder), "--lake", str(lake), "--report", str(report)]
    command += [part for setting in SETTINGS for part in ("--set", setting)]
    with log.open("w") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True, cwd=tmp_path
        )
    try:
        while not (workers := executors(process.pid)):
            assert process.poll() is None, log.read_text()
            time.sleep(0.2)
        os.kill(workers[0], signal.SIGKILL)
        assert process.wait() == 0, log.read_text()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    tables = json.loads((report / "run.json").read_text())["tables"]
    assert {name: one["digest"] for name, one in tables.items()} == small.digests()
    for name, one in tables.items():
        assert len(list((lake / f"{name}_v1" / "_delta_log").glob("*.json"))) == 1, name
        assert one["version"] == 0
