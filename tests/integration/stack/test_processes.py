"""Processes: started, polled, stopped; never someone else's."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.core.errors import DependencyError
from pipelines.stack.minio_build import find_minio, minio_path
from pipelines.stack.processes import (
    free_ports,
    is_running,
    kill_process,
    start_process,
    stop_process,
    wait_until,
)

SLEEPER = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('up', flush=True); time.sleep(60)"
)


def start(code: str, log: Path) -> subprocess.Popen[bytes]:
    process = start_process([sys.executable, "-c", code], log)
    wait_until(lambda: bool(log.read_bytes()), "it", 30, log)
    return process


def test_ports_are_free_and_different() -> None:
    assert len(set(free_ports(20))) == 20


def test_a_process_is_polled_and_stopped(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = start(SLEEPER, log)
    assert is_running(process.pid, "time.sleep")
    stop_process(process.pid, "time.sleep")
    assert not is_running(process.pid, "time.sleep")


def test_a_process_that_does_not_listen_is_ended_by_force(tmp_path: Path) -> None:
    process = start(STUBBORN, tmp_path / "log")
    began = time.monotonic()
    stop_process(process.pid, "SIG_IGN", seconds=0.1)
    assert time.monotonic() - began < 30
    assert not is_running(process.pid, "SIG_IGN")


def test_a_crash_is_a_crash(tmp_path: Path) -> None:
    process = start(STUBBORN, tmp_path / "log")
    kill_process(process.pid, "SIG_IGN")
    assert not is_running(process.pid, "SIG_IGN")


def test_a_process_of_another_name_is_left_alone(tmp_path: Path) -> None:
    process = start(SLEEPER, tmp_path / "log")
    try:
        stop_process(process.pid, "another-program", seconds=0.1)
        assert process.poll() is None
    finally:
        kill_process(process.pid, "time.sleep")


def test_a_start_that_fails_shows_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = start("print('no port'); raise SystemExit(1)", log)
    with pytest.raises(DependencyError, match="Kafka ended while it started: no port"):
        wait_until(lambda: False, "Kafka", 20, log, lambda: process.poll() is None)


def test_a_start_that_hangs_has_a_deadline(tmp_path: Path) -> None:
    with pytest.raises(DependencyError, match="not ready after 0 s: it wrote no log"):
        wait_until(lambda: False, "Kafka", 0, tmp_path / "none")


def test_a_damaged_server_is_not_used(tmp_path: Path) -> None:
    binary = minio_path(tmp_path)
    binary.parent.mkdir(parents=True)
    binary.write_bytes(b"half")
    assert find_minio(tmp_path) is None
    binary.with_suffix(".sha256").write_text("0" * 64)
    assert find_minio(tmp_path) is None
