"""The catalogue: topics, buckets and users as `conf/stack/*.yaml` declare them, and its lint."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from pipelines.core.config import PROJECT_ROOT, JobConfig
from pipelines.core.contract_store import load_contracts
from pipelines.core.errors import ConfigError
from pipelines.core.yaml_text import read_yaml

CATALOGUE = PROJECT_ROOT / "conf" / "stack"
Overlay = Literal["local", "prod"]
Twin = Literal["dlq", "late"]


class Sizes(JobConfig):
    """How many partitions and copies a topic has, and settings that win over the class."""

    partitions: int = Field(ge=1, description="partitions")
    replication: int = Field(ge=1, description="copies of each partition")
    min_in_sync: int = Field(ge=1, description="copies that must have a write before it counts")
    config: dict[str, str | int] = Field({}, description="settings that win over the class")


class TopicClass(JobConfig):
    """Settings that topics of a kind share."""

    local: Sizes
    prod: Sizes
    config: dict[str, str | int]


class Topic(JobConfig):
    """One topic."""

    kind: str = Field(alias="class", description="name of its class")
    key: str = Field(description="fields of the message key, joined by +")
    record: str = Field(description="contract of its records")
    owner: str = Field(description="job that writes it; source = from outside")
    twins: tuple[Twin, ...] = ()


class Bucket(JobConfig):
    """One bucket."""

    holds: Literal["tables", "state", "files"]
    about: str
    expire_days: int | None = Field(None, ge=1, description="age at which objects go, days")


class User(JobConfig):
    """What one job may touch in the object store."""

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()


class Catalogue(JobConfig):
    """Everything the stack must have."""

    classes: dict[str, TopicClass]
    topics: dict[str, Topic]
    prefix: str
    buckets: dict[str, Bucket]
    users: dict[str, User]

    def bucket_name(self, name: str) -> str:
        """Name of a bucket in the store."""
        return self.prefix + name


def load_catalogue(folder: Path = CATALOGUE) -> Catalogue:
    """Read and lint the catalogue.

    Raises:
        ConfigError: unreadable, an unknown key, or a rule broken; one line each.
    """
    content: dict[str, Any] = {}
    for name in ("topics.yaml", "buckets.yaml"):
        try:
            content |= read_yaml((folder / name).read_text("utf-8"), str(folder / name))
        except (OSError, TypeError) as error:
            raise ConfigError(f"{folder / name}: {error}") from error
    try:
        catalogue = Catalogue.model_validate(content)
    except ValidationError as error:
        told = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise ConfigError(f"{folder}: " + "; ".join(told)) from error
    if problems := list(lint(catalogue)):
        raise ConfigError("\n".join(f"{folder}: {problem}" for problem in problems))
    return catalogue


def lint(catalogue: Catalogue) -> Iterator[str]:
    """Rules that a schema cannot say; empty when all hold."""
    contracts = load_contracts()
    for name, kind in catalogue.classes.items():
        for sizes in (kind.local, kind.prod):
            if sizes.min_in_sync > sizes.replication:
                yield f"classes.{name}: min_in_sync {sizes.min_in_sync} is above replication"
        if "delete" in str(kind.config.get("cleanup.policy")) and "retention.ms" not in kind.config:
            yield f"classes.{name}: what is deleted needs retention.ms"
    for name, topic in catalogue.topics.items():
        yield from _lint_topic(name, topic, catalogue, contracts)
    for name, bucket in catalogue.buckets.items():
        if bucket.expire_days and bucket.holds != "files":
            yield f"buckets.{name}: expire_days would remove live files of {bucket.holds}"
    for name, user in catalogue.users.items():
        for place in (*user.read, *user.write):
            if place.partition("/")[0] not in catalogue.buckets:
                yield f"users.{name}: there is no bucket for {place!r}"


def _lint_topic(
    name: str, topic: Topic, catalogue: Catalogue, contracts: Mapping[str, Any]
) -> Iterator[str]:
    if topic.kind not in catalogue.classes:
        yield f"topics.{name}: no class {topic.kind!r}"
    if topic.record not in contracts:
        yield f"topics.{name}: no contract {topic.record!r}"
        return
    newest = contracts[topic.record][max(contracts[topic.record])]
    fields = {field["name"] for field in newest.tree["fields"]}
    if unknown := set(topic.key.split("+")) - fields:
        yield f"topics.{name}: key {', '.join(sorted(unknown))} is no field of {topic.record}"
    if topic.kind in ("event", "fact", "answer") and "dlq" not in topic.twins:
        yield f"topics.{name}: an {topic.kind} topic needs the twin dlq"


def planned_topics(
    catalogue: Catalogue, overlay: Overlay
) -> dict[str, tuple[Sizes, dict[str, str]]]:
    """Sizes and settings of every topic and twin by name."""
    planned = {}
    for name, topic in catalogue.topics.items():
        planned[name] = _planned(catalogue.classes[topic.kind], overlay)
        for twin in topic.twins:
            planned[f"{name}.{twin}"] = _planned(catalogue.classes[twin], overlay)
    return planned


@cache
def compression_of(topic: str) -> str:
    """How a producer packs batches of a topic, so that the broker need not pack them anew.

    Args:
        topic: name; one that the catalogue does not have is packed with lz4.
    """
    _, config = planned_topics(load_catalogue(), "local").get(topic, (None, {}))
    stored = config.get("compression.type", "lz4")
    return "none" if stored == "uncompressed" else stored


def _planned(kind: TopicClass, overlay: Overlay) -> tuple[Sizes, dict[str, str]]:
    sizes = kind.local if overlay == "local" else kind.prod
    config = {key: str(value) for key, value in {**kind.config, **sizes.config}.items()}
    return sizes, {**config, "min.insync.replicas": str(sizes.min_in_sync)}
