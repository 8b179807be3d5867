"""The catalogue as it is, and each rule on a catalogue that breaks it."""

import json
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pipelines.core.catalogue import CATALOGUE, load_catalogue, planned_topics
from pipelines.core.errors import ConfigError
from pipelines.core.yaml_text import read_yaml

Change = Callable[[Any, Any], object]
FILES = ("topics.yaml", "buckets.yaml")


def test_every_event_and_fact_has_its_twin() -> None:
    catalogue = load_catalogue()
    planned = planned_topics(catalogue, "local")
    for name, topic in catalogue.topics.items():
        if topic.kind in ("event", "fact", "answer"):
            assert f"{name}.dlq" in planned
    assert "upi.transactions.v1.late" in planned
    assert planned["upi.transactions.v1"][0].partitions == 6


def test_sizes_follow_the_overlay() -> None:
    catalogue = load_catalogue()
    sizes, config = planned_topics(catalogue, "prod")["upi.transactions.v1"]
    assert (sizes.partitions, sizes.replication) == (48, 3)
    assert config["min.insync.replicas"] == "2"
    assert config["retention.ms"] == "604800000"


def test_old_events_stay_in_the_local_stack() -> None:
    """Kafka deletes by event time: a sample of January would be gone within minutes in July."""
    for sizes, config in planned_topics(load_catalogue(), "local").values():
        if "delete" in config["cleanup.policy"]:
            assert config["retention.ms"] == "-1"
            assert int(sizes.config["retention.bytes"]) > 0


@cache
def declared() -> list[Any]:
    """Topics, then buckets and users, as their files have them."""
    return [read_yaml((CATALOGUE / name).read_text(), name) for name in FILES]


@pytest.fixture
def broken(tmp_path: Path) -> Callable[[Change], Path]:
    """Writes the edited declarations as JSON, which is YAML."""

    def change(edit: Change) -> Path:
        contents = deepcopy(declared())
        edit(*contents)
        for name, content in zip(FILES, contents, strict=True):
            (tmp_path / name).write_text(json.dumps(content))
        return tmp_path

    return change


LABELS = "upi.labels.v1"
BROKEN: list[tuple[str, Change]] = [
    (
        "classes.fact: min_in_sync 2",
        lambda t, b: t["classes"]["fact"]["local"].update(min_in_sync=2),
    ),
    ("needs retention.ms", lambda t, b: t["classes"]["dlq"]["config"].pop("retention.ms")),
    ("no class 'queue'", lambda t, b: t["topics"][LABELS].update({"class": "queue"})),
    ("no contract 'upi.Note'", lambda t, b: t["topics"][LABELS].update(record="upi.Note")),
    ("key person is no field", lambda t, b: t["topics"][LABELS].update(key="person")),
    ("needs the twin dlq", lambda t, b: t["topics"][LABELS].update(twins=[])),
    (r"owner: Field required", lambda t, b: t["topics"][LABELS].pop("owner")),
    ("would remove live files", lambda t, b: b["buckets"]["bronze"].update(expire_days=7)),
    ("would remove live files", lambda t, b: b["buckets"]["checkpoints"].update(expire_days=7)),
    ("no bucket for 'vault/x'", lambda t, b: b["users"]["dedup"]["write"].append("vault/x")),
    ("colour: Extra inputs", lambda t, b: b["buckets"]["bronze"].update(colour="red")),
]


@pytest.mark.parametrize(("words", "edit"), BROKEN, ids=[words for words, _ in BROKEN])
def test_a_broken_rule_is_named(broken: Callable[[Change], Path], words: str, edit: Change) -> None:
    with pytest.raises(ConfigError, match=words):
        load_catalogue(broken(edit))


def test_an_unreadable_catalogue_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"topics\.yaml"):
        load_catalogue(tmp_path)


def test_a_policy_names_its_places_only() -> None:
    from pipelines.core.object_store import make_policy

    policy = make_policy("sangam-", ["bronze/upi"], ["gold/upi", "reports"])
    by_action = {statement["Action"][0]: statement for statement in policy["Statement"]}
    assert by_action["s3:AbortMultipartUpload"]["Resource"] == [
        "arn:aws:s3:::sangam-gold/upi/*",
        "arn:aws:s3:::sangam-reports/*",
    ]
    assert "arn:aws:s3:::sangam-bronze/upi/*" in by_action["s3:GetObject"]["Resource"]
    listing = [s for s in policy["Statement"] if s["Action"] == ["s3:ListBucket"]]
    bronze = next(s for s in listing if s["Resource"] == ["arn:aws:s3:::sangam-bronze"])
    assert bronze["Condition"] == {"StringLike": {"s3:prefix": ["upi", "upi/*"]}}
    assert "*" not in [resource for s in policy["Statement"] for resource in s["Resource"]]
