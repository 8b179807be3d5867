"""The MinIO server, built once from its public Go module and kept in the user's cache.

Upstream publishes no binaries or images any more. The server (AGPL) runs as a process of its own
and is not part of what Sangam distributes.

python -m pipelines.stack.minio_build    builds it unless it is there, and prints where
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from pipelines.core.errors import DependencyError
from pipelines.core.jar_groups import cache_folder

MINIO_VERSION = "v0.0.0-20260212201848-7aac2a2c5b7c"
MODULE = "github.com/minio/minio"


def minio_path(cache: Path | None = None) -> Path:
    """Where the built server lies, built or not."""
    return (cache or cache_folder()) / "tools" / f"minio-{MINIO_VERSION}" / "minio"


def find_minio(cache: Path | None = None) -> Path | None:
    """The built server, if it is there and has the bytes it was built with."""
    binary = minio_path(cache)
    checksum = binary.with_suffix(".sha256")
    if not binary.is_file() or not checksum.is_file():
        return None
    return binary if checksum.read_text().strip() == _sha256(binary) else None


def build_minio(log: Path, cache: Path | None = None) -> Path:
    """The server, built with `go install` if it is not in the cache (several minutes).

    Raises:
        DependencyError: no Go, or the build failed; names the log.
    """
    if found := find_minio(cache):
        return found
    go = shutil.which("go")
    if go is None:
        raise DependencyError(
            "MinIO cannot be built: there is no Go. Install Go 1.24 or newer (Debian:"
            " apt-get install golang), or let SANGAM_S3_ENDPOINT point to a running store."
        )
    target = minio_path(cache)
    target.parent.mkdir(parents=True, exist_ok=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    env = {**os.environ, "GOBIN": str(target.parent), "CGO_ENABLED": "0", "GOFLAGS": "-trimpath"}
    command = [go, "install", "-ldflags", "-s -w", f"{MODULE}@{MINIO_VERSION}"]
    with log.open("ab") as output:
        done = subprocess.run(
            command, env=env, stdout=output, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode:
        raise DependencyError(f"MinIO could not be built (`{' '.join(command[:2])}`); see {log}.")
    target.with_suffix(".sha256").write_text(_sha256(target) + "\n")
    return target


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while block := content.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


if __name__ == "__main__":
    print(build_minio(Path(tempfile.gettempdir()) / "sangam-minio-build.log"))
