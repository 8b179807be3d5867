"""Topics: what the broker has against what the catalogue wants."""

from collections.abc import Iterator, Mapping
from functools import partial

from pipelines.core.catalogue import Catalogue, Overlay, Sizes, planned_topics
from pipelines.core.kafka import (
    KafkaAdminClient,
    TopicState,
    alter_topic,
    create_topic,
    topic_states,
)
from pipelines.stack.plan import Change


def topic_changes(
    client: KafkaAdminClient, catalogue: Catalogue, overlay: Overlay
) -> Iterator[Change]:
    """Differences of topics; the number of partitions and of copies is never changed.

    A record's partition follows from its key and the number of partitions, so changing the number
    would break the order of a key: raise the generation (`.v2`) and drain the old topic.
    """
    there = topic_states(client)
    planned = planned_topics(catalogue, overlay)
    for name, (sizes, config) in planned.items():
        what = f"topic {name}"
        if (state := there.get(name)) is None:
            make = partial(create_topic, client, name, sizes.partitions, sizes.replication, config)
            yield Change(what, "-", "missing", f"{sizes.partitions} partitions", make)
            continue
        yield from _size_changes(what, state, sizes)
        yield from _config_changes(client, name, state.config, config)
    domains = {name.partition(".")[0] for name in catalogue.topics}
    for name in sorted(set(there) - set(planned)):
        if name.partition(".")[0] in domains:
            yield Change(f"topic {name}", "-", "present", "absent: delete it by hand once drained")


def _size_changes(what: str, state: TopicState, sizes: Sizes) -> Iterator[Change]:
    for field, actual, wanted in (
        ("partitions", state.partitions, sizes.partitions),
        ("replication", state.replication, sizes.replication),
    ):
        if actual != wanted:
            told = f"{wanted}: raise the generation and drain the old topic"
            yield Change(what, field, str(actual), told)


def _config_changes(
    client: KafkaAdminClient, name: str, actual: Mapping[str, str], wanted: Mapping[str, str]
) -> Iterator[Change]:
    for key in sorted({*actual, *wanted}):
        if actual.get(key) != wanted.get(key):
            repair = partial(alter_topic, client, name, {key: wanted.get(key)})
            shown = wanted.get(key, "the broker's default")
            yield Change(f"topic {name}", key, actual.get(key, "not set"), shown, repair)
