"""Dedup from a topic and from a bronze table on MinIO, its own tables on MinIO: the same persons."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from pipelines.core import endpoints
from pipelines.core.catalogue import load_catalogue
from pipelines.core.delta_tables import Place
from pipelines.core.topic_read import read_topic
from pipelines.core.wire import Wire
from pipelines.ingest.dlq import Filter, read_letters
from pipelines.produce.sources import open_records
from pipelines.stack.native import NativeStack
from tests.stack.tools import KEY, ingest, job, publish, use_store

TOPIC = "identity.enrolments.v1"
BRONZE, SILVER = "s3a://sangam-bronze/identity/enrolments_v1", "s3a://sangam-silver/identity"
RECORDS = 300


@pytest.fixture(scope="module")
def sent(stack: NativeStack, tmp_path_factory: pytest.TempPathFactory) -> int:
    """Enrolments, and three messages that cannot be decoded; returns how many in all."""
    known, folder = load_catalogue().topics, tmp_path_factory.mktemp("register")
    records = list(open_records((TOPIC,), known, RECORDS, 7, None, folder)[TOPIC])
    wire = Wire(known[TOPIC].record)
    messages = [(wire.encode(one), one["event_time"]) for one in records]
    good, moment = messages[0]
    bad = [(value, moment) for value in (b"", b"\1" + good[1:], good + b"!")]
    publish(stack.environment[endpoints.KAFKA], TOPIC, [*messages, *bad])
    return len(messages) + len(bad)


def run_json(report: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((report / "run.json").read_text())
    return found


def run_dedup(stack: NativeStack, *arguments: str, report: Path) -> dict[str, Any]:
    process = job(stack, "dedup", *arguments, "--report", str(report))
    told = process.communicate(timeout=240)[0]
    assert process.returncode == 0, told
    return run_json(report)


def test_the_same_persons_from_a_topic_and_from_bronze(
    stack: NativeStack, spark: SparkSession, servers: str, sent: int, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for name, value in KEY.items():
        monkeypatch.setenv(name, value)
    tried = read_topic(spark, TOPIC, "dedup", is_dry_run=True)
    assert (tried.frame.count(), tried.dead) == (RECORDS, sent - RECORDS)
    assert not list(read_letters(servers, TOPIC, Filter())), "a dry run has sent dead letters"
    direct = run_dedup(
        stack, "--input", f"kafka://{TOPIC}", "--lake", SILVER, report=tmp_path / "direct"
    )
    counts = direct["counts"]
    letters = list(read_letters(servers, TOPIC, Filter()))
    assert sorted(one["error_code"] for one in letters) == ["E_MAGIC", "E_SHORT", "E_TRAILING"]
    assert {one["job"] for one in letters} == {"dedup"}
    assert counts["in"] == counts["out"] + counts["rejected"] + counts["dlq"]
    assert (counts["in"], counts["dlq"]) == (sent, len(letters))
    store = endpoints.object_store("dedup", stack.environment)
    persons = clusters(Place(f"{SILVER}/clusters_v1", store))
    assert len(set(persons.values())) == direct["metrics"]["clusters"]

    use_store(spark)
    assert ingest(spark, TOPIC, "s3a://sangam").counts == {
        "in": sent,
        "out": RECORDS,
        "rejected": 0,
        "dlq": 3,
    }
    assert len(list(read_letters(servers, TOPIC, Filter()))) == 3, "a letter counts twice"
    stored = run_dedup(
        stack, "--input", BRONZE, "--lake", str(tmp_path / "lake"), report=tmp_path / "stored"
    )
    assert stored["counts"]["in"] == RECORDS
    same = ("clusters", "duplicates_found", "pairs_compared")
    assert [stored["metrics"][one] for one in same] == [direct["metrics"][one] for one in same]
    assert clusters(Place(f"{tmp_path}/lake/clusters_v1")) == persons, "other names in bronze"


def clusters(place: Place) -> dict[str, str]:
    """Cluster by record token."""
    table = place.table()
    assert table is not None, f"no table at {place}"
    found = table.to_pyarrow_table(columns=["record_token", "cluster_id"]).to_pydict()
    return dict(zip(found["record_token"], found["cluster_id"], strict=True))


@pytest.mark.parametrize(
    ("topic", "changes", "code", "words"),
    [
        ("identity.nothing.v1", {}, 2, "not in conf/stack/topics.yaml"),
        (TOPIC, {"SANGAM_KAFKA": "127.0.0.1:1"}, 5, "Kafka does not answer at 127.0.0.1:1"),
    ],
)
def test_a_topic_that_cannot_be_read_is_one_sentence(
    stack: NativeStack, topic: str, changes: dict[str, str], code: int, words: str
) -> None:
    began = time.monotonic()
    process = job(stack, "dedup", "--input", f"kafka://{topic}", **changes)
    told = process.communicate(timeout=110)[0]
    said = [line for line in told.splitlines() if not line.startswith("WARNING: Using incubator")]
    assert (process.returncode, len(said)) == (code, 1), told
    assert words in said[0]
    assert time.monotonic() - began < 60, "it waited for a broker as long as a client would"
