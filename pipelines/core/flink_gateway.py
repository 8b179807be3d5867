"""Flink's JVM as its client sees it: a connection for each Python thread, operators made there.

Importing this module loads no engine.
"""

import threading
from collections.abc import Iterable
from pathlib import Path
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


def make_operator(gateway: Any, jar: Path, java: str, *numbers: int) -> Any:
    """An operator of a job, made in the client's JVM; the environment has to know its jar too.

    Args:
        gateway: PyFlink's.
        jar: its class, see `java_functions.functions_jar`.
        java: name of the class.
        numbers: of its only constructor.
    """
    jvm = gateway.jvm
    urls = gateway.new_array(jvm.java.net.URL, 1)
    urls[0] = jvm.java.net.URL(jar.as_uri())
    arguments = gateway.new_array(jvm.java.lang.Object, len(numbers))
    for place, number in enumerate(numbers):
        arguments[place] = number
    parent = jvm.java.lang.Thread.currentThread().getContextClassLoader()
    kind = jvm.java.net.URLClassLoader(urls, parent).loadClass(java)
    return kind.getConstructors()[0].newInstance(arguments)
