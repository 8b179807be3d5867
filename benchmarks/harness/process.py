"""Run a program on chosen cores and watch the memory of all its processes (Linux)."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_LARGEST_SHARE = 0.02  # looking at memory costs time on the cores that are being measured


class RunFailed(RuntimeError):
    """A program of the benchmark failed; the message ends with the tail of its output."""


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder of the run, gone with it: SIGTERM ends the run, and what it has started, first."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    name = tempfile.mkdtemp(prefix="sangam-bench-")
    try:
        yield Path(name)
    finally:
        shutil.rmtree(name, ignore_errors=True)


@dataclass(frozen=True)
class Measured:
    """One finished program.

    Attributes:
        wall_seconds: from start to exit, interpreter and virtual machine included.
        peak_bytes: largest sum over all its processes; shared pages count once (PSS).
    """

    wall_seconds: float
    peak_bytes: int


@dataclass
class _Peak:
    session: int
    interval: float
    peak_bytes: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        pause = self.interval
        while not self.stop.wait(pause):
            start = time.monotonic()
            self.peak_bytes = max(self.peak_bytes, sum(map(_memory_of, members(self.session))))
            pause = max(self.interval, (time.monotonic() - start) / _LARGEST_SHARE)


def run_measured(
    command: Sequence[str],
    cores: Sequence[int],
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    seconds_limit: float = 3600.0,
    sample_seconds: float = 0.25,
) -> Measured:
    """Run a command to its end.

    Args:
        command: program and arguments.
        cores: the only cores it may use.
        log: takes both output streams.
        env: variables on top of this process's own.
        cwd: working folder.
        seconds_limit: it is ended after so long.
        sample_seconds: time between two looks at its memory.

    Raises:
        RunFailed: it did not exit with 0 in time.
    """
    start = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*_pinned(cores), *command],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            start_new_session=True,
        )
        with _watched(_Peak(process.pid, sample_seconds)) as peak:
            try:
                code: int | None = process.wait(seconds_limit)
            except subprocess.TimeoutExpired:
                code = None
            finally:
                _end(process)
    if code != 0:
        tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:]
        reason = "ran out of time" if code is None else f"exit code {code}"
        raise RunFailed("\n".join([f"{Path(command[1]).name}: {reason}", *tail]))
    return Measured(time.monotonic() - start, peak.peak_bytes)


@contextmanager
def _watched(peak: _Peak) -> Iterator[_Peak]:
    """Sample in a thread until the block ends."""
    thread = threading.Thread(target=peak.watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        peak.stop.set()
        thread.join()


def _pinned(cores: Sequence[int]) -> list[str]:
    if shutil.which("taskset") is None:
        raise RunFailed("taskset is missing: install util-linux, runs must share the same cores")
    return ["taskset", "-c", ",".join(map(str, cores))]


def members(session: int) -> list[int]:
    """Process ids of a session: the program and all it started."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _session_of(entry) == session:
            found.append(int(entry.name))
    return found


def _session_of(entry: Path) -> int | None:
    try:
        after_name = (entry / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(after_name[3])


def _memory_of(pid: int) -> int:
    """Proportional set size in bytes; 0 for a process that has just ended."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def _end(process: subprocess.Popen[bytes]) -> None:
    """End whatever of the session is still there."""
    for pid in members(process.pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()
