"""Flink on a real topic: framed bytes read both ways, written as they were, and equal to Python's."""

from contextlib import closing
from typing import Any

import pytest

from pipelines.core import avro_codec
from pipelines.core.contract_store import get_contract
from pipelines.core.flink import FlinkSettings, build_environment, flink_options
from pipelines.core.flink_tables import guarded_source, native_source, raw_sink
from pipelines.core.flink_types import quoted
from pipelines.core.kafka import admin, create_topic, make_producer, read_all
from pipelines.core.schema_lock import golden_bodies
from pipelines.core.wire import Wire

SUBJECTS = (
    "viewer.Event",
    "viewer.Metrics",
    "viewer.Session",
    "viewer.Interaction",
    "upi.Decision",
)
SETTINGS = FlinkSettings(parallelism=1, checkpoint_seconds=5)
BASE_MS = 1_767_225_600_000


@pytest.fixture(scope="module")
def flink() -> Any:
    return build_environment(flink_options("tests", SETTINGS))


def framed(subject: str) -> list[bytes]:
    wire = Wire(subject)
    return [avro_codec.frame(wire.schema_id, one) for one in golden_bodies(get_contract(subject))]


def fill(servers: str, subject: str) -> str:
    topic = f"tests.{subject.lower().replace('.', '-')}.v1"
    with admin(servers) as client:
        for name in (topic, f"{topic}.copy"):
            create_topic(client, name, 1, 1, {"retention.ms": "-1"})  # the records are old
    with closing(make_producer(servers)) as producer:
        sent = [
            producer.send(topic, key=b"k", value=value, timestamp_ms=BASE_MS + place,
                          headers=[("made-by", b"test")])
            for place, value in enumerate(framed(subject))
        ]  # fmt: skip
        assert [one.get(30).offset for one in sent] == list(range(len(sent)))
    return topic


@pytest.mark.parametrize("subject", SUBJECTS)
def test_flink_reads_and_copies_what_python_framed(flink: Any, servers: str, subject: str) -> None:
    topic = fill(servers, subject)
    name = subject.replace(".", "_")
    flink.execute_sql(native_source(name, topic, servers, "g", subject, 30, is_bounded=True))
    flink.execute_sql(guarded_source(f"{name}_raw", topic, servers, "g", 5, is_bounded=True))
    flink.execute_sql(raw_sink(f"{name}_out", f"{topic}.copy", servers, "exact", "tests", SETTINGS))
    assert read_rows(flink, name, subject) == [
        plain(Wire(subject).decode(value)) for value in framed(subject)
    ]
    flink.execute_sql(
        f"INSERT INTO {name}_out SELECT message_key, message_value, kafka_time, kafka_headers"  # noqa: S608
        f" FROM {name}_raw"
    ).wait()
    copies = [one for one in read_all(servers, f"{topic}.copy") if one.value is not None]
    assert [one.value for one in copies] == framed(subject)
    assert [one.timestamp for one in copies] == [BASE_MS + n for n in range(len(copies))]
    assert {tuple(one.headers) for one in copies} == {(("made-by", b"test"),)}
    assert {one.key for one in copies} == {b"k"}


def read_rows(flink: Any, table: str, subject: str) -> list[dict[str, Any]]:
    """Scalar columns as text: Flink gives moments to Python in no other way."""
    names = list(plain(Wire(subject).decode(framed(subject)[0])))
    columns = ", ".join(f"CAST({quoted(name)} AS STRING)" for name in names)
    query = f"SELECT {columns} FROM {table}"  # noqa: S608 (names of our own contracts)
    with flink.execute_sql(query).collect() as rows:
        return [dict(zip(names, row, strict=True)) for row in rows]


def plain(record: dict[str, Any]) -> dict[str, str | None]:
    """Strings, whole numbers and booleans of a record as Flink's CAST shows them."""
    moments = ("event_time", "ingest_time")
    return {
        name: None
        if value is None
        else str(value).upper()
        if isinstance(value, bool)
        else str(value)
        for name, value in record.items()
        if (value is None or isinstance(value, bool | str | int))
        and not name.endswith("_at")
        and name not in (*moments, "sketch")
        and not optional_other(name)
    }


def optional_other(name: str) -> bool:
    """Columns that are numbers with a fraction in one sample and null in another."""
    return name in (
        "buffer_pct", "buffer_seconds", "rebuffering_ratio", "average_bitrate_kbps", "startup_ms",
        "failure_pct", "model_score",
    )  # fmt: skip
