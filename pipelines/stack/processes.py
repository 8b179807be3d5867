"""Processes of the native stack: started with their output in a file, polled, stopped, killed."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from pipelines.core.errors import DependencyError


def free_ports(number: int) -> list[int]:
    """Ports of the loopback interface that nobody listens on, all different."""
    sockets = [socket.socket() for _ in range(number)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()


def start_process(
    command: Sequence[str], log: Path, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, so that Ctrl-C in a terminal does not reach it."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            list(command), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})}, start_new_session=True,
        )  # fmt: skip


def wait_until(
    is_ready: Callable[[], bool],
    what: str,
    seconds: float,
    log: Path,
    is_alive: Callable[[], bool] = lambda: True,
    pause_seconds: float = 0.2,
) -> None:
    """Poll a health check until it holds.

    Raises:
        DependencyError: the process ended, or the deadline passed; shows the end of its log.
    """
    deadline = time.monotonic() + seconds
    while not is_ready():
        if not is_alive():
            raise DependencyError(f"{what} ended while it started: {log_end(log)}")
        if time.monotonic() > deadline:
            raise DependencyError(f"{what} is not ready after {seconds:g} s: {log_end(log)}")
        time.sleep(pause_seconds)


def log_end(log: Path, lines: int = 3) -> str:
    """Last lines of a log, for a message."""
    if not log.is_file():
        return "it wrote no log"
    return " | ".join(log.read_text(errors="replace").splitlines()[-lines:]) or "its log is empty"


def is_running(pid: int, word: str) -> bool:
    """Whether a process lives and is still the program that was started."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return word in command and state != "Z"


def stop_process(pid: int, word: str, seconds: float = 15) -> None:
    """Ask a process to end, wait, and end it by force after the seconds.

    Args:
        pid: process id.
        word: part of its command line; a process without it is someone else's and left alone.
        seconds: grace.
    """
    if not is_running(pid, word):
        _reap(pid)
        return
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while is_running(pid, word):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            seconds, deadline = seconds * 2, deadline + seconds
        _reap(pid)
        time.sleep(0.1)


def kill_process(pid: int, word: str) -> None:
    """End a process at once, as a crash would (SIGKILL)."""
    if is_running(pid, word):
        os.kill(pid, signal.SIGKILL)
    while is_running(pid, word):
        _reap(pid)
        time.sleep(0.05)


def _reap(pid: int) -> None:
    """Take the exit code of a child, so that it does not stay as a zombie."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
