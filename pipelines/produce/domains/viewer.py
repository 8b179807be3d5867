"""A seeded match: what the players of all its sessions send, in order of arrival."""

import importlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipelines.core.wire import Wire
from pipelines.produce.domains import Records

TOPIC = "viewer.events.v1"
_EVENTS_PER_VIEWER = 60
"""What a viewer of the scaled match sends, about; so many viewers make enough events."""


def make_records(number: int, seed: int, folder: Path) -> Records:
    """At least about `number` events of one match, without its broken messages."""
    generate = importlib.import_module("pipelines.viewers.generate")
    settings = importlib.import_module("pipelines.viewers.config").MatchSettings
    match = settings(viewers=max(1, math.ceil(number / _EVENTS_PER_VIEWER)), poison_share=0)
    generate.write_match(generate.make_match(match, seed), folder / "match", match, seed, files=1)
    return {TOPIC: _take(folder / "match" / "part-0.parquet", number)}


def _take(file: Path, number: int) -> Iterator[Any]:
    """The first records of a file of messages."""
    wire, left = Wire("viewer.Event"), number
    for batch in pq.ParquetFile(file).iter_batches(columns=["message_value"]):
        for value in batch["message_value"].to_pylist()[:left]:
            yield wire.decode(value)
            left -= 1
        if left <= 0:
            return
