"""Functions and operators of a Flink job in Java, compiled on first use and kept in the cache.

Janino compiles them, which PySpark brings along, so that a Java runtime without compiler is enough.
The jar is named after the sources and the versions it was compiled against. A process reads the
sources once, so that a job which it starts anew later is the job that it started first.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pipelines.core.errors import DependencyError
from pipelines.core.jar_groups import cache_folder, flink_home
from pipelines.core.jars import spark_home

_COMPILER = ("janino-*.jar", "commons-compiler-*.jar", "py4j-*.jar")
_STEADY_TIME = (1980, 1, 1, 0, 0, 0)


def create_functions(tables: Any, jar: Path, functions: Mapping[str, str]) -> None:
    """Make functions known to a table environment.

    The jar becomes part of this environment and of every job it starts. The option `pipeline.jars`
    would do less: PyFlink hands it to the JVM thread that answers, not to the environment.

    Args:
        tables: the table environment.
        jar: their classes, see `functions_jar`.
        functions: class of each function by its name in SQL.
    """
    tables.execute_sql(f"ADD JAR '{jar.as_uri()}'")
    for name, java in functions.items():
        tables.execute_sql(f"CREATE TEMPORARY SYSTEM FUNCTION {name} AS '{java}' LANGUAGE JAVA")


def functions_jar(
    job: str,
    sources: Path,
    folder: Path | None = None,
    services: Mapping[str, str] = MappingProxyType({}),
) -> Path:
    """The jar with all functions of a job, compiled if it is not there yet.

    Args:
        job: first part of its name.
        sources: folder of the sources.
        folder: where it is kept; the user's cache when None.
        services: class that Java's service loader finds, by the interface it is asked for.

    Raises:
        DependencyError: no Java, or the sources do not compile against this Flink.
    """
    place = folder or cache_folder() / "jvm"
    target = place / f"{job}-{_fingerprint(sources)}.jar"
    if target.is_file():
        return target
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        classes = Path(scratch, "classes")
        _compile(sources, Path(scratch), classes)
        draft = target.with_suffix(f".{os.getpid()}.tmp")
        with zipfile.ZipFile(draft, "w") as jar:
            for file in sorted(classes.rglob("*.class")):
                name = file.relative_to(classes).as_posix()
                jar.writestr(zipfile.ZipInfo(name, _STEADY_TIME), file.read_bytes())
            for name, java in services.items():
                jar.writestr(zipfile.ZipInfo(f"META-INF/services/{name}", _STEADY_TIME), java)
        draft.replace(target)
    return target


@cache
def _texts(sources: Path) -> Mapping[str, bytes]:
    """The sources by name, as they were when this process first asked."""
    return {file.name: file.read_bytes() for file in sorted(sources.glob("*.java"))}


def _fingerprint(sources: Path) -> str:
    parts = list(_texts(sources).values())
    parts += [file.name.encode() for file in sorted((flink_home() / "lib").glob("flink-*.jar"))]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _compile(sources: Path, scratch: Path, classes: Path) -> None:
    """Run the compiler in a process of its own, so that its JVM ends with it."""
    for name, text in _texts(sources).items():
        (scratch / name).write_bytes(text)
    classes.mkdir()
    jars = spark_home() / "jars"
    compiler = [str(next(jars.glob(pattern))) for pattern in _COMPILER]
    command = [
        sys.executable, "-m", "pipelines.core.java_functions", str(scratch), str(classes), *compiler
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise DependencyError(
            f"The functions in {sources.parent.name}/{sources.name}/ could not be compiled:"
            f" {reason}. Is Java 17 on PATH? `make doctor` looks."
        )


def compile_here(sources: str, target: str, compiler: Sequence[str]) -> None:
    """Compile all sources into a folder; starts a JVM.

    Args:
        sources: folder of the sources.
        target: folder for the classes.
        compiler: jars of Janino, its helper and py4j, in this order.
    """
    from py4j.java_gateway import (  # type: ignore[import-untyped]
        GatewayParameters,
        JavaGateway,
        launch_gateway,
    )
    from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]

    port = launch_gateway(
        classpath=os.pathsep.join(compiler),
        jarpath=compiler[-1],
        javaopts=["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"],
        die_on_exit=True,
    )
    gateway = JavaGateway(gateway_parameters=GatewayParameters(port=port))
    try:
        make = gateway.jvm.org.codehaus.janino.Compiler()
        make.setSourceVersion(8)
        make.setTargetVersion(8)
        make.setDestinationDirectory(gateway.jvm.java.io.File(target), False)
        make.setClassPath(_files(gateway, sorted((flink_home() / "lib").glob("*.jar"))))
        make.compile(_files(gateway, sorted(Path(sources).glob("*.java"))))
    except Py4JJavaError as error:
        sys.exit(str(error.java_exception.getMessage()))
    finally:
        gateway.shutdown()


def _files(gateway: object, paths: Sequence[Path]) -> object:
    kind = gateway.jvm.java.io.File  # type: ignore[attr-defined]
    made = gateway.new_array(kind, len(paths))  # type: ignore[attr-defined]
    for place, path in enumerate(paths):
        made[place] = kind(str(path))
    return made


if __name__ == "__main__":
    compile_here(sys.argv[1], sys.argv[2], sys.argv[3:])
