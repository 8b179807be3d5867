"""The slow path on Kafka: payments in, flags out, on the topic the hot path follows."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.core.kafka import make_producer, read_all, topic_spans
from pipelines.core.wire import Wire
from pipelines.stack.native import NativeStack
from pipelines.upi_fraud.decider import TOPIC
from pipelines.upi_fraud.follow import TOPICS
from tests.stack.tools import job
from tests.stack.upi_fraud.test_upi_fraud import QUICK, TOKENISER
from tests.unit.upi_fraud.planted import MINUTE, START, planted
from tests.unit.upi_fraud.samples import merchant, record


def address(name: str) -> str:
    return f"{name}@ybl"


def message(number: int, row: tuple[Any, ...]) -> dict[str, Any]:
    """A planted edge as a payment."""
    time_ms, payer, payee, paise, device, shop = row
    return record(
        event_id=f"e{number}", event_time=time_ms, ingest_time=time_ms + 200,
        transaction_id=f"N-{number}", sender_vpa=address(payer), receiver_vpa=address(payee),
        amount_paise=paise, device_id=device, merchant_id=shop,
    )  # fmt: skip


def send_planted(servers: str) -> None:
    """Every payment twice, one that never was a payment, and what is usual at the merchant."""
    producer, wire = make_producer(servers), Wire("upi.Transaction")
    usual = merchant(event_id="m1", source="test", schema_version=1, ingest_time=None, region="IN",
                     priority=5, event_time=START)  # fmt: skip
    producer.send(TOPICS[0], key=b"M1", value=Wire("upi.Merchant").encode(usual)).get(30)
    for number, row in enumerate(sorted(planted(), key=lambda one: one[0])):
        made = message(number, row)
        for _ in range(2):
            producer.send(TOPIC, key=made["sender_vpa"].encode(), value=wire.encode(made),
                          timestamp_ms=row[0])  # fmt: skip
    producer.send(TOPIC, key=b"x@ybl", value=b"damaged", timestamp_ms=row[0])
    producer.close()


@pytest.mark.timeout(300)
def test_planted_patterns_become_flags(stack: NativeStack, servers: str, tmp_path: Path) -> None:
    ((_, first_new),) = topic_spans(servers, TOPICS[1]).values()
    send_planted(servers)
    arguments = ("--stack", "--job", "network", "--once", "--report", str(tmp_path))
    process = job(stack, "upi_fraud", *arguments, JVM_ARGS=QUICK)
    output, _ = process.communicate(timeout=280)
    assert process.returncode == 0, output
    wire = Wire("upi.Flag")
    flags = [
        (one.key, wire.decode(one.value))
        for one in read_all(servers, TOPICS[1])
        if one.offset >= first_new
    ]
    names = {f"{TOKENISER.token(address(row[side]))}@ybl": row[side]
             for row in planted() for side in (1, 2)}  # fmt: skip
    found: dict[str, set[str]] = {}
    for key, flag in flags:
        assert key.decode() == f"{flag['kind']}|{flag['subject']}"
        found.setdefault(flag["kind"], set()).add(names.get(flag["subject"], flag["subject"]))
    assert found.pop("FAN_IN") == found.pop("PASS_THROUGH") == {"mule"}
    assert found.pop("CYCLE") == {"a", "b", "c"}
    assert found.pop("DEVICE_SHARED") == {
        TOKENISER.token("crowded"), *(f"sharer{n}" for n in range(6)),
    }  # fmt: skip
    assert found == {"COLLUSION": {"M1"}}
    first = min(one["event_time"] for _, one in flags if one["kind"] == "FAN_IN")
    assert START + 8 * MINUTE < first <= START + 9 * MINUTE + 5_000
    through = next(one for _, one in flags if one["kind"] == "PASS_THROUGH")
    assert through["value"] == 9
    manifest = json.loads((tmp_path / "run.json").read_text())
    assert manifest["metrics"]["flags"] == len(flags)
