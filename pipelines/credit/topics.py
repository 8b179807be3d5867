"""Applications straight from Kafka: `--input kafka://credit.applications.v1`.

Transactions, outcomes and tradelines come from the topics beside it, each read from its first
message to the one that was last when the run began. Attributes of the fairness report are on no
topic: they never leave the tables of those who may read them.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession

from pipelines.core.errors import ConfigError
from pipelines.core.topic_read import PREFIX, read_topic

JOB = "credit_score"
TOPICS = {
    "applications": "credit.applications.v1",
    "transactions": "credit.transactions.v1",
    "outcomes": "credit.outcomes.v1",
    "tradelines": "credit.ref-tradelines.v1",
}


@dataclass(frozen=True)
class TopicInput:
    """What the topics held.

    Attributes:
        tables: frame of each table.
        dead: messages that became dead letters, by table.
        digest: identity of the messages: topics and offsets.
    """

    tables: dict[str, DataFrame]
    dead: Mapping[str, int]
    digest: str


def read_topics(session: SparkSession, name: str, is_dry_run: bool) -> TopicInput:
    """Read the topics of the credit domain.

    Args:
        session: a session with the Kafka source.
        name: what the user asked for.
        is_dry_run: count what cannot be decoded, send no dead letter.

    Raises:
        ConfigError: another topic is asked for, or nothing says where Kafka is.
        DependencyError: Kafka does not answer, or lacks a topic.
    """
    if name.removeprefix(PREFIX) != TOPICS["applications"]:
        raise ConfigError(
            f"--input {name}: give {PREFIX}{TOPICS['applications']}; the topics beside it are read"
            " along"
        )
    read = {
        table: read_topic(session, topic, JOB, is_dry_run=is_dry_run)
        for table, topic in TOPICS.items()
    }
    digests = "".join(one.digest for one in read.values())
    return TopicInput(
        {table: one.frame for table, one in read.items()},
        {table: one.dead for table, one in read.items()},
        hashlib.sha256(digests.encode()).hexdigest()[:16],
    )
