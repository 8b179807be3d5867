"""How Flink's JVM is started: flags by length of the run, one RPC system for all its jobs."""

import os
from pathlib import Path

import pytest

from pipelines.core import flink_jvm
from pipelines.core.flink_jvm import LONG_RUN, SHORT_RUN, compile_quickly, compile_what_lasts

WHOLE = {"table.generated-code.max-length": "100000"}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing set, and all as before afterwards."""
    for name in ("JVM_ARGS", "HADOOP_CLASSPATH"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def test_flags_that_are_set_stay() -> None:
    compile_quickly()
    compile_what_lasts()
    assert os.environ["JVM_ARGS"] == SHORT_RUN
    os.environ["JVM_ARGS"] = "-Xmx1g"
    compile_quickly()
    assert os.environ["JVM_ARGS"] == "-Xmx1g"


@pytest.mark.parametrize(
    ("flags", "options"),
    [(SHORT_RUN, WHOLE), (f"{SHORT_RUN} -Xlog:cds=off", WHOLE), (LONG_RUN, {}), ("", {})],
)
def test_only_a_short_run_leaves_long_methods_whole(flags: str, options: dict[str, str]) -> None:
    """Other flags have them interpreted for ever."""
    os.environ["JVM_ARGS"] = flags
    assert flink_jvm.generated_classes() == options


def test_the_shared_rpc_system_is_on_the_class_path_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flink_jvm, "functions_jar", lambda *ignored, services: Path("/core.jar"))
    os.environ["HADOOP_CLASSPATH"] = "/hadoop.jar"
    for _ in range(2):
        flink_jvm.share_rpc()
    assert os.environ["HADOOP_CLASSPATH"] == f"/hadoop.jar{os.pathsep}/core.jar"
