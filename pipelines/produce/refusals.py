"""Messages the broker refuses: an event time ahead of its clock, or more bytes than it takes.

They become dead letters, or the ones behind them would wait for ever.
"""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

from pipelines.core.config import PROJECT_ROOT
from pipelines.core.dead_letters import ENVELOPE, Judge, letter_key, make_letter
from pipelines.core.errors import DependencyError, SangamError
from pipelines.core.kafka import REFUSED, KafkaError
from pipelines.core.machine import git_state
from pipelines.core.wire import Wire
from pipelines.produce.spool import Message

CLOSE_SECONDS = 2
NOWHERE = -1
"""Partition of a message that no topic has."""


@dataclass
class Sorted:
    """What became of messages that were sent one at a time.

    Attributes:
        acknowledged: taken by the broker.
        refused: became dead letters.
        left: neither, since the broker went away.
    """

    acknowledged: int = 0
    refused: int = 0
    left: list[Message] = field(default_factory=list)


def send_one_by_one(
    connect: Callable[[], Any], topic: str, messages: Sequence[Message], seconds: float
) -> Sorted:
    """Send messages in order, each after the answer to the one before, and write dead letters.

    A producer takes nothing more after a refusal, so each refusal costs a new one.

    Args:
        connect: makes a producer.
        topic: where they belong.
        messages: some of them refused.
        seconds: until an answer must be there.

    Raises:
        SangamError: a message is too large even for a dead letter.
    """
    found = Sorted()
    with ExitStack() as opened:
        producer: Any = None
        for place, message in enumerate(messages):
            try:
                producer = producer or _open(opened, connect)
                try:
                    _send(producer, topic, message, message.timestamp_ms, seconds)
                    found.acknowledged += 1
                except REFUSED as error:
                    producer = _open(opened, connect)
                    _send_letter(producer, topic, message, error, seconds)
                    found.refused += 1
            except (KafkaError, DependencyError):
                found.left = list(messages[place:])
                break
    return found


def _open(opened: ExitStack, connect: Callable[[], Any]) -> Any:
    producer = connect()
    opened.callback(_close, producer)
    return producer


def _close(producer: Any) -> None:
    with suppress(KafkaError):  # each message was answered, or is kept
        producer.close(timeout=CLOSE_SECONDS)


def _send(
    producer: Any, topic: str, message: Message, timestamp_ms: int | None, seconds: float
) -> None:
    sent = producer.send(topic, key=message.key, value=message.value, timestamp_ms=timestamp_ms)
    sent.get(timeout=seconds)


def _send_letter(
    producer: Any, topic: str, message: Message, error: Exception, seconds: float
) -> None:
    letter = dead_letter(topic, message, error)
    try:
        _send(producer, f"{topic}.dlq", letter, None, seconds)  # None: the letter's own time, now
    except REFUSED as second:
        raise SangamError(
            f"A record of {len(message.value):,} bytes is more than {topic} and its dead letters"
            " take (max.message.bytes in conf/stack/topics.yaml). Leave it out at the source."
        ) from second


def dead_letter(topic: str, message: Message, error: Exception) -> Message:
    """Letter of a message that was never in the topic: its offset is made from its bytes."""
    digest = hashlib.sha256(message.pack()).digest()
    place = int.from_bytes(digest[:8], "big") >> 1
    row = {
        "topic": topic, "partition": NOWHERE, "offset": place, "time": message.timestamp_ms,
        "key": message.key, "value": message.value, "headers": (),
    }  # fmt: skip
    code = "E_TIME" if "Timestamp" in type(error).__name__ else "E_REFUSED"
    by = Judge("produce", str(git_state(PROJECT_ROOT)["git_sha"] or "unknown"))
    letter = make_letter(row, code, f"{code}: the broker refused it: {type(error).__name__}", by)
    key = letter_key(topic, NOWHERE, place)
    return Message(key, Wire(ENVELOPE).encode(letter), message.timestamp_ms)
