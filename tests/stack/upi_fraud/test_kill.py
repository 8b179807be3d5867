"""A job killed under load and started again from its checkpoint loses nothing and repeats nothing."""

import os
import signal
import time
from collections import Counter
from pathlib import Path
from subprocess import Popen

import pytest

from pipelines.core.kafka import read_all
from pipelines.stack.native import NativeStack
from pipelines.upi_fraud.decider import Kind
from tests.stack.tools import KEY, job
from tests.stack.upi_fraud.test_upi_fraud import QUICK, replay, send_all


def count(servers: str, topic: str) -> int:
    return sum(1 for _ in read_all(servers, topic))


def wait_for_ledger(servers: str, before: int, folder: Path, process: Popen[str]) -> None:
    """Wait until the ledger grows and a checkpoint is complete."""
    deadline = time.monotonic() + 240
    while count(servers, "upi.ledger.v1") == before or not list(
        folder.glob("state/checkpoints/*/chk-*/_metadata")
    ):
        assert process.poll() is None, process.stdout and process.stdout.read()
        assert time.monotonic() < deadline
        time.sleep(0.5)


@pytest.mark.timeout(560)
def test_a_killed_job_goes_on_from_its_checkpoint(
    stack: NativeStack, servers: str, tmp_path: Path
) -> None:
    """The second half arrives while nobody listens; the ledger still has each payment once."""
    state = ("--set", f"state_uri=file://{tmp_path}/state", "--set", "flink.checkpoint_seconds=3")
    send_all(servers, seed=21)
    before = count(servers, "upi.ledger.v1")
    first = job(stack, "upi_fraud", "--stack", *state, JVM_ARGS=QUICK, **KEY)
    try:
        wait_for_ledger(servers, before, tmp_path, first)
        send_all(servers, seed=22)
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait(30)
    second = job(
        stack,
        "upi_fraud",
        "--stack",
        "--bounded",
        "--set",
        "restore_from=newest",
        *state,
        JVM_ARGS=QUICK,
        **KEY,
    )
    output, _ = second.communicate(timeout=300)
    assert second.returncode == 0, output
    wanted = Counter(one.value for one in replay(servers).values() if one.kind <= Kind.ALERT)
    assert Counter(one.value for one in read_all(servers, "upi.ledger.v1")) == wanted
    assert {one.value for one in read_all(servers, "upi.decisions.v1")} == set(wanted)
