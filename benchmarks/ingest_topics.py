"""A stack for the ingest benchmark, and topics with records in it."""

from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from pipelines.core import endpoints
from pipelines.core.catalogue import load_catalogue, planned_topics
from pipelines.core.kafka import admin, create_topic, make_producer
from pipelines.core.wire import Wire
from pipelines.produce.samples import sample_records
from pipelines.stack.native import NativeStack

DIFFERENT = 50_000
"""Different records; a larger topic has them again and again."""


@dataclass(frozen=True)
class Filled:
    """A topic that is ready.

    Attributes:
        name: the topic.
        records: messages in it.
        megabytes: size of their values, MB.
    """

    name: str
    records: int
    megabytes: float


def start_stack(folder: Path) -> NativeStack:
    """A broker and a store of their own; `remove` ends them."""
    stack = NativeStack(folder)
    stack.start()
    return stack


def fill(stack: NativeStack, topic: str, subject: str, records: int) -> Filled:
    """Make a topic as the catalogue says and send sample records."""
    servers = stack.environment[endpoints.KAFKA]
    planned = planned_topics(load_catalogue(), "local")
    with admin(servers) as client:
        for name in (topic, f"{topic}.dlq"):
            sizes, config = planned[name]
            create_topic(client, name, sizes.partitions, sizes.replication, config)
    wire = Wire(subject)
    made = [
        (record["event_id"].encode(), wire.encode(record), record["event_time"])
        for record in sample_records(subject, min(records, DIFFERENT))
    ]
    producer, size = make_producer(servers, linger_ms=50, batch_size=1 << 20), 0
    failed: list[BaseException] = []
    for key, value, moment in islice(cycle(made), records):
        size += len(value)
        sent = producer.send(topic, key=key, value=value, timestamp_ms=moment)
        sent.add_errback(failed.append)
    producer.flush()
    producer.close()
    if failed:
        raise failed[0]
    return Filled(topic, records, size / 1e6)
