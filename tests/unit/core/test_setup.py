"""Java, jars, doctor and make: what a newcomer meets first."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.core import doctor, flink, jars
from pipelines.core.cli import main_guard
from pipelines.core.errors import DependencyError
from pipelines.core.machine import (
    find_java,
    git_state,
    memory_bytes,
    package_versions,
    usable_cores,
)

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


def test_no_java_is_one_sentence(tmp_path):
    for env in ({"PATH": str(tmp_path)}, {"JAVA_HOME": str(tmp_path / "gone"), "PATH": "/usr/bin"}):
        with pytest.raises(DependencyError, match="Install a Java 17") as refusal:
            find_java(env)
        assert "\n" not in str(refusal.value)


def test_doctor_with_a_missing_java(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    start = time.monotonic()
    assert main_guard(doctor.main, debug=False) == 5
    told = capsys.readouterr().out
    assert "missing  java" in told
    assert "apt-get install openjdk-17-jre-headless" in told
    assert time.monotonic() - start < 10


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


def test_doctor_sees_other_versions(tmp_path):
    lock = tmp_path / "requirements.lock"
    lock.write_text("numpy==0.0.1 \\\n    --hash=sha256:00\nno-such-package==1.0 \\\n    # via x\n")
    finding = doctor.check_packages(lock)
    assert (finding.state, finding.found) == ("missing", "1 absent: no-such-package")
    lock.write_text("numpy==0.0.1 \\\n")
    assert "instead of 0.0.1" in doctor.check_packages(lock).found


def test_doctor_sees_missing_and_doubled_jars(tmp_path, monkeypatch):
    wanted = jars.wanted_jars()
    (tmp_path / "jars").mkdir()
    for name in wanted[1:]:
        (tmp_path / "jars" / name).write_text("x")
    (tmp_path / "jars" / "kafka-clients-0.1.jar").write_text("x")
    monkeypatch.setattr(jars, "spark_home", lambda: tmp_path)
    findings = {f.subject.removeprefix("jar "): f for f in doctor.check_jars()}
    states = {subject: finding.state for subject, finding in findings.items()}
    assert states.pop("delta-spark_4.1_2.13") == "missing"
    assert states.pop("kafka-clients") == "missing"
    assert "kafka-clients-0.1.jar" in findings["kafka-clients"].remedy
    assert set(states.values()) == {"ok"}


def test_doctor_warns_of_another_spark(tmp_path):
    finding = doctor.check_spark({"SPARK_HOME": str(tmp_path)})
    assert finding.state == "warning"
    assert "unset SPARK_HOME" in finding.remedy


def test_doctor_warns_of_little_room():
    assert {finding.state for finding in doctor.check_room(0, 0)} == {"ok"}
    assert {finding.state for finding in doctor.check_room(1e9, 1e9)} == {"warning"}


def test_jars_are_declared_with_their_versions():
    wanted = jars.wanted_jars()
    assert "delta-spark_4.1_2.13-4.2.0.jar" in wanted
    assert "spark-avro_2.13-4.1.1.jar" in wanted
    assert len(wanted) == len(set(wanted)) >= 7


def ivy_that_writes(names, monkeypatch):
    calls = []

    def run(_home, target, log):
        calls.append(target)
        for name in names:
            (target / name).write_text("jar")
        log.write_text("told")

    monkeypatch.setattr(jars, "run_ivy", run)
    return calls


def test_absent_jars_are_fetched_once(tmp_path, monkeypatch):
    (tmp_path / "jars").mkdir()
    calls = ivy_that_writes(["a-1.jar", "b-2.jar"], monkeypatch)
    names = ["a-1.jar", "b-2.jar"]
    assert jars.retrieve_jars(names, tmp_path, tmp_path / "log") == names
    assert jars.retrieve_jars(names, tmp_path, tmp_path / "log") == []
    assert len(calls) == 1
    assert sorted(p.name for p in (tmp_path / "jars").iterdir()) == names


def test_a_jar_that_cannot_be_had_is_named(tmp_path, monkeypatch):
    (tmp_path / "jars").mkdir()
    calls = ivy_that_writes(["a-1.jar"], monkeypatch)
    with pytest.raises(DependencyError, match=r"could not be fetched: b-2.jar\."):
        jars.retrieve_jars(["a-1.jar", "b-2.jar"], tmp_path, tmp_path / "log", 3, 0)
    assert len(calls) == 3
    assert list((tmp_path / "jars").iterdir()) == []


def test_spark_files_are_filled_in(tmp_path):
    jars.write_spark_conf(tmp_path)
    text = "".join((tmp_path / "conf" / name).read_text() for name in jars.SPARK_FILES)
    assert sys.executable in text
    assert "@python@" not in text
    assert "@driver_memory@" not in text


def test_driver_memory_follows_the_machine():
    assert jars.driver_memory(64 * 2**30) == "3072m"
    assert jars.driver_memory(4 * 2**30) == "2048m"


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


def test_machine_facts(tmp_path):
    assert usable_cores() >= 1
    assert memory_bytes() > 2**28
    assert package_versions(["numpy", "no-such-package"])["no-such-package"] is None
    assert git_state(tmp_path) == {"git_sha": None, "git_dirty": None}


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


def test_a_python_without_its_library_is_told_before_flink_starts(monkeypatch):
    monkeypatch.setattr(doctor, "python_library", lambda: None)
    found = doctor.check_library()
    assert found.state == "warning"
    assert "libpython3.11" in found.remedy
    monkeypatch.setattr(flink, "python_library", lambda: None)
    with pytest.raises(DependencyError, match="apt-get install libpython3.11"):
        flink.build_environment({"python.execution-mode": "thread"})
