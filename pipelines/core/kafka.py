"""Owner of kafka-python: clients with the house's settings, topics, failures in one sentence."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import (
    InvalidRecordError,
    InvalidTimestampError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)
from kafka.record import default_records

from pipelines.core.checksum import crc32c
from pipelines.core.errors import DependencyError

default_records.calc_crc32c = crc32c  # kafka-python's own is a loop in Python

__all__ = [
    "REFUSED", "KafkaAdminClient", "KafkaError", "Spans", "TopicState", "admin", "alter_topic",
    "create_topic", "delete_records", "explained", "make_consumer", "make_producer",
    "missing_topic", "open_topic", "read_all", "topic_spans", "topic_states",
]  # fmt: skip

CONNECT_SECONDS = 10
"""How long a first connection may take before it is told as a failure."""

REFUSED = (
    InvalidRecordError,
    InvalidTimestampError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)
"""Failures of one message, or of one in its batch: sending it again changes nothing."""

Spans = Mapping[int, tuple[int, int]]
"""First offset and the one after the last, by partition."""


@dataclass(frozen=True)
class TopicState:
    """A topic as the broker has it.

    Attributes:
        partitions: number of partitions.
        replication: copies of the first partition.
        config: settings that were set on the topic itself.
    """

    partitions: int
    replication: int
    config: Mapping[str, str]


@contextmanager
def explained(servers: str) -> Iterator[None]:
    """Turn a failure to reach the broker into one sentence with exit code 5.

    Raises:
        DependencyError: nothing answers, or it refuses.
    """
    try:
        yield
    except KafkaTimeoutError as error:
        raise DependencyError(
            f"Kafka does not answer at {servers}: {error}. Is it running? `make stack-native`"
            " starts one; SANGAM_KAFKA says where another is."
        ) from error
    except KafkaError as error:
        raise DependencyError(f"Kafka at {servers}: {type(error).__name__}: {error}") from error


@contextmanager
def admin(servers: str, seconds: float = CONNECT_SECONDS) -> Iterator[KafkaAdminClient]:
    """An administrator's connection.

    Raises:
        DependencyError: the broker cannot be reached within the seconds.
    """
    with explained(servers):
        client = KafkaAdminClient(
            bootstrap_servers=servers, bootstrap_timeout_ms=int(seconds * 1000)
        )
        with closing(client):
            yield client


def make_producer(servers: str, **changes: Any) -> KafkaProducer:
    """A producer that loses nothing: acknowledged by all copies, idempotent, murmur2 partitions.

    Every result of `send` has to be looked at: `flush` waits, and only logs what failed.

    Raises:
        DependencyError: the broker cannot be reached.
    """
    settings: dict[str, Any] = {
        "bootstrap_servers": servers,
        "acks": "all",
        "enable_idempotence": True,
        "compression_type": "lz4",
        "linger_ms": 10,
        "batch_size": 131_072,
        "max_request_size": 4_194_304,  # the broker knows the limit of each topic
        "bootstrap_timeout_ms": int(CONNECT_SECONDS * 1000),
    }
    with explained(servers):
        return KafkaProducer(**{**settings, **changes})


def make_consumer(servers: str, **changes: Any) -> KafkaConsumer:
    """A consumer that sees committed records only and commits nothing by itself.

    Raises:
        DependencyError: the broker cannot be reached.
    """
    settings: dict[str, Any] = {
        "bootstrap_servers": servers,
        "isolation_level": "read_committed",
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "fetch_min_bytes": 1024,
        "fetch_max_bytes": 10_485_760,
        "bootstrap_timeout_ms": int(CONNECT_SECONDS * 1000),
    }
    with explained(servers):
        return KafkaConsumer(**{**settings, **changes})


@contextmanager
def open_topic(servers: str, topic: str) -> Iterator[tuple[KafkaConsumer, Spans]]:
    """A consumer of all partitions of a topic, and the span each had when it was opened.

    Raises:
        DependencyError: the broker cannot be reached, or the topic does not exist.
    """
    with explained(servers), closing(make_consumer(servers)) as consumer:
        numbers = consumer.partitions_for_topic(topic)
        if not numbers:
            raise DependencyError(missing_topic(topic, servers))
        parts = [TopicPartition(topic, number) for number in sorted(numbers)]
        consumer.assign(parts)
        starts, ends = consumer.beginning_offsets(parts), consumer.end_offsets(parts)
        yield consumer, {part.partition: (starts[part], ends[part]) for part in parts}


def topic_spans(servers: str, topic: str) -> Spans:
    """What is in a topic now, by partition.

    Raises:
        DependencyError: the broker cannot be reached, or the topic does not exist.
    """
    with open_topic(servers, topic) as (_, spans):
        return spans


def read_all(servers: str, topic: str, poll_seconds: float = 1.0) -> Iterator[Any]:
    """Every record of a topic from its first to the offsets that were last when it began.

    Raises:
        DependencyError: the broker cannot be reached, or the topic does not exist.
    """
    with open_topic(servers, topic) as (consumer, spans):
        ends = {TopicPartition(topic, number): end for number, (_, end) in spans.items()}
        consumer.seek_to_beginning(*ends)
        while any(consumer.position(part) < ends[part] for part in ends):
            for part, records in consumer.poll(timeout_ms=int(poll_seconds * 1000)).items():
                yield from (record for record in records if record.offset < ends[part])


def delete_records(servers: str, topic: str) -> int:
    """Delete everything in a topic; returns how many records went.

    Raises:
        DependencyError: the broker cannot be reached, or the topic does not exist.
    """
    spans = topic_spans(servers, topic)
    with admin(servers) as client:
        client.delete_records({TopicPartition(topic, n): end for n, (_, end) in spans.items()})
    return sum(end - start for start, end in spans.values())


def missing_topic(topic: str, servers: str) -> str:
    """The sentence for a topic that is not there."""
    return f"Kafka at {servers} has no topic {topic}. `python -m pipelines stack apply` makes it."


def topic_states(client: KafkaAdminClient) -> dict[str, TopicState]:
    """All topics of a broker, its internal ones aside."""
    described = [one for one in client.describe_topics() if not one["is_internal"]]
    names = [one["name"] for one in described]
    configs = _topic_configs(client, names)
    return {
        one["name"]: TopicState(
            len(one["partitions"]), len(one["partitions"][0]["replica_nodes"]), configs[one["name"]]
        )
        for one in described
    }


def _topic_configs(client: KafkaAdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    found = client.describe_configs(resources)["topic"]
    return {
        name: {key: str(entry["value"]) for key, entry in found.get(name, {}).items()}
        for name in names
    }


def create_topic(
    client: KafkaAdminClient,
    name: str,
    partitions: int,
    replication: int,
    config: Mapping[str, str],
) -> None:
    """Create one topic and wait until it has leaders."""
    options = {
        "num_partitions": partitions,
        "replication_factor": replication,
        "configs": dict(config),
    }
    client.create_topics({name: options}, wait_for_metadata=True)


def alter_topic(client: KafkaAdminClient, name: str, config: Mapping[str, str | None]) -> None:
    """Set settings of a topic; None takes one back to the broker's default."""
    changes = {
        key: ("DELETE", None) if value is None else ("SET", value) for key, value in config.items()
    }
    client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, changes)])
