"""A railway's topics as an input: `--input kafka://rail.booking_requests.v1[?day=2026-03-15]`.

Trains and cancellations come from the topics beside it. A run reads what is there when it begins;
the intake reads what no published micro-batch has read.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.core import endpoints
from pipelines.core.delta_tables import read_arrow
from pipelines.core.errors import ConfigError
from pipelines.core.kafka import Spans, topic_spans
from pipelines.core.lake import Lake
from pipelines.core.lake_format import RUNS
from pipelines.core.topic_read import PREFIX, TopicRead, read_topic

JOB = "seat_allocation"
TRAINS, REQUESTS, CANCELLATIONS = (
    "rail.trains.v1", "rail.booking_requests.v1", "rail.cancellations.v1",
)  # fmt: skip
INTAKE = "intake:"
"""Goes before a topic among the inputs of a published micro-batch; the offsets come behind."""

Offsets = dict[str, dict[int, int]]


@dataclass(frozen=True)
class TopicDay:
    """What the topics held.

    Attributes:
        trains, requests, cancellations: frames of their contracts.
        dead: messages that became dead letters.
        digest: identity of the messages.
        reached: per topic the next offset of each partition, as the intake keeps it.
    """

    trains: DataFrame
    requests: DataFrame
    cancellations: DataFrame
    dead: int
    digest: str
    reached: Mapping[str, str]


def read_topics(
    session: SparkSession, name: str, intake: Lake | None, *, is_dry_run: bool = False
) -> TopicDay:
    """Read the three topics.

    Args:
        session: a session with the Kafka source.
        name: what the user asked for.
        intake: lake of an intake, which goes on where it stopped; None reads from the beginning.
        is_dry_run: send no dead letter.

    Raises:
        ConfigError: another topic, or no date behind `?day=`.
        DependencyError: the broker does not answer, or lacks a topic.
    """
    day = _day(name)
    done = {} if intake is None else offsets_of(intake)
    # Cancellations first: the request of each that is read is then among the requests read.
    spans = {topic: _span(topic, done) for topic in (CANCELLATIONS, REQUESTS)}
    cancelled, asked, trains = (
        read_topic(session, topic, JOB, spans.get(topic), is_dry_run)
        for topic in (CANCELLATIONS, REQUESTS, TRAINS)
    )
    reads = (trains, asked, cancelled)
    dead, digest = sum(read.dead for read in reads), "/".join(read.digest for read in reads)
    reached = {REQUESTS: _reached(asked), CANCELLATIONS: _reached(cancelled)}
    named = {INTAKE + topic: offsets for topic, offsets in reached.items()}
    return TopicDay(
        _on(trains.frame, day),
        _on(asked.frame, day),
        _on(cancelled.frame, day),
        dead,
        digest,
        named,
    )


def offsets_of(lake: Lake) -> Offsets:
    """Next offset by topic and partition, after all micro-batches that were published."""
    if not lake.exists(RUNS):
        return {}
    found: Offsets = {}
    for row in read_arrow(lake.place(RUNS), lake.version(RUNS), ["inputs"]).to_pylist():
        for name, text in row["inputs"]:
            if name.startswith(INTAKE):
                reached = found.setdefault(name.removeprefix(INTAKE), {})
                for partition, offset in json.loads(text).items():
                    reached[int(partition)] = max(offset, reached.get(int(partition), 0))
    return found


def unread(lake: Lake) -> int:
    """Requests and cancellations that no published micro-batch has read."""
    done = offsets_of(lake)
    spans = (_span(topic, done) for topic in (REQUESTS, CANCELLATIONS))
    return sum(last - first for span in spans for first, last in span.values())


def _day(name: str) -> date | None:
    topic, _, query = name.removeprefix(PREFIX).partition("?")
    if topic != REQUESTS or (query and not query.startswith("day=")):
        raise ConfigError(f"--input {name}: give {PREFIX}{REQUESTS} or {PREFIX}{REQUESTS}?day=DATE")
    try:
        return date.fromisoformat(query.removeprefix("day=")) if query else None
    except ValueError:
        raise ConfigError(f"--input {name}: {query[4:]!r} is no date like 2026-03-15") from None


def _on(frame: DataFrame, day: date | None) -> DataFrame:
    """Records of one service date, or all."""
    return frame if day is None else frame.where(F.col("service_date") == F.lit(day))


def _span(topic: str, done: Offsets) -> Spans:
    """What to read of a topic: from where the intake stopped, or from its first message."""
    reached = done.get(topic, {})
    return {
        partition: (max(first, reached.get(partition, 0)), last)
        for partition, (first, last) in topic_spans(endpoints.kafka_servers(), topic).items()
    }


def _reached(read: TopicRead) -> str:
    return json.dumps({str(partition): span[1] for partition, span in sorted(read.spans.items())})
