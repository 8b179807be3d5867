"""Topics, buckets and users on real servers: made, checked, repaired, refused."""

import io
import time

import pytest
from minio.error import S3Error

from pipelines.core import object_store
from pipelines.core.catalogue import load_catalogue, planned_topics
from pipelines.core.endpoints import ObjectStore
from pipelines.core.endpoints import object_store as store_of
from pipelines.core.errors import DependencyError
from pipelines.core.kafka import admin, alter_topic, create_topic, topic_states
from pipelines.stack.cli import main
from pipelines.stack.native import NativeStack
from pipelines.stack.processes import free_ports

CATALOGUE = load_catalogue()


def test_a_second_apply_changes_nothing(
    stack: NativeStack, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["apply"]) == 0
    assert capsys.readouterr().out == "0 changes\n"
    assert main(["check"]) == 0


def test_all_topics_are_there_as_planned(servers: str) -> None:
    with admin(servers) as client:
        states = topic_states(client)
    for name, (sizes, config) in planned_topics(CATALOGUE, "local").items():
        assert states[name].partitions == sizes.partitions
        assert states[name].config == config


def test_drift_is_shown_and_repaired(
    stack: NativeStack, servers: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with admin(servers) as client:
        alter_topic(client, "upi.labels.v1", {"compression.type": "gzip", "segment.ms": "60000"})
    client = object_store.connect(store_of(None, stack.environment))
    object_store.set_expiry(client, "sangam-reports", 7)
    assert main(["check"]) == 4
    told = capsys.readouterr().out
    assert "compression.type" in told
    assert "segment.ms" in told
    assert "expire_days" in told
    assert "3 differences" in told
    assert main(["apply"]) == 0
    assert main(["check"]) == 0


def test_a_stray_topic_of_a_domain_is_reported_but_not_deleted(
    stack: NativeStack, servers: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with admin(servers) as client:
        create_topic(client, "upi.strays.v1", 1, 1, {})
        try:
            assert main(["check"]) == 4
            assert "upi.strays.v1" in capsys.readouterr().out
            assert "upi.strays.v1" in topic_states(client)
        finally:
            client.delete_topics(["upi.strays.v1"])


@pytest.mark.parametrize("user", sorted(CATALOGUE.users))
def test_a_user_touches_its_own_places_only(stack: NativeStack, user: str) -> None:
    client = object_store.connect(store_of(user, stack.environment))

    def write(place: str) -> None:
        bucket, _, prefix = place.partition("/")
        content = io.BytesIO(b"x")
        client.put_object(f"sangam-{bucket}", f"{prefix}/probe".lstrip("/"), content, 1)

    mine = CATALOGUE.users[user].write
    for place in mine:
        write(place)
    foreign = {p for u in CATALOGUE.users.values() for p in u.write if not p.startswith(mine)}
    assert foreign
    for place in foreign:
        with pytest.raises(S3Error, match="AccessDenied|Access Denied"):
            write(place)
    with pytest.raises(S3Error, match="AccessDenied|Access Denied"):
        list(client.list_objects("sangam-silver", prefix="other/"))


def test_a_wrong_key_is_one_sentence(stack: NativeStack) -> None:
    store = store_of("dedup", stack.environment)
    wrong = ObjectStore(store.url, "dedup", "not-the-key")
    with (
        pytest.raises(DependencyError, match="refuses user 'dedup'"),
        object_store.explained(wrong),
    ):
        object_store.connect(wrong).bucket_exists("sangam-bronze")


def test_a_server_that_is_away_is_one_sentence_within_30_seconds() -> None:
    (port,) = free_ports(1)
    began = time.monotonic()
    words = f"Kafka does not answer at 127.0.0.1:{port}"
    with pytest.raises(DependencyError, match=words), admin(f"127.0.0.1:{port}", 3):
        pass
    away = ObjectStore(f"http://127.0.0.1:{port}", "a", "b")
    with pytest.raises(DependencyError, match="does not answer"), object_store.explained(away):
        object_store.connect(away).bucket_exists("sangam-bronze")
    assert time.monotonic() - began < 30


def test_the_keys_are_for_their_owner_only(stack: NativeStack) -> None:
    assert (stack.folder / "env").stat().st_mode & 0o077 == 0
