"""Puts the Java artefacts of `conf/jars/ivy.xml` and the files of `conf/spark/` into PySpark.

Spark's own class path is the only place that plain `spark-submit` looks at without flags and
without network. Standard library only.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path

from pipelines.core.errors import DependencyError
from pipelines.core.machine import find_java, memory_bytes

CONF = Path(__file__).resolve().parents[2] / "conf"
SPARK_FILES = ("spark-env.sh", "log4j2.properties")
# Where the set-up leaves the archive of Spark's classes (`class_archive.py`).
CLASSES = Path(sys.prefix) / "spark-classes.jsa"


def wanted_jars(ivy_file: Path = CONF / "jars" / "ivy.xml", group: str = "spark") -> list[str]:
    """File names (`<artefact>-<version>.jar`) that an Ivy file declares for a group."""
    names = []
    for dependencies in ET.parse(ivy_file).getroot().iter("dependencies"):  # noqa: S314 (our own file)
        fallback = dependencies.get("defaultconf", "")
        for item in dependencies.iter("dependency"):
            if item.get("conf", fallback).split("->")[0] == group:
                names.append(f"{item.get('name')}-{item.get('rev')}.jar")
    return names


def spark_home() -> Path:
    """Folder of the installed PySpark, found without importing it.

    Raises:
        DependencyError: PySpark is not installed here.
    """
    return package_home("pyspark", "PySpark")


def package_home(module: str, name: str) -> Path:
    """Folder of an installed package, found without importing it.

    Raises:
        DependencyError: it is not installed here.
    """
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise DependencyError(f"{name} is not installed in this Python. Run `make setup`.")
    return Path(spec.origin).parent


def missing_jars(names: Iterable[str], folder: Path) -> list[str]:
    """Names that are absent from `folder`, or empty there."""
    return [n for n in names if not (folder / n).is_file() or not (folder / n).stat().st_size]


def retrieve_jars(
    names: Iterable[str], home: Path, log: Path, tries: int = 3, pause_seconds: float = 5.0
) -> list[str]:
    """Fetch absent jars with the Ivy inside PySpark and copy them onto Spark's class path.

    Ivy keeps its own cache in the user's home, so a second environment needs no network.

    Args:
        names: wanted file names.
        home: PySpark's folder.
        log: file that takes Ivy's output.
        tries: attempts; a public repository may fail for a moment.
        pause_seconds: wait after the first failure, doubled each time.

    Returns:
        The names that were fetched.

    Raises:
        DependencyError: no Java, or jars still missing after the last try.
    """
    absent = missing_jars(names, home / "jars")
    if not absent:
        return []
    with tempfile.TemporaryDirectory() as scratch:

        def fetch() -> str:
            run_ivy(home, Path(scratch), log)
            lacking = missing_jars(absent, Path(scratch))
            return f"These jars could not be fetched: {', '.join(lacking)}" if lacking else ""

        try_again(fetch, log, tries, pause_seconds)
        for name in absent:
            place_jar(Path(scratch, name), home / "jars" / name)
    return absent


def try_again(fetch: Callable[[], str], log: Path, tries: int, pause_seconds: float) -> None:
    """Fetch until nothing is lacking; `fetch` says what still is.

    Raises:
        DependencyError: something is lacking after the last try.
    """
    for attempt in range(tries):
        if not (failure := fetch()):
            return
        if attempt + 1 < tries:
            time.sleep(pause_seconds * 2**attempt)
    raise DependencyError(
        f"{failure}. Check the network (a proxy goes into JAVA_TOOL_OPTIONS), then run `make setup`"
        f" again; details are in {log}."
    )


def run_ivy(home: Path, target: Path, log: Path, group: str = "spark") -> int:
    """Retrieve a group into a folder; returns Ivy's exit code.

    Raises:
        DependencyError: no Java, or PySpark without Ivy.
    """
    ivy = next((home / "jars").glob("ivy-*.jar"), None)
    if ivy is None:
        raise DependencyError(f"No Ivy in {home / 'jars'}: PySpark is damaged. Reinstall it.")
    command = [str(find_java().command), "-cp", str(ivy), "org.apache.ivy.Main"]
    command += ["-settings", str(CONF / "jars" / "ivysettings.xml")]
    command += ["-ivy", str(CONF / "jars" / "ivy.xml"), "-confs", group]
    command += ["-retrieve", str(target / "[artifact]-[revision].[ext]")]
    with log.open("a", encoding="utf-8") as output:
        done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False)
    return done.returncode


def place_jar(source: Path, target: Path) -> None:
    """Copy under another name first: a half-written jar is never on the class path."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.copyfile(source, draft)
    draft.replace(target)


def driver_memory(total_bytes: int, share: float = 0.5, most_mib: int = 3072) -> str:
    """Heap of the driver, which does all the work in local mode; Python workers need the rest."""
    return f"{min(most_mib, int(total_bytes * share / 2**20))}m"


def write_spark_conf(home: Path) -> None:
    """Fill in `conf/spark/*` and put it where Spark's launchers look."""
    values = {
        "@home@": str(home),
        "@python@": sys.executable,
        "@driver_memory@": driver_memory(memory_bytes()),
        "@classes@": str(CLASSES),
    }
    (home / "conf").mkdir(exist_ok=True)
    for name in SPARK_FILES:
        text = (CONF / "spark" / name).read_text(encoding="utf-8")
        for mark, value in values.items():
            text = text.replace(mark, value)
        (home / "conf" / name).write_text(text, encoding="utf-8")
