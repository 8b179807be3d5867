"""DDL of topics in Flink: the two ways one is read, and the one way it is written.

A guarded source hands over bytes, so that no message can stop the job; a native source is decoded
by the JVM (platform rule 1.4). Every sink writes framed bytes. Importing this loads no engine.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from pipelines.core.catalogue import compression_of
from pipelines.core.flink import FlinkSettings
from pipelines.core.flink_types import quoted, wire_columns

Delivery = Literal["prompt", "exact"]

RAW_COLUMNS = (
    "`message_key` BYTES",
    "`message_value` BYTES",
    "`kafka_partition` INT METADATA FROM 'partition' VIRTUAL",
    "`kafka_offset` BIGINT METADATA FROM 'offset' VIRTUAL",
    "`kafka_time` TIMESTAMP_LTZ(3) METADATA FROM 'timestamp'",
    "`kafka_headers` MAP<STRING, BYTES> METADATA FROM 'headers'",
)
"""Columns of a guarded source and, without the virtual ones, of every sink."""
_SINK_COLUMNS = [column for column in RAW_COLUMNS if not column.endswith("VIRTUAL")]


def guarded_source(
    table: str, topic: str, servers: str, group: str, disorder_seconds: float,
    is_bounded: bool = False, since_ms: int | None = None,
) -> str:  # fmt: skip
    """DDL of a topic as raw bytes: no message can stop the job, the operator decodes.

    Args:
        table: name of the table; its columns are `RAW_COLUMNS`.
        topic: topic.
        servers: bootstrap servers.
        group: consumer group, for the lag shown by tools; offsets live in checkpoints.
        disorder_seconds: how far `kafka_time` may go back before a record is late, below a
            day.
        is_bounded: end at the offsets that are last when the job starts.
        since_ms: begin with records of this time (epoch ms), not with the first one.
    """
    options = {
        **_source_options(topic, servers, group, is_bounded, since_ms),
        "key.format": "raw",
        "key.fields": "message_key",
        "value.format": "raw",
        "value.fields-include": "EXCEPT_KEY",
    }
    return _create(table, [*RAW_COLUMNS, _watermark("kafka_time", disorder_seconds)], options)


def native_source(
    table: str, topic: str, servers: str, group: str, subject: str, disorder_seconds: float,
    is_bounded: bool = False,
) -> str:  # fmt: skip
    """DDL of a topic decoded by the JVM. An undecodable message stops the job.

    Args:
        table: name of the table.
        topic: topic; all of it written with the newest version of the contract.
        servers: bootstrap servers.
        group: consumer group.
        subject: contract of the records.
        disorder_seconds: how far `event_time` may go back before a record is late.
        is_bounded: end at the offsets that are last when the job starts.
    """
    columns = wire_columns(subject).split(",\n")
    options = {
        **_source_options(topic, servers, group, is_bounded),
        "format": "avro",
        "avro.timestamp_mapping.legacy": "false",
    }
    return _create(table, [*columns, _watermark("event_time", disorder_seconds)], options)


def raw_sink(
    table: str, topic: str, servers: str, delivery: Delivery, job: str, settings: FlinkSettings
) -> str:
    """DDL of a topic that takes framed bytes, with key, record time and headers.

    Args:
        table: name of the table; columns message_key, message_value, kafka_time, kafka_headers.
        topic: topic.
        servers: bootstrap servers.
        delivery: `prompt` shows a record at once and may repeat it after a restart; `exact` shows
            it at the next checkpoint, once.
        job: name of the job, the prefix of its transactions.
        settings: settings of the job.
    """
    options = {
        **_sink_options([topic], servers),
        **_delivery_options(delivery, f"sangam-{job}-{topic}", settings),
    }
    return _create(table, _SINK_COLUMNS, options)


def routed_sink(
    table: str, topics: Sequence[str], servers: str, job: str, settings: FlinkSettings
) -> str:
    """DDL of topics that take framed bytes, exactly once and in one transaction for all of them.

    Args:
        table: name of the table; columns as of `raw_sink`, and `topic`, one of the topics.
        topics: topics; batches are packed as the first one has them.
        servers: bootstrap servers.
        job: name of the job, the prefix of its transactions.
        settings: settings of the job.
    """
    options = {
        **_sink_options(topics, servers),
        **_delivery_options("exact", f"sangam-{job}-{table}", settings),
    }
    return _create(table, [*_SINK_COLUMNS, "`topic` STRING METADATA"], options)


def _sink_options(topics: Sequence[str], servers: str) -> dict[str, str]:
    return {
        "connector": "kafka",
        "topic": ";".join(topics),
        "properties.bootstrap.servers": servers,
        "properties.compression.type": compression_of(topics[0]),
        "key.format": "raw",
        "key.fields": "message_key",
        "value.format": "raw",
        "value.fields-include": "EXCEPT_KEY",
    }


def _delivery_options(
    delivery: Delivery, transactions: str, settings: FlinkSettings
) -> dict[str, str]:
    """What is exact is seen at a checkpoint only, so that its batches may wait and grow."""
    if delivery == "prompt":
        return {"sink.delivery-guarantee": "at-least-once", "properties.linger.ms": "1"}
    return {
        "sink.delivery-guarantee": "exactly-once",
        "sink.transactional-id-prefix": transactions,
        "sink.transaction-naming-strategy": "POOLING",
        "properties.transaction.timeout.ms": str(settings.transaction_minutes * 60_000),
        "properties.linger.ms": "100",
    }


def _watermark(column: str, disorder_seconds: float) -> str:
    minutes, seconds = divmod(disorder_seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    interval = f"INTERVAL '0 {hours:02d}:{minutes:02d}:{seconds:06.3f}' DAY TO SECOND(3)"
    return f"WATERMARK FOR {quoted(column)} AS {quoted(column)} - {interval}"


def _source_options(
    topic: str, servers: str, group: str, is_bounded: bool, since_ms: int | None = None
) -> dict[str, str]:
    options = {
        "connector": "kafka",
        "topic": topic,
        "properties.bootstrap.servers": servers,
        "properties.group.id": group,
        "properties.isolation.level": "read_committed",
        "scan.startup.mode": "earliest-offset",
    }
    if since_ms is not None:
        options |= {
            "scan.startup.mode": "timestamp",
            "scan.startup.timestamp-millis": str(since_ms),
        }
    return {**options, "scan.bounded.mode": "latest-offset"} if is_bounded else options


def _create(table: str, columns: Sequence[str], options: Mapping[str, str]) -> str:
    body = ",\n  ".join(columns)
    settings = ",\n  ".join(f"'{key}' = '{value}'" for key, value in options.items())
    return f"CREATE TEMPORARY TABLE {quoted(table)} (\n  {body}\n) WITH (\n  {settings}\n)"
