"""Groups of jars: fetched once, whole or not at all, and again when the Ivy file changes."""

from pathlib import Path

import pytest

from pipelines.core import jar_groups, jars
from pipelines.core.errors import DependencyError


@pytest.fixture
def ivy(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Stands in for Ivy: each call writes the next list of names, an empty one fails."""
    answers: list[list[str]] = []

    def run(_home: Path, target: Path, _log: Path, _group: str) -> int:
        names = answers.pop(0)
        for name in names:
            (target / name).write_text(name)
        return 0 if names else 1

    monkeypatch.setattr(jars, "run_ivy", run)
    return answers


def test_a_group_is_fetched_once(tmp_path: Path, ivy: list[list[str]]) -> None:
    ivy.append(["a.jar", "b.jar"])
    made = jar_groups.install_group("kafka", tmp_path / "log", tmp_path / "jars")
    assert [file.name for file in made] == ["a.jar", "b.jar"]
    assert jar_groups.install_group("kafka", tmp_path / "log", tmp_path / "jars") == made


def test_a_lost_jar_brings_the_group_back(tmp_path: Path, ivy: list[list[str]]) -> None:
    ivy += [["a.jar"], ["a.jar"]]
    (file,) = jar_groups.install_group("kafka", tmp_path / "log", tmp_path)
    file.unlink()
    assert jar_groups.installed_jars("kafka", tmp_path) == []
    assert jar_groups.install_group("kafka", tmp_path / "log", tmp_path) == [file]


def test_a_new_ivy_file_replaces_the_old_jars(
    tmp_path: Path, ivy: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    ivy += [["a-1.jar", "b.jar"], ["a-2.jar", "b.jar"]]
    (tmp_path / "other.jar").write_text("not ours")
    jar_groups.install_group("kafka", tmp_path / "log", tmp_path)
    before = (tmp_path / "b.jar").stat()
    monkeypatch.setattr(jar_groups, "_fingerprint", lambda: "changed")
    jar_groups.install_group("kafka", tmp_path / "log", tmp_path)
    assert sorted(file.name for file in tmp_path.glob("*.jar")) == ["a-2.jar", "b.jar", "other.jar"]
    assert (tmp_path / "b.jar").stat().st_ino == before.st_ino, "a jar that stays was replaced"


def test_a_group_that_cannot_be_had_is_named(tmp_path: Path, ivy: list[list[str]]) -> None:
    ivy += [[], [], []]
    with pytest.raises(DependencyError, match="group 'kafka' could not be fetched"):
        jar_groups.install_group("kafka", tmp_path / "log", tmp_path, tries=3, pause_seconds=0)
    assert ivy == []


def test_the_groups_are_declared() -> None:
    for group in (*jar_groups.SETUP_GROUPS, "kafka"):
        assert jars.wanted_jars(group=group), group
