"""How `viewer.metrics.v1` is read: provisional rows at once, final ones when they are certain.

The exact lane writes in transactions and the live lane without, into the same partitions. Who asks
for committed records alone is shown nothing behind a transaction that is still open, and one is
open from a slice's first row to the next checkpoint. Final rows are worth that wait; provisional
ones would grow old behind them. So the topic is read twice, and each reading keeps its own rows.
"""

from collections.abc import Iterator
from typing import Any

from pipelines.core.kafka import make_consumer
from pipelines.core.wire import Wire
from pipelines.viewers.topics import METRICS

AT_ONCE = {"fetch_max_wait_ms": 50, "fetch_min_bytes": 1}
"""The broker hands rows over as they come, so that they age no further."""

PROVISIONAL = "PROVISIONAL"


class MetricsReader:
    """Rows of all partitions from the first one on, each once."""

    def __init__(self, servers: str) -> None:
        """Open both readings.

        Args:
            servers: bootstrap servers.

        Raises:
            DependencyError: the broker cannot be reached.
        """
        self._wire = Wire("viewer.Metrics")
        self._soon = make_consumer(servers, isolation_level="read_uncommitted", **AT_ONCE)
        self._certain = make_consumer(servers, **AT_ONCE)
        for consumer in (self._soon, self._certain):
            consumer.subscribe([METRICS])

    def poll(self, timeout_ms: int) -> Iterator[dict[str, Any]]:
        """Rows that are there; waits for provisional ones at most so long."""
        for consumer, wait in ((self._soon, timeout_ms), (self._certain, 0)):
            for records in consumer.poll(timeout_ms=wait).values():
                rows = (self._wire.decode(record.value) for record in records)
                is_soon = consumer is self._soon
                yield from (row for row in rows if (row["phase"] == PROVISIONAL) == is_soon)

    def close(self) -> None:
        """Close both readings."""
        self._soon.close()
        self._certain.close()
