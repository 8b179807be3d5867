"""Records the classes that Flink's JVM loads, so that later JVMs map them instead of parsing them.

The set-up runs it once, as `SANGAM_RECORD_CLASSES=FILE python -m pipelines.core.flink_classes JOB
ARGS`: the given job runs, and at its end the JVM writes FILE (class data sharing, JEP 350). A JVM
that the file does not fit ignores it. `class_archive.py` does the same for Spark.
"""

import os
import runpy
import sys
from contextlib import suppress
from pathlib import Path

CLASSES = Path(sys.prefix) / "flink-classes.jsa"
"""Where the set-up leaves the archive."""

RECORD = "SANGAM_RECORD_CLASSES"
NO_FOLDER = "/nonexistent"


def use_recorded_classes(archive: Path = CLASSES) -> None:
    """Let the JVM, if it is not up yet, map the archive, or record one where the set-up asks.

    A JVM uses none while its class path holds a folder with files in it. PyFlink's ends in three
    folders of settings, and one that nobody has set is the working folder: it gets a name.
    """
    if file := os.environ.get(RECORD):
        flags = f"-XX:ArchiveClassesAtExit={file} -Xlog:cds=off -Xlog:cds+dynamic=off"
    elif archive.is_file():
        flags = f"-XX:SharedArchiveFile={archive} -Xlog:cds=off"
    else:
        return
    for name in ("YARN_CONF_DIR", "HADOOP_CONF_DIR", "HBASE_CONF_DIR"):
        os.environ.setdefault(name, NO_FOLDER)
    given = os.environ.get("JVM_ARGS", "")
    if flags not in given:
        os.environ["JVM_ARGS"] = f"{given} {flags}".strip()


def end_jvm() -> None:
    """End Flink's JVM in order, and wait for what it writes at its end."""
    from pyflink.java_gateway import get_gateway

    jvm = get_gateway().jvm
    pid = jvm.java.lang.ProcessHandle.current().pid()
    with suppress(Exception):  # it answers no more
        jvm.java.lang.System.exit(0)
    with suppress(ChildProcessError):  # ended and taken note of before
        os.waitpid(pid, 0)


def main() -> int:
    """Run the job of the command line; returns its exit code."""
    sys.argv = sys.argv[1:]
    sys.path[0] = ""  # as for `python JOB`, the checkout
    code = 0
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        code = int(end.code or 0)
    end_jvm()
    return code


if __name__ == "__main__":
    sys.exit(main())
