"""The archive of Flink's classes: used where there is one, recorded where the set-up asks."""

import os
from pathlib import Path

import pytest

from pipelines.core.flink_classes import NO_FOLDER, RECORD, use_recorded_classes

FOLDERS = ("YARN_CONF_DIR", "HADOOP_CONF_DIR", "HBASE_CONF_DIR")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing set, and all as before afterwards."""
    for name in ("JVM_ARGS", RECORD, *FOLDERS):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def test_without_an_archive_nothing_changes(tmp_path: Path) -> None:
    use_recorded_classes(tmp_path / "none.jsa")
    assert not {"JVM_ARGS", *FOLDERS} & set(os.environ)


def test_an_archive_is_used_beside_what_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "some.jsa"
    archive.touch()
    monkeypatch.setenv("JVM_ARGS", "-Xmx1g")
    monkeypatch.setenv("HADOOP_CONF_DIR", "/etc/hadoop/conf")
    use_recorded_classes(archive)
    use_recorded_classes(archive)
    assert os.environ["JVM_ARGS"] == f"-Xmx1g -XX:SharedArchiveFile={archive} -Xlog:cds=off"
    assert [os.environ[name] for name in FOLDERS] == [NO_FOLDER, "/etc/hadoop/conf", NO_FOLDER]


def test_the_set_up_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "old.jsa"
    archive.touch()
    monkeypatch.setenv(RECORD, "new.jsa")
    use_recorded_classes(archive)
    assert os.environ["JVM_ARGS"].startswith("-XX:ArchiveClassesAtExit=new.jsa ")
