"""What must answer before Spark begins: the broker with both topics, the store with the bucket."""

from pipelines.core import endpoints, object_store
from pipelines.core.catalogue import load_catalogue
from pipelines.core.errors import DependencyError
from pipelines.core.kafka import admin, missing_topic
from pipelines.ingest.places import JOB, find_places


def check_dependencies(topic: str, lake: str, seconds: float) -> None:
    """Look at everything a run needs, with the rights it will have.

    Args:
        topic: topic of the catalogue.
        lake: local folder, or `s3a://<prefix>`.
        seconds: until a server must answer.

    Raises:
        DependencyError: one sentence on what is missing or refused.
        ConfigError: no such topic, or the environment does not say where the servers are.
    """
    places, servers = find_places(topic, lake, load_catalogue()), endpoints.kafka_servers()
    with admin(servers, seconds) as client:
        there = set(client.list_topics())
    for name in (places.topic, places.dead_letters):
        if name not in there:
            raise DependencyError(missing_topic(name, servers))
    if places.is_remote:
        store = endpoints.object_store(JOB)
        bucket, _, prefix = places.table.removeprefix("s3a://").partition("/")
        with object_store.explained(store):
            listed = object_store.connect(store).list_objects(bucket, prefix=f"{prefix}/")
            next(iter(listed), None)
