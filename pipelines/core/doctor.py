"""Says what is missing on this machine and how to get it. Standard library only.

`python -m pipelines doctor` works before `make setup` has run, and without Java.
"""

import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipelines.core import jars
from pipelines.core.errors import DependencyError
from pipelines.core.machine import (
    LIBRARY_REMEDY,
    PYTHON_VERSION,
    find_java,
    memory_bytes,
    package_versions,
    python_library,
    usable_cores,
)

ROOT = Path(__file__).resolve().parents[2]
_SETUP = "Run `make setup`."


@dataclass(frozen=True)
class Finding:
    """One line of the table.

    Attributes:
        subject: what was looked at.
        state: `missing` makes the exit code 5, `warning` does not.
        found: what is there.
        remedy: how to get what is missing.
    """

    subject: str
    state: Literal["ok", "warning", "missing"]
    found: str
    remedy: str = ""


def check_python() -> Finding:
    """The running interpreter against the one version that all engines share."""
    found = f"{platform.python_version()} ({sys.executable})"
    if sys.version_info[:2] == PYTHON_VERSION:
        return Finding("python", "ok", found)
    return Finding("python", "missing", found, "Install Python 3.11, then `make setup`.")


def check_library() -> Finding:
    """Python's shared library; of the jobs only upi_fraud needs it."""
    try:
        found = python_library()
    except ImportError:
        return Finding("libpython", "warning", "not looked for", _SETUP)
    if found is None:
        return Finding("libpython", "warning", "-", f"upi_fraud needs it. {LIBRARY_REMEDY}")
    return Finding("libpython", "ok", found)


def check_java(env: Mapping[str, str]) -> Finding:
    """Java 17 in JAVA_HOME or on PATH."""
    try:
        java = find_java(env)
    except DependencyError as error:
        return Finding("java", "missing", "-", str(error))
    return Finding("java", "ok", f"{java.version} ({java.command}, from {java.source})")


def check_packages(lock: Path) -> Finding:
    """Installed packages against the versions in requirements.lock."""
    wanted = dict(re.findall(r"^([\w.-]+)==([^\s;\\]+)", lock.read_text(encoding="utf-8"), re.M))
    installed = package_versions(wanted)
    absent = sorted(name for name, version in installed.items() if version is None)
    other = sorted(
        f"{name} {version} instead of {wanted[name]}"
        for name, version in installed.items()
        if version is not None and version != wanted[name]
    )
    if absent:
        return Finding("packages", "missing", f"{len(absent)} absent: {_some(absent)}", _SETUP)
    if other:
        return Finding("packages", "missing", f"{len(other)} differ: {_some(other)}", _SETUP)
    return Finding("packages", "ok", f"{len(wanted)} as in {lock.name}")


def check_project() -> Finding:
    """Whether `pipelines` is installed, so that Spark's Python workers find it too."""
    version = package_versions(["sangam"])["sangam"]
    if version is None:
        return Finding("pipelines", "missing", "not installed", _SETUP)
    return Finding("pipelines", "ok", f"sangam {version}, from {ROOT}")


def check_jars() -> Iterator[Finding]:
    """Each declared jar on Spark's class path, in the declared version and no other."""
    try:
        folder = jars.spark_home() / "jars"
    except DependencyError as error:
        yield Finding("jars", "missing", "-", str(error))
        return
    for name in jars.wanted_jars():
        artefact, version = re.fullmatch(r"(.+)-([^-]+)\.jar", name).groups()  # type: ignore[union-attr]
        twins = [p.name for p in folder.glob(f"{artefact}-[0-9]*.jar") if p.name != name]
        if jars.missing_jars([name], folder):
            yield Finding(f"jar {artefact}", "missing", f"{version} is not there", _SETUP)
        elif twins:
            remedy = f"Remove {', '.join(twins)} from {folder}."
            yield Finding(f"jar {artefact}", "missing", f"{version} and {_some(twins)}", remedy)
        else:
            yield Finding(f"jar {artefact}", "ok", version)


def check_spark(env: Mapping[str, str]) -> Finding:
    """Launcher files in place, and no other Spark in the way."""
    try:
        home = jars.spark_home()
    except DependencyError as error:
        return Finding("spark", "missing", "-", str(error))
    other = env.get("SPARK_HOME")
    if other and Path(other).resolve() != home.resolve():
        return Finding("spark", "warning", f"SPARK_HOME={other} wins", "Run `unset SPARK_HOME`.")
    absent = [name for name in jars.SPARK_FILES if not (home / "conf" / name).is_file()]
    if absent:
        return Finding("spark", "missing", f"no {', '.join(absent)}", _SETUP)
    return Finding("spark", "ok", str(home))


def check_room(disk_gib: float = 3.0, memory_gib: float = 4.0) -> Iterator[Finding]:
    """Free disk here, and memory.

    Args:
        disk_gib: least free disk, GiB; jars, packages and tables of a small run.
        memory_gib: least memory, GiB; the driver's heap and its Python workers.
    """
    free, total = shutil.disk_usage(ROOT).free / 2**30, memory_bytes() / 2**30
    few = free < disk_gib
    remedy = f"Free some space: {disk_gib:g} GiB are needed." if few else ""
    yield Finding("disk", "warning" if few else "ok", f"{free:.1f} GiB free", remedy)
    few = total < memory_gib
    remedy = f"{memory_gib:g} GiB are advised; expect small inputs only." if few else ""
    found = f"{total:.1f} GiB, {usable_cores()} cores"
    yield Finding("memory", "warning" if few else "ok", found, remedy)


def examine(env: Mapping[str, str] = os.environ) -> list[Finding]:
    """All findings, in the order in which they should be repaired."""
    findings = [check_python(), check_java(env), check_packages(ROOT / "requirements.lock")]
    findings += [check_project(), check_library(), *check_jars(), check_spark(env), *check_room()]
    return findings


def _some(names: list[str], most: int = 4) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def main() -> int:
    """Print the table; 0 when nothing is missing, else 5."""
    findings = examine()
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        print(f"{finding.state:<8} {finding.subject:<{width}}  {finding.found}")
        if finding.remedy:
            print(f"{'':<8} {'':<{width}}  -> {finding.remedy}")
    is_whole = all(finding.state != "missing" for finding in findings)
    print("All that is needed is here." if is_whole else "Repair the first line marked missing.")
    return 0 if is_whole else DependencyError.exit_code
