"""Producers on a real broker: it goes away in the middle, it refuses a record; nothing is lost."""

import time
from pathlib import Path

import pytest

from pipelines.core.kafka import read_all
from pipelines.core.wire import Wire
from pipelines.ingest.dlq import Filter, read_letters
from pipelines.produce.cli import main
from pipelines.produce.config import ProduceConfig
from pipelines.produce.samples import sample_records
from pipelines.produce.sender import Sender
from pipelines.produce.spool import Message
from pipelines.stack.native import NativeStack

AHEAD_MS = 600_000
KEYS = 7


def messages(subject: str, number: int) -> list[Message]:
    wire = Wire(subject)
    return [
        Message(b"%d" % (place % KEYS), wire.encode(record), record["event_time"])
        for place, record in enumerate(sample_records(subject, number, seed=21))
    ]


def test_a_broker_that_goes_away_loses_no_record_and_no_order(
    stack: NativeStack, servers: str, tmp_path: Path
) -> None:
    topic, sent = "viewer.ref-content.v1", messages("viewer.Content", 3_000)
    config = ProduceConfig(delivery_seconds=2, in_flight=200, probe_seconds=0.5)
    sender = Sender(servers, topic, tmp_path, config)
    try:
        for place, message in enumerate(sent):
            if place == 1_000:
                stack.kill("kafka")
            sender.send(message)
        assert not sender.spool.is_empty, "nothing was spooled while the broker was away"
    finally:
        stack.start_kafka()
    result = sender.finish()
    assert result.waiting == 0
    assert result.spooled >= 1_000
    by_key: dict[bytes, list[bytes]] = {}
    for record in read_all(servers, topic):
        by_key.setdefault(record.key, []).append(record.value)
    for key, values in by_key.items():
        first_seen = list(dict.fromkeys(values))
        assert first_seen == [one.value for one in sent if one.key == key]
    assert len(by_key) == KEYS


def test_a_record_ahead_of_its_time_is_a_dead_letter(servers: str, tmp_path: Path) -> None:
    topic = "viewer.interactions.v1"
    one, two, three = messages("viewer.Interaction", 3)
    ahead = Message(two.key, two.value, int(time.time() * 1000) + AHEAD_MS)
    sender = Sender(servers, topic, tmp_path, ProduceConfig())
    for message in (one, ahead, three):
        sender.send(message)
    sent = sender.finish()
    assert (sent.acknowledged, sent.refused, sent.waiting) == (2, 1, 0)
    values = [record.value for record in read_all(servers, topic)]
    assert set(values) >= {one.value, three.value}
    letters = list(read_letters(servers, topic, Filter(code="E_TIME")))
    assert [letter["payload"] for letter in letters] == [two.value]


@pytest.mark.parametrize("domain", ["credit", "rail"])
def test_a_domain_fills_its_topics(
    servers: str, domain: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([domain, "--records", "100", "--spool", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    for line in told.splitlines():
        if line.startswith("topic"):
            assert list(read_all(servers, line.split()[1])), line
    assert "refused" not in told
