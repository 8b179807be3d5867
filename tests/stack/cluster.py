"""A Flink cluster of the installed package's own scripts: a job manager and some task managers."""

import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyflink

from pipelines.core.config import PROJECT_ROOT
from pipelines.core.flink import prepare_interpreter
from pipelines.stack.processes import free_ports, start_process

HOME = Path(pyflink.__file__).parent


def poll(is_done: Callable[[], Any], what: str, seconds: float = 120) -> Any:
    """Wait until something is true; returns it."""
    deadline = time.monotonic() + seconds
    while not (found := is_done()):
        assert time.monotonic() < deadline, what
        time.sleep(0.3)
    return found


@dataclass
class Cluster:
    """The processes of one folder.

    Attributes:
        folder: logs and state.
        env: variables of all processes.
        slots: of each task manager.
        rest: port of the REST interface.
        manager: job manager.
        workers: task managers by the id they have in the cluster.
    """

    folder: Path
    env: dict[str, str]
    slots: int = 1
    rest: int = 0
    rpc: int = 0
    manager: Any = None
    workers: dict[str, Any] = field(default_factory=dict)

    def start(self, workers: int) -> None:
        """Start all and wait until every slot is offered."""
        prepared = dict(os.environ) | self.env
        prepare_interpreter(prepared)  # type: ignore[arg-type]
        prepared["PYTHONPATH"] = os.pathsep.join([str(PROJECT_ROOT), prepared["PYTHONPATH"]])
        conf, logs = PROJECT_ROOT / "docker" / "flink", self.folder / "logs"
        self.env = prepared | {
            "FLINK_HOME": str(HOME), "FLINK_CONF_DIR": str(conf), "FLINK_LOG_DIR": str(logs),
        }  # fmt: skip
        self.rest, self.rpc = free_ports(2)
        self.manager = self._run("jobmanager")
        for number in range(workers):
            name = f"worker-{number}"
            self.workers[name] = self._run("taskmanager", f"taskmanager.resource-id={name}")
        poll(lambda: len(self._ask("/taskmanagers").get("taskmanagers", ())) == workers, "slots")

    def _run(self, role: str, *settings: str) -> Any:
        wanted = [
            *settings, "jobmanager.rpc.address=127.0.0.1", f"jobmanager.rpc.port={self.rpc}",
            "jobmanager.bind-host=127.0.0.1", "taskmanager.bind-host=127.0.0.1",
            "taskmanager.host=127.0.0.1", f"taskmanager.numberOfTaskSlots={self.slots}",
            f"rest.port={self.rest}", "rest.address=127.0.0.1", "rest.bind-address=127.0.0.1",
            f"python.executable={os.sys.executable}", "heartbeat.interval=1 s",
            "heartbeat.timeout=10 s", f"io.tmp.dirs={self.folder / 'tmp'}",
        ]  # fmt: skip
        options = [part for one in wanted for part in ("-D", one)]
        command = [str(HOME / "bin" / f"{role}.sh"), "start-foreground", *options]
        return start_process(command, self.folder / f"{role}.log", self.env)

    def _ask(self, path: str) -> dict[str, Any]:
        try:
            url = f"http://127.0.0.1:{self.rest}{path}"
            with urllib.request.urlopen(url, timeout=5) as response:
                found: dict[str, Any] = json.load(response)
                return found
        except OSError:
            return {}

    def submit(self, script: Path, *arguments: str, options: Sequence[str] = ()) -> Any:
        """`flink run -py script`, in a process of its own."""
        command = [
            str(HOME / "bin" / "flink"), "run", "-m", f"127.0.0.1:{self.rest}", *options,
            "-pyexec", os.sys.executable, "-pyclientexec", os.sys.executable,
            "-py", str(script), *arguments,
        ]  # fmt: skip
        return subprocess.Popen(
            command, env=self.env, text=True, stdout=(self.folder / "client.log").open("a"),
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def stop_with_savepoint(self, folder: Path) -> str:
        """Stop the one running job; returns where its state is."""
        (job,) = [one["id"] for one in self._ask("/jobs")["jobs"] if one["status"] == "RUNNING"]
        command = [str(HOME / "bin" / "flink"), "stop", "-m", f"127.0.0.1:{self.rest}",
                   "--savepointPath", folder.as_uri(), job]  # fmt: skip
        subprocess.run(command, env=self.env, check=True, capture_output=True, timeout=120)
        (savepoint,) = folder.glob("savepoint-*")
        return savepoint.as_uri()

    def busy(self) -> list[str]:
        """Ids of the task managers whose slot is taken."""
        found = self._ask("/taskmanagers").get("taskmanagers", ())
        return [one["id"] for one in found if one["freeSlots"] == 0]

    def running(self, job: str) -> str | None:
        """Id of the running job of a name."""
        jobs = self._ask("/jobs/overview").get("jobs", ())
        found = [one["jid"] for one in jobs if (one["name"], one["state"]) == (job, "RUNNING")]
        return found[0] if found else None

    def workers_of(self, job: str) -> list[str]:
        """Ids of the task managers that run a job."""
        vertices = self._ask(f"/jobs/{job}").get("vertices", ())
        found = (self._ask(f"/jobs/{job}/vertices/{one['id']}/taskmanagers") for one in vertices)
        return sorted({one["taskmanager-id"] for told in found for one in told["taskmanagers"]})

    def checkpoints(self, job: str) -> dict[str, int]:
        """How many checkpoints of a job were completed, restored and so on."""
        return dict(self._ask(f"/jobs/{job}/checkpoints").get("counts", {}))

    def kill(self, worker: str) -> None:
        """End a task manager as a crash would."""
        end(self.workers.pop(worker))

    def stop(self) -> None:
        """End what is left."""
        for process in (*self.workers.values(), self.manager):
            if process is not None:
                end(process)


def end(process: Any) -> None:
    """Kill a process and all it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)
