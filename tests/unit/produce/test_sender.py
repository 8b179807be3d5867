"""The sender against a broker that comes and goes: nothing lost, the order of a key kept."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.errors import InvalidTimestampError, KafkaTimeoutError, MessageSizeTooLargeError

from pipelines.core.errors import DependencyError, SangamError
from pipelines.core.wire import Wire
from pipelines.produce.cli import key_maker
from pipelines.produce.config import ProduceConfig
from pipelines.produce.samples import sample_records
from pipelines.produce.sender import Sender
from pipelines.produce.spool import Message

AHEAD, LARGEST = 1_000_000, 1_000
"""The broker refuses this time, and more bytes than that."""


class Future:
    def __init__(self, error: Exception | None = None) -> None:
        self.is_done, self._error = True, error

    def succeeded(self) -> bool:
        return self._error is None

    def get(self, timeout: float) -> None:
        if self._error:
            raise self._error


@dataclass
class Broker:
    """A broker whose state is said by a list: one entry per message or connection."""

    ups: list[bool]
    log: list[bytes] = field(default_factory=list)
    letters: list[bytes] = field(default_factory=list)
    is_broken: bool = False
    seconds: float = 0.0

    def is_up(self) -> bool:
        return self.ups.pop(0) if self.ups else True

    def connect(self, _servers: str, **_changes: Any) -> "Broker":
        if not self.is_up():
            raise DependencyError("away")
        self.is_broken = False
        return self

    def send(self, topic: str, key: bytes, value: bytes, timestamp_ms: int | None) -> Future:
        is_letter = topic.endswith(".dlq")
        if not self.is_up():
            return Future(KafkaTimeoutError("away"))
        is_ahead = timestamp_ms is not None and timestamp_ms >= AHEAD
        if self.is_broken or is_ahead or len(value) > LARGEST * (1 + is_letter):
            self.is_broken = True  # as the real producer: it takes nothing more
            is_time = is_ahead or len(value) <= LARGEST
            error = InvalidTimestampError if is_time else MessageSizeTooLargeError
            return Future(error("refused"))
        (self.letters if is_letter else self.log).append(value)
        return Future()

    def flush(self, timeout: float) -> None:
        pass

    def close(self, timeout: float) -> None:
        if self.is_broken or not self.is_up():
            raise KafkaTimeoutError("it still held messages")

    def clock(self) -> float:
        self.seconds += 0.5
        return self.seconds


def sender(broker: Broker, folder: Path, **changes: Any) -> Sender:
    config = ProduceConfig(
        **{"in_flight": 3, "drain_seconds": 60, "probe_seconds": 0.001, **changes}
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


def poisoned() -> list[Message]:
    """Twenty messages, two of which the broker refuses."""
    messages = numbered(20)
    messages[7] = Message(b"k", b"ahead", AHEAD)
    messages[11] = Message(b"k", b"x" * (LARGEST + 1), 11)
    return messages


def assert_two_are_letters(broker: Broker) -> None:
    assert [int(value) for value in broker.log] == [n for n in range(20) if n not in (7, 11)]
    letters = [Wire("ops.DlqEnvelope").decode(value) for value in broker.letters]
    assert [one["error_code"] for one in letters] == ["E_TIME", "E_REFUSED"]
    assert [one["payload"] for one in letters] == [b"ahead", b"x" * (LARGEST + 1)]
    assert {(one["job"], one["original_topic"]) for one in letters} == {("produce", "t")}


def test_refused_messages_become_letters_and_hold_up_nothing(tmp_path: Path) -> None:
    broker = Broker([])
    one = sender(broker, tmp_path)
    for message in poisoned():
        one.send(message)
    sent = one.finish()
    assert (sent.acknowledged, sent.refused, sent.waiting) == (18, 2, 0)
    assert_two_are_letters(broker)


def test_refused_messages_leave_the_spool_too(tmp_path: Path) -> None:
    away = sender(Broker([False] * 500), tmp_path, drain_seconds=0)
    for message in poisoned():
        away.send(message)
    assert away.finish().waiting == 20
    broker = Broker([])
    sent = sender(broker, tmp_path).finish()
    assert (sent.refused, sent.waiting) == (2, 0)
    broker.log = broker.log[-18:]  # sent once with the rest, and again one by one
    assert_two_are_letters(broker)


def test_a_record_too_large_for_a_letter_is_told(tmp_path: Path) -> None:
    one = sender(Broker([]), tmp_path)
    one.send(Message(b"k", b"x" * 3 * LARGEST, 1))
    with pytest.raises(SangamError, match="3,000 bytes is more than t"):
        one.finish()


def test_keys_join_their_fields() -> None:
    record = {"a": 1, "b": "x"}
    assert key_maker("a")(record) == b"1"
    assert key_maker("a+b")(record) == b"1|x"


def test_samples_follow_their_seed() -> None:
    first, again = (list(sample_records("upi.Decision", 20, seed=3)) for _ in range(2))
    assert first == again
    assert first != list(sample_records("upi.Decision", 20, seed=4))
