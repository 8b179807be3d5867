"""Sends messages in order, looks at every answer, and spools to disk while the broker is away."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.core.errors import DependencyError
from pipelines.core.kafka import KafkaError, make_producer
from pipelines.produce.config import ProduceConfig
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
    """

    acknowledged: int = 0
    spooled: int = 0
    waiting: int = 0


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
            self._producer = self.connect(
                self.servers,
                delivery_timeout_ms=int(self.config.delivery_seconds * 1000),
                request_timeout_ms=int(self.config.delivery_seconds * 800),
                max_block_ms=int(self.config.delivery_seconds * 1000),
                bootstrap_timeout_ms=int(self.config.probe_seconds * 1000),
            )
        except DependencyError:
            self._next_probe = self.clock() + self.config.probe_seconds
            return False
        self._put_held()
        if not self.spool.is_empty:
            self._drain()
        return self._producer is not None and self.spool.is_empty

    def _send_now(self, message: Message) -> None:
        try:
            future = self._producer.send(
                self.topic, key=message.key, value=message.value, timestamp_ms=message.timestamp_ms
            )
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
        except KafkaError:
            self._lose([message])

    def _lose(self, first: list[Message]) -> None:
        """The connection failed: keep everything without an answer, in order."""
        lost = first
        while self._in_flight:
            message, future = self._in_flight.popleft()
            if future.is_done and future.succeeded():
                self.sent.acknowledged += 1
            else:
                lost.append(message)
        self._disconnect()
        self._next_probe = self.clock() + self.config.probe_seconds
        self.spool.extend(lost)
        self.sent.spooled += len(lost)

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
        """Send the whole spool; it is cleared when all of it is acknowledged."""
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
        except KafkaError:
            self._disconnect()
            self._next_probe = self.clock() + self.config.probe_seconds
            return
        self.sent.acknowledged += len(futures)
        self.spool.clear()

    def _settle_all(self) -> None:
        while self._in_flight:
            self._settle_oldest()

    def _disconnect(self) -> None:
        if self._producer is not None:
            self._producer.close(timeout=self.config.probe_seconds)
            self._producer = None
