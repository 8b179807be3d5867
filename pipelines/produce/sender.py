"""Sends messages in order, looks at every answer, and spools to disk while the broker is away."""

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.core.errors import DependencyError
from pipelines.core.kafka import REFUSED, KafkaError, make_producer
from pipelines.produce.config import ProduceConfig
from pipelines.produce.refusals import Sorted, send_one_by_one
from pipelines.produce.spool import Message, Spool

SPOOL_BATCH = 500
"""Messages that are put on disk together while the broker is away."""


@dataclass
class Sent:
    """What became of the messages.

    Attributes:
        acknowledged: taken by all copies in sync.
        spooled: put on disk at least once on the way.
        waiting: on disk still.
        refused: given up by the broker, and dead letters now.
    """

    acknowledged: int = 0
    spooled: int = 0
    waiting: int = 0
    refused: int = 0


@dataclass
class Sender:
    """Producer of one topic. Delivery is at least once; equal messages have equal event_ids.

    While anything is in the spool new messages go there too, so that the order of a key holds.

    Attributes:
        servers: bootstrap servers.
        topic: topic.
        spool_folder: folder of the spool.
        config: settings.
        connect: makes a producer; replaced in tests.
        clock: monotonic seconds.
    """

    servers: str
    topic: str
    spool_folder: Path
    config: ProduceConfig
    connect: Callable[..., Any] = make_producer
    clock: Callable[[], float] = time.monotonic
    sent: Sent = field(default_factory=Sent)

    def __post_init__(self) -> None:
        self.spool = Spool(self.spool_folder / f"{self.topic}.spool", self.config.spool_mib << 20)
        self._in_flight: deque[tuple[Message, Any]] = deque()
        self._held: list[Message] = []
        self._producer: Any = None
        self._next_probe = self.clock()

    def send(self, message: Message) -> None:
        """Hand a message over; it is sent soon, or on disk soon."""
        if not self.spool.is_empty or not self._is_connected():
            self._hold(message)
            return
        self._send_now(message)
        while len(self._in_flight) >= self.config.in_flight:
            self._settle_oldest()

    def finish(self) -> Sent:
        """Wait for the answers, then for Kafka to take the spool, as long as configured."""
        self._settle_all()
        deadline = self.clock() + self.config.drain_seconds
        self._put_held()
        while not self.spool.is_empty and self.clock() < deadline:
            self._next_probe = self.clock()
            if self._is_connected():
                self._drain()
            else:
                time.sleep(min(self.config.probe_seconds, max(0.0, deadline - self.clock())))
        self.sent.waiting = len(self.spool)
        self._disconnect()
        return self.sent

    def _is_connected(self) -> bool:
        """Connect if it is time to try; what waits on disk goes first."""
        if self._producer is not None:
            return True
        if self.clock() < self._next_probe:
            return False
        try:
            self._producer = self._connect()
        except DependencyError:
            self._next_probe = self.clock() + self.config.probe_seconds
            return False
        self._put_held()
        if not self.spool.is_empty:
            self._drain()
        return self._producer is not None and self.spool.is_empty

    def _connect(self) -> Any:
        return self.connect(
            self.servers,
            delivery_timeout_ms=int(self.config.delivery_seconds * 1000),
            request_timeout_ms=int(self.config.delivery_seconds * 800),
            max_block_ms=int(self.config.delivery_seconds * 1000),
            bootstrap_timeout_ms=int(self.config.probe_seconds * 1000),
        )

    def _send_now(self, message: Message) -> None:
        try:
            future = self._producer.send(
                self.topic, key=message.key, value=message.value, timestamp_ms=message.timestamp_ms
            )
        except REFUSED:
            self._keep(self._one_by_one([message]).left)
            return
        except KafkaError:  # no metadata in time: the broker is away
            self._lose([message])
            return
        self._in_flight.append((message, future))

    def _settle_oldest(self) -> None:
        """Look at the oldest answer; a failure spools it and all that follow."""
        message, future = self._in_flight.popleft()
        try:
            future.get(timeout=self.config.delivery_seconds * 2)
            self.sent.acknowledged += 1
        except REFUSED:
            with suppress(KafkaError):
                self._producer.flush(timeout=self.config.delivery_seconds)
            self._keep(self._one_by_one([message, *self._unanswered()]).left)
        except KafkaError:
            self._lose([message])

    def _unanswered(self) -> list[Message]:
        """Take everything in flight; what the broker has is counted, the rest is returned."""
        left = []
        while self._in_flight:
            message, future = self._in_flight.popleft()
            if future.is_done and future.succeeded():
                self.sent.acknowledged += 1
            else:
                left.append(message)
        return left

    def _one_by_one(self, messages: list[Message]) -> Sorted:
        """One of these is refused, and others of its batch with it: find out which."""
        self._disconnect()
        seconds = self.config.delivery_seconds * 2
        found = send_one_by_one(self._connect, self.topic, messages, seconds)
        self.sent.acknowledged += found.acknowledged
        self.sent.refused += found.refused
        return found

    def _lose(self, first: list[Message]) -> None:
        """The connection failed: keep everything without an answer, in order."""
        self._keep([*first, *self._unanswered()])

    def _keep(self, lost: list[Message]) -> None:
        """Put messages on disk until the broker is back."""
        if not lost:
            return
        self._give_up()
        self.spool.extend(lost)
        self.sent.spooled += len(lost)

    def _give_up(self) -> None:
        self._disconnect()
        self._next_probe = self.clock() + self.config.probe_seconds

    def _hold(self, message: Message) -> None:
        self._held.append(message)
        if len(self._held) >= SPOOL_BATCH:
            self._put_held()
            self._is_connected()

    def _put_held(self) -> None:
        if self._held:
            self.spool.extend(self._held)
            self.sent.spooled += len(self._held)
            self._held.clear()

    def _drain(self) -> None:
        """Send the whole spool; it is cleared when all of it is answered."""
        futures = []
        try:
            for message in self.spool.read():
                futures.append(
                    self._producer.send(
                        self.topic,
                        key=message.key,
                        value=message.value,
                        timestamp_ms=message.timestamp_ms,
                    )
                )
            for future in futures:
                future.get(timeout=self.config.delivery_seconds * 2)
        except REFUSED:
            self.spool.replace(self._one_by_one(list(self.spool.read())).left)
            if not self.spool.is_empty:
                self._give_up()
            return
        except KafkaError:
            self._give_up()
            return
        self.sent.acknowledged += len(futures)
        self.spool.clear()

    def _settle_all(self) -> None:
        while self._in_flight:
            self._settle_oldest()

    def _disconnect(self) -> None:
        if self._producer is not None:
            with suppress(KafkaError):  # what it still held has no answer, and is kept by us
                self._producer.close(timeout=self.config.probe_seconds)
            self._producer = None
