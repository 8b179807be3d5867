"""What a peer hands to the benchmark: clusters, scored pairs, seconds by step, versions.

Runs in the peers' environment; imports nothing of this repository.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

CLUSTERS, PAIRS, TIMES = "clusters.parquet", "pairs.parquet", "times.json"


class Stopwatch:
    """Seconds by step, in order; the start of a session is kept apart from the total."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step."""
        start = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - start

    def write(self, folder: Path, packages: tuple[str, ...], **figures: Any) -> None:
        """Write `times.json`; all steps but `session` make up the total.

        Args:
            folder: where the clusters went.
            packages: distributions whose versions are told.
            figures: further figures, such as the pairs compared.
        """
        total = sum(spent for name, spent in self.seconds.items() if name != "session")
        told = {
            "total_seconds": total,
            "session_seconds": self.seconds.get("session", 0.0),
            "seconds": self.seconds,
            "versions": {name: metadata.version(name) for name in packages},
            **figures,
        }
        (folder / TIMES).write_text(json.dumps(told, indent=2), encoding="utf-8")
