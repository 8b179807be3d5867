"""Doctor, Java, git and make as processes of their own: what a newcomer meets first."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.core import jars
from pipelines.core.errors import DependencyError
from pipelines.core.machine import find_java, git_state

ROOT = Path(__file__).parents[3]


def fake_java(home: Path, version: str, has_release: bool = True) -> Path:
    launcher = home / "bin" / "java"
    launcher.parent.mkdir(parents=True)
    answer = "" if has_release else f"echo 'openjdk version \"{version}\" 2024-01-01' >&2"
    launcher.write_text(f"#!/bin/sh\n{answer}\n")
    launcher.chmod(0o755)
    if has_release:
        (home / "release").write_text(f'IMPLEMENTOR="X"\nJAVA_VERSION="{version}"\n')
    return home


@pytest.mark.parametrize("has_release", [True, False])
def test_java_17_is_found_in_java_home_before_path(tmp_path, has_release):
    good = fake_java(tmp_path / "a", "17.0.9", has_release)
    bad = fake_java(tmp_path / "b", "11.0.2")
    java = find_java({"JAVA_HOME": str(good), "PATH": str(bad / "bin")})
    assert (java.version, java.major, java.source) == ("17.0.9", 17, "JAVA_HOME")


def test_java_is_found_on_path(tmp_path):
    home = fake_java(tmp_path / "a", "17.0.9")
    (tmp_path / "link").symlink_to(home / "bin" / "java")
    assert find_java({"PATH": str(home / "bin")}).source == "PATH"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").symlink_to(home / "bin" / "java")
    assert find_java({"PATH": str(tmp_path / "bin")}).version == "17.0.9"


@pytest.mark.parametrize("version", ["11.0.2", "1.8.0_402", "21.0.1", ""])
@pytest.mark.parametrize("has_release", [True, False])
def test_another_java_is_one_sentence(tmp_path, version, has_release):
    home = fake_java(tmp_path / "a", version, has_release)
    with pytest.raises(DependencyError) as refusal:
        find_java({"JAVA_HOME": str(home)})
    told = str(refusal.value)
    assert version in told
    assert "Java 17 is needed" in told
    assert "\n" not in told


def test_doctor_runs_in_a_bare_python(tmp_path):
    """Before the set-up there are no packages: `-S -E` hides those that are here."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from pipelines.core import doctor;"
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-c", f"{code} sys.exit(doctor.main())"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 5, done.stderr
    assert "missing  packages" in done.stdout
    assert "make setup" in done.stdout
    assert done.stderr == ""


def test_the_launcher_refuses_an_old_java_in_one_sentence(tmp_path):
    jars.write_spark_conf(tmp_path)
    done = subprocess.run(
        ["/bin/bash", "-c", f". {tmp_path}/conf/spark-env.sh; echo started"],
        env={"JAVA_HOME": str(fake_java(tmp_path / "a", "11.0.2")), "PATH": os.defpath},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr.count("\n") == 1
    assert "Java 11.0.2" in done.stderr


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_git_state_tells_commit_and_changes(tmp_path):
    author = ["-c", "user.name=t", "-c", "user.email=t@t"]
    for command in (["init", "-q"], [*author, "commit", "-qm", "x", "--allow-empty"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    clean = git_state(tmp_path)
    assert len(clean["git_sha"]) == 40
    assert clean["git_dirty"] is False
    (tmp_path / "new").write_text("x")
    assert git_state(tmp_path)["git_dirty"] is True


def test_make_alone_prints_help():
    done = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True)
    listed = {line.split()[1] for line in done.stdout.splitlines()}
    assert {"setup", "dedup", "test", "test-unit", "lint", "doctor", "bench-dedup"} <= listed


def test_make_without_python_is_one_sentence(tmp_path):
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    make = shutil.which("make")
    bare = tmp_path / "bin"
    bare.mkdir()
    (bare / "touch").symlink_to(shutil.which("touch"))
    done = subprocess.run(
        [make, "-s", "setup"], cwd=tmp_path, env={"PATH": str(bare)}, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "Python 3.11 is missing" in done.stderr
    assert "Traceback" not in done.stderr
