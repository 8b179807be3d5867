"""A Docker engine for the compose test: one that runs, or one started for the test and ended after.

Where images cannot be pulled they are made from packages, under the names docker-compose.yml uses.
"""

import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipelines.core.config import PROJECT_ROOT
from pipelines.core.jar_groups import install_group
from pipelines.stack.minio_build import build_minio

HERE = Path(__file__).parent
DEBIAN, GO, KAFKA = "debian:12-slim", "golang:1.24-bookworm", "apache/kafka:4.1.1"
GO_FOLDERS = {
    "GOROOT": "usr/local/go",
    "GOMODCACHE": "go/pkg/mod",
    "GOCACHE": "root/.cache/go-build",
}
"""Where folders of the Go on this machine lie in the image with Go."""

GO_SETTINGS = (
    "GOPATH=/go GOTOOLCHAIN=local"
    " PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
)
HOST_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def run(*command: str, env: Mapping[str, str] | None = None, seconds: float = 1500) -> str:
    """Run a command to its end; its output is in the message when it fails."""
    done = subprocess.run(
        command, cwd=PROJECT_ROOT, env={**os.environ, **(env or {})}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}"
    return done.stdout


def compose_command() -> Sequence[str] | None:
    """`docker compose`, or the older program; None without either."""
    if (
        subprocess.run(
            ["docker", "compose", "version"], capture_output=True, check=False
        ).returncode
        == 0
    ):
        return ("docker", "compose")
    return ("docker-compose",) if shutil.which("docker-compose") else None


def answers() -> bool:
    """Whether an engine takes commands."""
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0


def start_engine(log: Path) -> subprocess.Popen[bytes] | None:
    """Start an engine; None where that is not possible."""
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        return None
    with log.open("ab") as output:
        process = subprocess.Popen(
            ["dockerd"], stdout=output, stderr=output, start_new_session=True
        )
    deadline = time.monotonic() + 60
    while not answers():
        if process.poll() is not None or time.monotonic() > deadline:
            process.terminate()
            return None
        time.sleep(0.5)
    return process


def has_image(name: str) -> bool:
    """Whether an image is here."""
    found = subprocess.run(["docker", "image", "inspect", name], capture_output=True, check=False)
    return found.returncode == 0


def is_healthy(container: str) -> bool:
    """Whether a container is there and its health check holds."""
    found = subprocess.run(
        ["docker", "inspect", "-f", "{{.State.Health.Status}}", container],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return found.stdout.strip() == "healthy"


def pulls(name: str) -> bool:
    """Whether a registry has an image; it is here then."""
    done = subprocess.run(
        ["docker", "pull", "-q", name], capture_output=True, timeout=300, check=False
    )
    return done.returncode == 0


def provide_debian() -> None:
    """Pull Debian, or make the same image from its packages with debootstrap.

    The host's certificates go with it, or nothing inside could fetch a package through a proxy.
    """
    if has_image(DEBIAN) or pulls(DEBIAN):
        return
    with tempfile.TemporaryDirectory() as scratch:
        root, image = Path(scratch, "root"), Path(scratch, "root.tar")
        run("debootstrap", "--variant=minbase", "bookworm", str(root))
        shutil.copyfile(HOST_CERTIFICATES, root / "etc" / "host-ca.crt")
        local = Path("/usr/local/share/ca-certificates")
        if local.is_dir():
            shutil.copytree(local, root / local.relative_to("/"), dirs_exist_ok=True)
        with tarfile.open(image, "w") as archive:
            archive.add(root, arcname=".")
        ca = "PIP_CERT=/etc/host-ca.crt SSL_CERT_FILE=/etc/host-ca.crt"
        run("docker", "import", "-c", f"ENV {ca}", "-c", 'CMD ["bash"]', str(image), DEBIAN)


def provide_go(log: Path) -> None:
    """Pull the image with Go, or make one from the Go of this machine.

    What that Go has fetched and compiled goes with it: the native stack has built the same module
    with the same flags, which spares the image of MinIO some minutes.
    """
    if has_image(GO) or pulls(GO):
        return
    build_minio(log)
    made = run("docker", "create", DEBIAN).strip()
    try:
        copy = subprocess.Popen(["docker", "cp", "-", f"{made}:/"], stdin=subprocess.PIPE)
        with tarfile.open(fileobj=copy.stdin, mode="w|") as archive:
            for name, target in GO_FOLDERS.items():
                if (here := Path(run("go", "env", name).strip())).is_dir():
                    archive.add(here, arcname=target)
        copy.communicate()
        assert copy.returncode == 0, "Go could not be copied into an image"
        run("docker", "commit", "-c", f"ENV {GO_SETTINGS}", made, GO)
    finally:
        run("docker", "rm", made)


def build_images() -> None:
    """The images of docker-compose.yml, and a stand-in for Kafka's where it cannot be pulled.

    Steps that have not changed come from the engine's cache.
    """
    provide_debian()
    build("sangam-jobs:0.1.0", ".", "-f", "docker/jobs/Dockerfile")
    with tempfile.TemporaryDirectory() as scratch:
        provide_go(Path(scratch, "go.log"))
        build("sangam-minio:20260212", "docker/minio")
        if pulls(KAFKA):
            return
        kafka = Path(scratch, "kafka")
        shutil.copytree(HERE / "kafka", kafka)
        (kafka / "libs").mkdir()
        for jar in install_group("kafka", Path(scratch, "ivy.log")):
            shutil.copy(jar, kafka / "libs")
        build(KAFKA, str(kafka))


def build(name: str, context: str, *options: str) -> None:
    """Build an image; a second time if a download has failed the first time."""
    command = ("docker", "build", "-q", "--network", "host", *options, "-t", name, context)
    try:
        run(*command)
    except AssertionError:
        run(*command)
