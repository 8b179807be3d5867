"""One connection to Flink's JVM for each Python thread.

Importing this module loads no engine.
"""

import threading
from collections.abc import Iterable
from typing import Any


class OwnConnections(threading.local):
    """Idle connections of the calling thread; stands where py4j has its pool for all threads.

    The JVM serves each connection with a thread, and Flink's planner keeps what it knows of a job
    with that thread. From a common pool, a Python thread that only frees JVM objects (that of a
    Kafka client will do) can leave another connection on top, and the statement that is planned
    next then fails with a NullPointerException.
    """

    def __init__(self) -> None:
        self._idle: list[Any] = []

    def __len__(self) -> int:
        return len(self._idle)

    def append(self, connection: Any) -> None:
        """Take a connection back."""
        self._idle.append(connection)

    def pop(self) -> Any:
        """The connection given back last.

        Raises:
            IndexError: the thread has none, so that py4j opens one.
        """
        return self._idle.pop()


def keep_own_connections(client: Any) -> None:
    """Let each Python thread use its own connection; twice is as good as once.

    Args:
        client: py4j's `GatewayClient`; the connections it has go to the calling thread.
    """
    before: Iterable[Any] = client.deque
    if isinstance(before, OwnConnections):
        return
    own = OwnConnections()
    for connection in before:
        own.append(connection)
    client.deque = own
