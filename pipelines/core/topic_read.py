"""Records straight from a topic, for jobs that take `--input kafka://<topic>`.

A bounded read: of each partition from its first message, or from an offset that was kept, to the
one that was last when the run began, so that every look at the frame sees the same messages.
"""

import hashlib
import json
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.core import endpoints
from pipelines.core.catalogue import Topic, load_catalogue
from pipelines.core.config import PROJECT_ROOT
from pipelines.core.contracts import spark_schema
from pipelines.core.dead_letters import Judge
from pipelines.core.errors import ConfigError
from pipelines.core.judging import count_letters, judge, rescue, send_letters
from pipelines.core.kafka import CONNECT_SECONDS, Spans, topic_spans
from pipelines.core.machine import git_state
from pipelines.core.messages import DOUBTFUL, RECORD, source_options, tag_messages

PREFIX = "kafka://"
JUDGES = 2
"""Tasks that look at doubtful messages in Python."""


@dataclass(frozen=True)
class TopicRead:
    """What a topic held.

    Attributes:
        frame: decoded records, columns of their contract.
        dead: messages that became dead letters.
        digest: identity of the messages: topic and offsets.
        spans: first offset and the one after the last, by partition.
    """

    frame: DataFrame
    dead: int
    digest: str
    spans: Spans


def read_topic(
    session: SparkSession,
    name: str,
    job: str,
    spans: Spans | None = None,
    is_dry_run: bool = False,
) -> TopicRead:
    """Decode a topic; what cannot be decoded goes to its dead-letter topic.

    A message that is read twice has its letter sent twice, with equal key; readers keep the first.
    Of a topic of class `ref` only the newest message of each key counts.

    Args:
        session: a session with the Kafka source.
        name: `kafka://<topic>`, or the topic.
        job: who reads, for the dead letters.
        spans: offsets to read; None reads all there is.
        is_dry_run: count what cannot be decoded, send nothing.

    Raises:
        ConfigError: the catalogue has no such topic, or nothing says where Kafka is.
        DependencyError: the broker does not answer, or lacks the topic.
    """
    topic = name.removeprefix(PREFIX)
    declared, servers = _declared(name, topic), endpoints.kafka_servers()
    spans = topic_spans(servers, topic) if spans is None else spans
    raw = session.read.format("kafka").options(
        **source_options(servers, topic, CONNECT_SECONDS),
        startingOffsets=_offsets(topic, spans, 0),
        endingOffsets=_offsets(topic, spans, 1),
    )
    messages = _newest(raw.load()) if declared.kind == "ref" else raw.load()
    tagged = tag_messages(messages, declared.record)
    good, dead = _settle(tagged, declared.record, None if is_dry_run else servers, job)
    columns = [F.col(RECORD)[field].alias(field) for field in spark_schema(declared.record).names]
    digest = hashlib.sha256(json.dumps([topic, sorted(spans.items())]).encode()).hexdigest()
    return TopicRead(good.select(*columns), dead, digest, spans)


def _declared(name: str, topic: str) -> Topic:
    known = load_catalogue().topics
    if topic not in known:
        raise ConfigError(
            f"--input {name}: not in conf/stack/topics.yaml, which has {', '.join(sorted(known))}"
        )
    return known[topic]


def _offsets(topic: str, spans: Spans, side: int) -> str:
    """Offsets as Spark reads them; side 0 is where to begin, 1 where to end."""
    return json.dumps({topic: {str(number): span[side] for number, span in spans.items()}})


def _newest(raw: DataFrame) -> DataFrame:
    """What compaction would leave: the newest message of each key, none where it is a tombstone."""
    columns = F.struct(*(F.col(name) for name in raw.columns))
    one_key = F.coalesce("key", F.col("offset").cast("string").cast("binary"))
    newest = raw.groupBy("partition", one_key).agg(F.max_by(columns, "offset").alias("_newest"))
    return newest.select("_newest.*").where(F.col("value").isNotNull())


def _settle(
    tagged: DataFrame, subject: str, servers: str | None, job: str
) -> tuple[DataFrame, int]:
    """Messages that decode, and how many became dead letters; without servers none is sent."""
    by = Judge(job, str(git_state(PROJECT_ROOT)["git_sha"] or "unknown"))
    verdicts = judge(tagged, subject, by, JUDGES).persist()
    found = send_letters(verdicts, servers) if servers else count_letters(verdicts)
    dead = found.total()
    good = tagged.where(~F.col(DOUBTFUL))
    if verdicts.count() > dead:
        good = good.unionByName(rescue(tagged, verdicts))
    return good, dead
