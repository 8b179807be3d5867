"""Puts the groups of `conf/jars/ivy.xml` that need their own dependencies where they belong.

A group is in place when the list it left behind names files that are all there. The list carries a
fingerprint of the Ivy file, so that a changed version is fetched again and the old one removed.
Standard library only; `python -m pipelines.core.jar_groups` brings all jars in place, Spark's own
too, and does nothing where they are.
"""

import filecmp
import hashlib
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pipelines.core import jars
from pipelines.core.errors import SangamError

SETUP_GROUPS = ("s3", "flink", "flink-s3")
"""Groups that `make setup` puts in place; the broker (`kafka`) is fetched by the native stack."""


def cache_folder(env: Mapping[str, str] = os.environ) -> Path:
    """Where downloads and built tools are kept between checkouts (XDG base directories)."""
    return Path(env.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sangam"


def flink_home() -> Path:
    """Folder of the installed PyFlink, found without importing it.

    Raises:
        DependencyError: PyFlink is not installed here.
    """
    return jars.package_home("pyflink", "PyFlink")


def group_folder(group: str) -> Path:
    """Folder on the class path that reads a group."""
    if group == "s3":
        return jars.spark_home() / "jars"
    if group == "flink":
        return flink_home() / "lib"
    if group == "flink-s3":
        return flink_home() / "plugins" / "s3-fs-hadoop"
    return cache_folder() / "jars" / group


def installed_jars(group: str, folder: Path | None = None) -> list[Path]:
    """Files of a group; empty when it was never put in place, is damaged or out of date."""
    place = folder or group_folder(group)
    listing = place / f".{group}.list"
    if not listing.is_file():
        return []
    fingerprint, *names = listing.read_text(encoding="utf-8").splitlines()
    if fingerprint != _fingerprint() or jars.missing_jars(names, place):
        return []
    return [place / name for name in names]


def install_group(
    group: str, log: Path, folder: Path | None = None, tries: int = 3, pause_seconds: float = 5.0
) -> list[Path]:
    """Fetch a group unless it is in place.

    Args:
        group: configuration of the Ivy file.
        log: file that takes Ivy's output.
        folder: where the jars go; the group's own place when None.
        tries: attempts; a public repository may fail for a moment.
        pause_seconds: wait after the first failure, doubled each time.

    Raises:
        DependencyError: no Java, or nothing fetched after the last try.
    """
    place = folder or group_folder(group)
    if there := installed_jars(group, place):
        return there
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:

        def fetch() -> str:
            code = jars.run_ivy(jars.spark_home(), Path(scratch), log, group)
            return f"The jars of group {group!r} could not be fetched" if code else ""

        jars.try_again(fetch, log, tries, pause_seconds)
        return _replace(group, Path(scratch), place)


def _replace(group: str, source: Path, place: Path) -> list[Path]:
    names = sorted(file.name for file in source.glob("*.jar"))
    listing = place / f".{group}.list"
    before = listing.read_text(encoding="utf-8").splitlines()[1:] if listing.is_file() else []
    for name in set(before) - set(names):
        (place / name).unlink(missing_ok=True)
    for name in names:
        # A jar that is there stays untouched: the archive of Spark's classes goes by its time.
        if not (place / name).is_file() or not filecmp.cmp(source / name, place / name, False):
            jars.place_jar(source / name, place / name)
    listing.write_text("\n".join([_fingerprint(), *names]) + "\n", encoding="utf-8")
    return [place / name for name in names]


def _fingerprint() -> str:
    return hashlib.sha256((jars.CONF / "jars" / "ivy.xml").read_bytes()).hexdigest()[:16]


def main() -> int:
    """Bring jars and configuration in place; one sentence and exit code 5 when that fails."""
    try:
        home = jars.spark_home()
        log = Path(sys.prefix) / "ivy.log"
        jars.retrieve_jars(jars.wanted_jars(), home, log)
        for group in SETUP_GROUPS:
            install_group(group, log)
        jars.write_spark_conf(home)
    except SangamError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
