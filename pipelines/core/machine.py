"""What a run stands on: Java, cores, memory, packages, commit. Standard library only.

`python -m pipelines.core.machine` checks Java, before anything is installed.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from pipelines.core.errors import DependencyError

JAVA_MAJOR = 17
PYTHON_VERSION = (3, 11)

_GET_JAVA = (
    f"Install a Java {JAVA_MAJOR} runtime (Debian, Ubuntu: apt-get install openjdk-17-jre-headless;"
    " macOS: brew install openjdk@17) and let JAVA_HOME point to it."
)


@dataclass(frozen=True)
class Java:
    """A Java that was found.

    Attributes:
        command: path of the launcher.
        version: full version text, such as 17.0.15.
        source: `JAVA_HOME` or `PATH`.
    """

    command: Path
    version: str
    source: str

    @property
    def major(self) -> int:
        """Feature release: 17 for 17.0.15, 8 for 1.8.0_402."""
        first, _, rest = self.version.partition(".")
        number = re.match(r"\d+", rest if first == "1" else first)
        return int(number[0]) if number else 0


def find_java(env: Mapping[str, str] = os.environ) -> Java:
    """Look at JAVA_HOME, then at PATH, as Spark does; accept Java 17 only.

    Raises:
        DependencyError: one sentence: none found, not runnable, or another version.
    """
    home = env.get("JAVA_HOME", "")
    if home:
        command, source = Path(home, "bin", "java"), "JAVA_HOME"
        if not os.access(command, os.X_OK):
            raise DependencyError(f"JAVA_HOME={home} holds no Java (no bin/java). {_GET_JAVA}")
    else:
        found = shutil.which("java", path=env.get("PATH", os.defpath))
        if found is None:
            raise DependencyError(f"Java is missing: not in JAVA_HOME, not on PATH. {_GET_JAVA}")
        command, source = Path(found), "PATH"
    java = Java(command, _java_version(command), source)
    if java.major != JAVA_MAJOR:
        shown = java.version or "of unknown version"
        raise DependencyError(
            f"Java {shown} ({command}, from {source}) does not fit: Java {JAVA_MAJOR} is needed."
            f" {_GET_JAVA}"
        )
    return java


def java_version(env: Mapping[str, str] = os.environ) -> str | None:
    """Version of the Java a run uses; None when there is no fitting one."""
    try:
        return find_java(env).version
    except DependencyError:
        return None


def _java_version(command: Path) -> str:
    """Version from the `release` file beside the launcher, else by asking the launcher."""
    release = command.resolve().parents[1] / "release"
    try:
        text = release.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = _output([str(command), "-version"])
    match = re.search(r'(?:JAVA_VERSION=|version )"([^"]+)"', text)
    return match[1] if match else ""


def _output(command: list[str], cwd: Path | None = None, seconds: float = 5) -> str:
    """Both output streams of a short command; empty when it fails or hangs."""
    try:
        done = subprocess.run(
            command, cwd=cwd, capture_output=True, text=True, timeout=seconds, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout + done.stderr


def memory_bytes() -> int:
    """Memory this process may use: of the machine, or of its container when that is less."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            limits.append(int(Path(file).read_text()))
        except (OSError, ValueError):
            continue
    return min(limits)


def usable_cores() -> int:
    """Cores this process may run on (`taskset` counts)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def package_versions(names: Iterable[str]) -> dict[str, str | None]:
    """Installed version of each distribution; None when it is absent."""
    found: dict[str, str | None] = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


def git_state(root: Path) -> dict[str, Any]:
    """Commit and whether the checkout differs from it; both None outside a repository."""
    commit = _output(["git", "rev-parse", "--verify", "HEAD"], root).strip() or None
    if commit is None:
        return {"git_sha": None, "git_dirty": None}
    return {"git_sha": commit, "git_dirty": bool(_output(["git", "status", "--porcelain"], root))}


def describe_machine() -> dict[str, Any]:
    """Cores, memory and platform for a manifest; the host keeps its name to itself."""
    return {
        "cores": usable_cores(),
        "memory_gib": round(memory_bytes() / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
    }


LIBRARY_REMEDY = (
    "On Debian and Ubuntu: `apt-get install libpython3.11`; elsewhere a Python 3.11 built with"
    " --enable-shared, then `make setup`."
)


def python_library() -> str | None:
    """Python's shared library, which Flink's thread mode loads; None where this Python has none.

    Raises:
        ImportError: the packages are not installed yet.
    """
    from find_libpython import find_libpython

    found: str | None = find_libpython()
    return found


def main() -> int:
    """Check Java and Python for the set-up; one sentence when one does not fit."""
    if sys.version_info[:2] != PYTHON_VERSION:
        print(f"Python {platform.python_version()} does not fit: 3.11 is needed.", file=sys.stderr)
        return DependencyError.exit_code
    try:
        find_java()
    except DependencyError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
