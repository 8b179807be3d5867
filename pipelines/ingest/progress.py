"""How far a table is: offsets of a batch, and where a run without a checkpoint goes on."""

import json
from collections.abc import Mapping

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from pipelines.core.delta_tables import version_of
from pipelines.core.errors import SangamError
from pipelines.ingest.places import Places, exists, read_text

Offsets = Mapping[int, int]


def batch_offsets(session: SparkSession, places: Places, batch_id: int) -> Offsets:
    """Next offset by partition after a batch, as Spark wrote it down before the batch began.

    Raises:
        SangamError: the note is not there.
    """
    text = read_text(session, f"{places.checkpoint}/offsets/{batch_id}")
    if text is None:
        raise SangamError(f"{places.checkpoint}: no offsets of batch {batch_id}; it is damaged")
    found = json.loads(text.splitlines()[2])[places.topic]
    return {int(partition): offset for partition, offset in found.items()}


def stamp(offsets: Offsets) -> int:
    """One number that rises with every batch of a topic, whatever checkpoint it is in."""
    return sum(offsets.values())


def starting_offsets(session: SparkSession, places: Places) -> str:
    """Where a new checkpoint begins: after what the table holds, else at the earliest message.

    So a checkpoint may be lost without a message being stored twice.
    """
    if exists(session, f"{places.checkpoint}/commits") or version_of(places.delta) is None:
        return "earliest"
    held = (
        session.read.format("delta")
        .load(places.table)
        .groupBy("kafka_partition")
        .agg(F.max("kafka_offset").alias("last"))
        .collect()
    )
    if not held:
        return "earliest"
    return json.dumps({places.topic: {str(r["kafka_partition"]): r["last"] + 1 for r in held}})
