"""Options and DDL of Flink jobs; no JVM needed to write them."""

import os

import pytest
from pydantic import ValidationError

from pipelines.core.endpoints import ObjectStore
from pipelines.core.flink import FlinkSettings, flink_options, prepare_interpreter
from pipelines.core.flink_tables import guarded_source, native_source, raw_sink, routed_sink

STORE = ObjectStore("http://127.0.0.1:9000", "upi_fraud", "secret")


def test_checkpoints_and_restarts_are_those_of_the_platform() -> None:
    options = flink_options("upi_fraud", FlinkSettings())
    assert options["execution.checkpointing.mode"] == "EXACTLY_ONCE"
    assert options["execution.checkpointing.interval"] == "30000 ms"
    assert options["execution.checkpointing.min-pause"] == "15000 ms"
    assert options["restart-strategy.type"] == "exponential-delay"
    assert options["restart-strategy.exponential-delay.max-backoff"] == "60000 ms"
    assert "state.backend.type" not in options


def test_state_goes_to_the_object_store() -> None:
    options = flink_options("upi_fraud", FlinkSettings(), "s3://sangam-checkpoints/upi", STORE)
    assert options["execution.checkpointing.dir"] == "s3://sangam-checkpoints/upi/checkpoints"
    assert options["execution.checkpointing.incremental"] == "true"
    assert options["s3.endpoint"] == STORE.url


def test_a_guarded_source_hands_over_bytes_with_key_and_headers() -> None:
    ddl = guarded_source("raw", "upi.transactions.v1", "localhost:1", "g", 5)
    assert "'key.fields' = 'message_key'" in ddl
    assert "`kafka_headers` MAP<STRING, BYTES> METADATA FROM 'headers'" in ddl
    assert "`kafka_time` - INTERVAL '0 00:00:05.000' DAY TO SECOND(3)" in ddl
    assert "'properties.isolation.level' = 'read_committed'" in ddl
    assert "scan.bounded.mode" not in ddl


def test_a_long_disorder_is_an_interval_too() -> None:
    ddl = native_source("events", "viewer.events.v1", "s:1", "g", "viewer.Event", 3661.5, True)
    assert "INTERVAL '0 01:01:01.500' DAY TO SECOND(3)" in ddl
    assert "'scan.bounded.mode' = 'latest-offset'" in ddl
    assert "'avro.timestamp_mapping.legacy' = 'false'" in ddl


def test_an_exact_sink_pools_its_transactions() -> None:
    ddl = raw_sink("out", "upi.ledger.v1", "s:1", "exact", "upi_fraud", FlinkSettings())
    assert "'sink.transaction-naming-strategy' = 'POOLING'" in ddl
    assert "'properties.transaction.timeout.ms' = '900000'" in ddl
    assert "VIRTUAL" not in ddl
    prompt = raw_sink("out", "upi.alerts.v1", "s:1", "prompt", "upi_fraud", FlinkSettings())
    assert "'sink.delivery-guarantee' = 'at-least-once'" in prompt
    assert "transactional" not in prompt


def test_a_sink_packs_as_its_topic_is_stored() -> None:
    """Else the broker packs every batch anew."""
    settings = FlinkSettings()
    for topic, packed in (("upi.alerts.v1", "none"), ("upi.ledger.v1", "lz4"),
                          ("upi.ref-flags.v1", "zstd"), ("upi.transactions.v1.dlq", "zstd"),
                          ("tests.unknown.v1", "lz4")):  # fmt: skip
        ddl = raw_sink("out", topic, "s:1", "prompt", "upi_fraud", settings)
        assert f"'properties.compression.type' = '{packed}'" in ddl


def test_several_topics_share_a_transaction() -> None:
    topics = ["upi.ledger.v1", "upi.rejections.v1"]
    ddl = routed_sink("books", topics, "s:1", "upi-decide", FlinkSettings())
    assert "'topic' = 'upi.ledger.v1;upi.rejections.v1'" in ddl
    assert "`topic` STRING METADATA" in ddl
    assert "'sink.transactional-id-prefix' = 'sangam-upi-decide-books'" in ddl


def test_the_interpreter_is_found_by_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PATH", "PYTHONPATH", "HADOOP_CLASSPATH"):
        monkeypatch.delenv(name, raising=False)
    prepare_interpreter()
    prepare_interpreter()
    assert os.environ["PYTHONPATH"].count("site-packages") == 1
    assert "hadoop-client-api" in os.environ["HADOOP_CLASSPATH"]
    assert "zstd-jni" in os.environ["HADOOP_CLASSPATH"]


def test_a_bad_setting_is_refused() -> None:
    with pytest.raises(ValidationError, match="checkpoint_seconds"):
        FlinkSettings(checkpoint_seconds=0)
