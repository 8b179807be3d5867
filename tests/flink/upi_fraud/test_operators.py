"""Operators that hold state can be found again in a savepoint, forget idle payers, and checkpoint (K14)."""

import pytest
from pyflink.common import Row, Types
from pyflink.datastream import StreamExecutionEnvironment

from pipelines.core.flink import build_environment, flink_options
from pipelines.upi_fraud.config import UpiConfig
from pipelines.upi_fraud.flink import DecideBatch, decide_batches
from pipelines.upi_fraud.network_flink import FlagFindings, flag_findings

CONFIG = UpiConfig()


@pytest.fixture(scope="module")
def stream():
    build_environment(flink_options("test", CONFIG.flink))
    return StreamExecutionEnvironment.get_execution_environment()


def operator_of(made):
    return made._j_data_stream.getTransformation()


def test_each_has_a_uid_and_a_name_of_its_own(stream):
    reference = stream.from_collection([Row(0, b"", b"")])
    batches = stream.from_collection([Row(1, "a")], Types.ROW([Types.INT(), Types.STRING()]))
    decide = operator_of(decide_batches(batches, reference, DecideBatch(print, 31, 10)))
    flag = operator_of(flag_findings(batches, reference, FlagFindings(CONFIG, "nowhere:1")))
    assert (decide.getUid(), decide.getName()) == ("upi-decide", "decide payments")
    assert (flag.getUid(), flag.getName()) == ("upi-flag-findings", "flag findings")


def no_client(*ignored):
    raise AssertionError("a task manager has no Python client to ask")


def test_idle_payers_are_removed_from_the_state(monkeypatch):
    """And nothing in `open` needs what a task manager has not."""
    made = []
    for place in ("java_gateway", "common.time"):
        monkeypatch.setattr(f"pyflink.{place}.get_gateway", no_client)

    class Runtime:
        def get_map_state(self, descriptor):
            made.append(descriptor)

    class Reference:
        reference = profiles = None

    DecideBatch(Reference, 31, 10).open(Runtime())
    (descriptor,) = made
    strategies = descriptor._ttl_config.get_cleanup_strategies()
    in_compactions = strategies.get_rocksdb_compact_filter_cleanup_strategy()
    assert in_compactions.get_query_time_after_num_entries() == 10_000
    assert descriptor._ttl_config.get_ttl().to_milliseconds() == 31 * 24 * 3_600_000


def test_checkpoints_are_exactly_once_and_kept():
    options = flink_options("test", CONFIG.flink, "file:///state")
    assert options["execution.checkpointing.mode"] == "EXACTLY_ONCE"
    assert options["execution.checkpointing.interval"] == "30000 ms"
    assert options["state.backend.type"] == "rocksdb"
    kept = options["execution.checkpointing.externalized-checkpoint-retention"]
    assert kept == "RETAIN_ON_CANCELLATION"
