"""Payments on a real Kafka: each has one outcome, the ledger equals a plain replay byte for byte."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from pipelines.core.kafka import make_producer, read_all
from pipelines.core.privacy import Tokeniser
from pipelines.core.wire import Wire
from pipelines.stack.native import NativeStack
from pipelines.upi_fraud.build import DeciderPlan
from pipelines.upi_fraud.config import UpiConfig
from pipelines.upi_fraud.decider import TOPIC, Kind, Outcome, Raw
from pipelines.upi_fraud.follow import SUBJECTS, TOPICS
from pipelines.upi_fraud.generate import generate
from tests.stack.tools import KEY, job

CONFIG = UpiConfig()
SETTINGS = CONFIG.generator.model_copy(
    update={"transactions": 3_000, "payers": 500, "merchants": 40, "corrupt_share": 0.003,
            "invalid_share": 0.01, "late_share": 0.01, "duplicate_share": 0.02}
)  # fmt: skip
QUICK = "-XX:TieredStopAtLevel=1"
TOKENISER = Tokeniser(KEY["SANGAM_TOKEN_KEY"].encode(), 1)


def send_all(servers: str, seed: int = 5) -> None:
    """Payments of the generator, merchants, and one blocked payee."""
    made = generate(SETTINGS, CONFIG.times, seed)
    merchants = Wire(SUBJECTS[0])
    with_block = {
        "event_id": "b1", "event_time": 0, "kind": "BLOCK", "subject_kind": "VPA", "value": 0,
        "subject": f"{TOKENISER.token('shop00001@icici')}@icici", "evidence": "test", "expires_at": None,
    }  # fmt: skip
    producer = make_producer(servers)
    for one in made.merchants:
        producer.send(TOPICS[0], key=one["merchant_id"].encode(), value=merchants.encode(one))
    producer.send(TOPICS[1], key=b"BLOCK|x", value=Wire(SUBJECTS[1]).encode(with_block)).get(30)
    for row in made.payments.to_pylist():
        producer.send(
            TOPIC,
            key=row["message_key"],
            value=row["message_value"],
            timestamp_ms=row["kafka_time_ms"],
        )
    poison = ((None, b"no key"), (b"nobody@ybl", None), (b"nobody@ybl", b""))
    for key, value in poison:
        producer.send(TOPIC, key=key, value=value, timestamp_ms=row["kafka_time_ms"])
    producer.close()


def letters(values: Iterable[bytes]) -> set[tuple[Any, ...]]:
    """What dead letters say, without the version of the job."""
    wire = Wire("ops.DlqEnvelope")
    names = ("original_partition", "original_offset", "error_code", "payload", "original_key")
    return {tuple(wire.decode(one)[name] for name in names) for one in values}


def replay(servers: str, wire: Wire | None = None) -> dict[tuple[int, int], Outcome]:
    """What a plain loop over the topic decides, by coordinates; `wire` reads newer messages too."""
    decider = DeciderPlan(CONFIG, "strict", TOKENISER, "test", servers=servers)()
    decider._wire = wire or decider._wire
    raws = [
        Raw(one.partition, one.offset, one.timestamp, one.key, one.value)
        for one in read_all(servers, TOPIC)
    ]
    states: dict[str, Any] = {}
    ordered = sorted(raws, key=lambda one: (one.partition, one.offset))
    return {(one.partition, one.offset): decider.handle_one(one, states) for one in ordered}


@pytest.mark.timeout(420)
def test_each_payment_has_one_outcome_equal_to_a_replay(
    stack: NativeStack, servers: str, tmp_path: Path
) -> None:
    send_all(servers)
    report = tmp_path / "report"
    arguments = (
        "--stack",
        "--once",
        "--report",
        str(report),
        "--set",
        "flink.checkpoint_seconds=5",
    )
    process = job(stack, "upi_fraud", *arguments, JVM_ARGS=QUICK, **KEY)
    output, _ = process.communicate(timeout=360)
    assert process.returncode == 0, output
    expected = replay(servers)
    wanted = Counter(one.value for one in expected.values() if one.kind <= Kind.ALERT)
    ledger = Counter(one.value for one in read_all(servers, "upi.ledger.v1"))
    assert ledger == wanted
    assert set(wanted.values()) == {1}
    assert {one.value for one in read_all(servers, "upi.decisions.v1")} == set(wanted)
    alerts = {one.value for one in expected.values() if one.kind == Kind.ALERT}
    assert {one.value for one in read_all(servers, "upi.alerts.v1")} == alerts
    assert any(b"blocklisted" in one for one in alerts)
    late = Counter(one.value for one in expected.values() if one.kind == Kind.LATE)
    found = list(read_all(servers, f"{TOPIC}.late"))
    assert Counter(one.value for one in found) == late
    assert all(int(dict(one.headers)["sangam-lateness-ms"]) > 300_000 for one in found)
    dead = [one.value for one in expected.values() if one.kind == Kind.DEAD]
    assert letters(one.value for one in read_all(servers, f"{TOPIC}.dlq")) == letters(dead)
    assert {None, b"", b"no key"} < {one[3] for one in letters(dead)}
    counts = json.loads((report / "run.json").read_text())["counts"]
    assert counts["in"] == counts["out"] + counts["rejected"] + counts["late"] + counts["dlq"]
    assert counts["read"] == len(expected)
    assert min(counts[name] for name in ("out", "rejected", "late", "dlq", "duplicates")) > 0
    page = (report / "report.html").read_text()
    assert f"{counts['out']:,} payments decided" in page
    assert "person0" not in page
    for topic in ("upi.ledger.v1", "upi.rejections.v1", "upi.alerts.v1"):
        assert not any(b"person0" in one.value for one in read_all(servers, topic))
