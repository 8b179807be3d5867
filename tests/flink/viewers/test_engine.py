"""The functions of the job are found by every job that a process starts, also by a later one."""

import shutil

import pytest

from pipelines.core.flink import checkpoints_in, prepare_jvm
from pipelines.core.java_functions import functions_jar
from pipelines.viewers import engine, jvm
from tests.flink.viewers.conftest import SETTINGS


@pytest.fixture
def fresh_thread(monkeypatch):
    """A thread of the JVM that was told nothing, as Python meets when another of its threads
    takes the one it had: PyFlink's jars would have gone to that."""
    prepare_jvm()
    from pyflink.java_gateway import get_gateway

    java = get_gateway().jvm
    thread = java.Thread.currentThread()
    before = thread.getContextClassLoader()
    name = "pyflink.common.configuration.add_jars_to_context_class_loader"
    monkeypatch.setattr(name, lambda urls: None)
    thread.setContextClassLoader(java.ClassLoader.getSystemClassLoader())
    yield
    thread.setContextClassLoader(before)


def test_a_job_needs_nothing_of_the_thread_that_answers(fresh_thread, tmp_path):
    opened = engine.open_engine("test", SETTINGS, checkpoints_in(tmp_path))
    query = (
        "SELECT quality_millis(ARRAY[CAST(24 AS BIGINT)], CAST(1 AS BIGINT), CAST(10 AS BIGINT))"
    )
    with opened.execute_sql(query).collect() as rows:
        ((found,),) = rows
    assert dict(found) == {"Q360": 3, "UNKNOWN": 7}


def test_sources_that_change_do_not_change_a_process_that_runs(tmp_path):
    sources = shutil.copytree(jvm.SOURCES, tmp_path / "java")
    jar = functions_jar("viewers", sources, tmp_path)
    assert jar.name == jvm.functions_jar().name
    (sources / "Tally.java").write_text("no Java")
    assert functions_jar("viewers", sources, tmp_path) == jar
    again = functions_jar("viewers", sources, tmp_path / "again")
    assert again.read_bytes() == jar.read_bytes()


def test_jobs_of_a_process_share_an_rpc_system():
    """Closing it, as a job's cluster does at its end, leaves it to the next."""
    prepare_jvm()
    from pyflink.java_gateway import get_gateway

    flink = get_gateway().jvm.org.apache.flink
    first, again = flink.runtime.rpc.RpcSystem.load(), flink.runtime.rpc.RpcSystem.load()
    assert first.equals(again)
    assert first.getClass().getName() == "sangam.core.SharedRpc$Kept"
    first.close()
    service = again.localServiceBuilder(flink.configuration.Configuration()).createAndStart()
    assert service.getPort() == -1
    service.closeAsync().get()
