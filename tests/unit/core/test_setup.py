"""Jars, doctor and the facts of a machine; their processes are in tests/integration."""

import sys
import time

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


def test_machine_facts(tmp_path):
    assert usable_cores() >= 1
    assert memory_bytes() > 2**28
    assert package_versions(["numpy", "no-such-package"])["no-such-package"] is None
    assert git_state(tmp_path) == {"git_sha": None, "git_dirty": None}


def test_a_python_without_its_library_is_told_before_flink_starts(monkeypatch):
    monkeypatch.setattr(doctor, "python_library", lambda: None)
    found = doctor.check_library()
    assert found.state == "warning"
    assert "libpython3.11" in found.remedy
    monkeypatch.setattr(flink, "python_library", lambda: None)
    with pytest.raises(DependencyError, match="apt-get install libpython3.11"):
        flink.build_environment({"python.execution-mode": "thread"})
