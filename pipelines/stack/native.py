"""A real Kafka and a real MinIO on loopback without Docker, for tests and for people without one.

What is started is written down in the stack's folder (ports, process ids, keys), so that another
command finds it and stops exactly that.
"""

import json
import os
import secrets
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.core import endpoints
from pipelines.core.config import PROJECT_ROOT
from pipelines.core.errors import DependencyError
from pipelines.core.jar_groups import install_group
from pipelines.core.machine import find_java
from pipelines.stack.minio_build import build_minio
from pipelines.stack.processes import (
    free_ports,
    is_running,
    kill_process,
    log_end,
    start_process,
    stop_process,
    wait_until,
)

CONF = PROJECT_ROOT / "conf" / "stack"
READY_SECONDS = 120
"""Until a server must answer; the machine may be busy."""

_WORD = {"kafka": "kafka.Kafka", "minio": "minio"}


@dataclass
class NativeStack:
    """The two servers of one folder.

    Attributes:
        folder: state, data, logs and keys; the checkout's own by default.
        heap_mb: heap of the broker, MiB.
    """

    folder: Path = endpoints.STACK_FOLDER
    heap_mb: int = 512

    @property
    def environment(self) -> dict[str, str]:
        """Variables that lead a job to this stack, keys included."""
        return endpoints.stack_environment({}, self.folder)

    def is_up(self, service: str) -> bool:
        """Whether the process of a service lives."""
        pid = self._state().get(f"{service}_pid", 0)
        return bool(pid) and is_running(pid, _WORD[service])

    def start(self, users: Sequence[str] = ()) -> None:
        """Start what does not run, on the ports it had before or on free ones.

        Args:
            users: jobs that get a key for the object store.

        Raises:
            DependencyError: no Java, no MinIO, or a server does not get ready.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "state.json").is_file():
            kafka, controller, store = free_ports(3)
            self._remember(kafka_port=kafka, controller_port=controller, minio_port=store)
        self._write_environment(users)
        if not self.is_up("kafka"):
            self.start_kafka()
        if not self.is_up("minio"):
            self.start_minio()

    def start_kafka(self) -> None:
        """Start the broker on its port; its data are made on the first start."""
        state, log = self._state(), self.folder / "kafka.log"
        jars = install_group("kafka", self.folder / "ivy.log")
        properties = self._write_properties(state)
        java = [str(find_java().command), f"-Xmx{self.heap_mb}m", "-XX:+UseSerialGC",
                f"-Dlog4j2.configurationFile={CONF / 'kafka-log4j2.properties'}",
                "-cp", str(jars[0].parent / "*")]  # fmt: skip
        if not (self.folder / "kafka" / "meta.properties").is_file():
            self._format([*java, "kafka.tools.StorageTool", "format", "--ignore-formatted"], log)
        process = start_process([*java, "kafka.Kafka", str(properties)], log)
        self._remember(kafka_pid=process.pid)
        wait_until(self._kafka_answers, "Kafka", READY_SECONDS, log, lambda: process.poll() is None)

    def _format(self, command: Sequence[str], log: Path) -> None:
        full = [
            *command,
            "-t",
            "sangam-native-stack-00",
            "-c",
            str(self.folder / "kafka.properties"),
        ]
        with log.open("ab") as output:
            done = subprocess.run(full, stdout=output, stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            raise DependencyError(f"Kafka's storage could not be made: {log_end(log)}")

    def _write_properties(self, state: dict[str, int]) -> Path:
        text = (CONF / "kafka.properties").read_text(encoding="utf-8")
        values = {"port": state["kafka_port"], "controller_port": state["controller_port"]}
        for mark, value in {**values, "data": self.folder / "kafka"}.items():
            text = text.replace(f"@{mark}@", str(value))
        target = self.folder / "kafka.properties"
        target.write_text(text, encoding="utf-8")
        return target

    def _kafka_answers(self) -> bool:
        from pipelines.core.kafka import admin

        try:
            with admin(f"127.0.0.1:{self._state()['kafka_port']}", 2) as client:
                return bool(client.describe_cluster()["brokers"])
        except DependencyError:
            return False

    def start_minio(self) -> None:
        """Start the object store on its port."""
        log, env = self.folder / "minio.log", self.environment
        binary = build_minio(self.folder / "minio-build.log")
        address = f"127.0.0.1:{self._state()['minio_port']}"
        keys = {
            "MINIO_ROOT_USER": env[endpoints.ROOT_USER],
            "MINIO_ROOT_PASSWORD": env[endpoints.ROOT_PASSWORD],
            "MINIO_BROWSER": "off",
            "MINIO_UPDATE": "off",
        }
        command = [str(binary), "server", "--quiet", "--address", address]
        process = start_process([*command, str(self.folder / "minio")], log, keys)
        self._remember(minio_pid=process.pid)
        url = f"http://{address}/minio/health/ready"
        wait_until(
            lambda: _answers(url), "MinIO", READY_SECONDS, log, lambda: process.poll() is None
        )

    def stop(self) -> None:
        """Stop both servers and wait until they are gone; data stay."""
        for service, word in _WORD.items():
            if pid := self._state().get(f"{service}_pid"):
                stop_process(pid, word)

    def kill(self, service: str) -> None:
        """End a server as a crash would."""
        kill_process(self._state()[f"{service}_pid"], _WORD[service])

    def remove(self) -> None:
        """Stop, and forget all data and keys."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _state(self) -> dict[str, int]:
        file = self.folder / "state.json"
        found: dict[str, int] = json.loads(file.read_text()) if file.is_file() else {}
        return found

    def _remember(self, **values: int) -> None:
        state = {**self._state(), **values}
        (self.folder / "state.json").write_text(json.dumps(state, indent=2) + "\n")

    def _write_environment(self, users: Sequence[str]) -> None:
        """Addresses and keys in a file of mode 600; keys that are there stay."""
        state, known = self._state(), self.environment
        wanted = {
            endpoints.KAFKA: f"127.0.0.1:{state['kafka_port']}",
            endpoints.S3_ENDPOINT: f"http://127.0.0.1:{state['minio_port']}",
            endpoints.ROOT_USER: "sangam-root",
            endpoints.ROOT_PASSWORD: known.get(endpoints.ROOT_PASSWORD) or secrets.token_hex(20),
        }
        for name in map(endpoints.secret_name, users):
            wanted[name] = known.get(name) or secrets.token_hex(20)
        text = "".join(f"{name}={value}\n" for name, value in {**known, **wanted}.items())
        file = self.folder / "env"
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(text)


def _answers(url: str, seconds: float = 2) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=seconds) as response:  # noqa: S310 (loopback)
            return int(response.status) == 200
    except (urllib.error.URLError, OSError):
        return False
