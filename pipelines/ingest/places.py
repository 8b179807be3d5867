"""Where an ingest run reads and writes: topic, table, checkpoint, on local disk or in a store."""

from dataclasses import dataclass
from typing import Any

from pyspark.sql import SparkSession

from pipelines.core import endpoints
from pipelines.core.catalogue import Catalogue
from pipelines.core.delta_tables import Place
from pipelines.core.errors import ConfigError

JOB = "ingest"


@dataclass(frozen=True)
class Places:
    """Names of one run.

    Attributes:
        topic: topic that is read.
        subject: contract of its records.
        dead_letters: topic for messages that cannot be decoded.
        table: URI of the bronze table.
        checkpoint: URI of Spark's own notes on how far it is.
        aside: URI of the folder of rows set aside.
    """

    topic: str
    subject: str
    dead_letters: str
    table: str
    checkpoint: str
    aside: str

    @property
    def is_remote(self) -> bool:
        """Whether the table lies in an object store."""
        return self.table.startswith("s3a://")

    @property
    def delta(self) -> Place:
        """The table for readers in this process.

        Raises:
            ConfigError: the environment does not say where the store is.
        """
        return Place(self.table, endpoints.object_store(JOB) if self.is_remote else None)


def find_places(topic: str, lake: str, catalogue: Catalogue) -> Places:
    """Names of a run from the catalogue.

    Args:
        topic: a topic of the catalogue.
        lake: a local folder, or `s3a://<prefix>` as in `s3a://sangam`.
        catalogue: the catalogue.

    Raises:
        ConfigError: the catalogue has no such topic, or it has no twin for dead letters.
    """
    known = catalogue.topics.get(topic)
    if known is None:
        names = ", ".join(sorted(catalogue.topics))
        raise ConfigError(f"--topic {topic}: not in conf/stack/topics.yaml, which has {names}")
    domain, noun, generation = topic.split(".")
    table = f"{domain}/{noun.replace('-', '_')}_{generation}"
    return Places(
        topic,
        known.record,
        f"{topic}.dlq",
        f"{bucket(lake, 'bronze')}/{table}",
        f"{bucket(lake, 'checkpoints')}/{JOB}/{topic}",
        f"{bucket(lake, 'quarantine')}/{JOB}/{table}",
    )


def bucket(lake: str, name: str) -> str:
    """A bucket of the layout: a folder of a local lake, or a bucket of its own."""
    root = lake.rstrip("/")
    return f"{root}-{name}" if root.startswith("s3a://") else f"{root}/{name}"


def read_text(session: SparkSession, uri: str) -> str | None:
    """Content of a small text file anywhere Spark can read; None where it is not there."""
    jvm: Any = session._jvm
    path = jvm.org.apache.hadoop.fs.Path(uri)
    system = path.getFileSystem(_hadoop(session))
    if not system.exists(path):
        return None
    stream = system.open(path)
    try:
        return bytes(stream.readAllBytes()).decode()
    finally:
        stream.close()


def exists(session: SparkSession, uri: str) -> bool:
    """Whether a file or folder is there."""
    jvm: Any = session._jvm
    path = jvm.org.apache.hadoop.fs.Path(uri)
    return bool(path.getFileSystem(_hadoop(session)).exists(path))


def _hadoop(session: SparkSession) -> Any:
    jsession: Any = session._jsparkSession
    return jsession.sessionState().newHadoopConf()
