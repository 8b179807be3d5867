"""The sender against a broker that comes and goes: nothing lost, the order of a key kept."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.errors import KafkaTimeoutError

from pipelines.core.errors import DependencyError
from pipelines.produce.cli import key_maker
from pipelines.produce.config import ProduceConfig
from pipelines.produce.samples import sample_records
from pipelines.produce.sender import Sender
from pipelines.produce.spool import Message


class Future:
    def __init__(self, is_good: bool) -> None:
        self.is_done, self._is_good = True, is_good

    def succeeded(self) -> bool:
        return self._is_good

    def get(self, timeout: float) -> None:
        if not self._is_good:
            raise KafkaTimeoutError("away")


@dataclass
class Broker:
    """A broker whose state is said by a list: one entry per message or connection."""

    ups: list[bool]
    log: list[bytes] = field(default_factory=list)
    seconds: float = 0.0

    def is_up(self) -> bool:
        return self.ups.pop(0) if self.ups else True

    def connect(self, _servers: str, **_changes: Any) -> "Broker":
        if not self.is_up():
            raise DependencyError("away")
        return self

    def send(self, _topic: str, key: bytes, value: bytes, timestamp_ms: int) -> Future:
        is_good = self.is_up()
        if is_good:
            self.log.append(value)
        return Future(is_good)

    def close(self, timeout: float) -> None:
        pass

    def clock(self) -> float:
        self.seconds += 0.5
        return self.seconds


def sender(broker: Broker, folder: Path, **changes: Any) -> Sender:
    config = ProduceConfig(
        **{"in_flight": 3, "drain_seconds": 60, "probe_seconds": 0.01, **changes}
    )
    return Sender("s:1", "t", folder, config, connect=broker.connect, clock=broker.clock)


def numbered(count: int) -> list[Message]:
    return [Message(b"k", str(n).encode(), n) for n in range(count)]


@settings(max_examples=60, deadline=None)
@given(ups=st.lists(st.booleans(), max_size=60), count=st.integers(0, 30))
def test_every_message_arrives_whatever_the_broker_does(
    tmp_path_factory: pytest.TempPathFactory, ups: list[bool], count: int
) -> None:
    broker = Broker(ups)
    one = sender(broker, tmp_path_factory.mktemp("s"))
    for message in numbered(count):
        one.send(message)
    sent = one.finish()
    arrived = {int(value) for value in broker.log}
    waiting = {int(message.value) for message in one.spool.read()}
    assert arrived | waiting == set(range(count))
    assert sent.waiting == len(list(one.spool.read()))
    assert sent.waiting == 0 or not all(ups)


def test_a_healthy_broker_gets_each_message_once_in_order(tmp_path: Path) -> None:
    broker = Broker([])
    one = sender(broker, tmp_path)
    for message in numbered(100):
        one.send(message)
    assert one.finish().acknowledged == 100
    assert [int(value) for value in broker.log] == list(range(100))
    assert one.spool.is_empty


def test_the_spool_goes_first_when_the_broker_is_back(tmp_path: Path) -> None:
    away = sender(Broker([False] * 500), tmp_path, drain_seconds=0)
    for message in numbered(5):
        away.send(message)
    assert away.finish().waiting == 5
    broker = Broker([])
    back = sender(broker, tmp_path)
    back.send(Message(b"k", b"5", 5))
    assert back.finish().waiting == 0
    assert [int(value) for value in broker.log] == [0, 1, 2, 3, 4, 5]


def test_keys_join_their_fields() -> None:
    record = {"a": 1, "b": "x"}
    assert key_maker("a")(record) == b"1"
    assert key_maker("a+b")(record) == b"1|x"


def test_samples_follow_their_seed() -> None:
    first, again = (list(sample_records("upi.Decision", 20, seed=3)) for _ in range(2))
    assert first == again
    assert first != list(sample_records("upi.Decision", 20, seed=4))
