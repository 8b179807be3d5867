"""Small files: many batches leave many, readers want few."""

from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import SparkSession

from pipelines.ingest.config import IngestConfig
from pipelines.ingest.places import Places

MIB = 1 << 20


@dataclass(frozen=True)
class Compaction:
    """Files of a table, and what compaction did to them.

    Attributes:
        files: files of the newest version.
        small: of these, files below half the wanted size.
        added, removed: files that a compaction wrote and replaced.
    """

    files: int = 0
    small: int = 0
    added: int = 0
    removed: int = 0


def count_files(places: Places, target_mib: int) -> Compaction:
    """Files of the newest version, from the table's own log."""
    table = places.delta.table()
    if table is None:
        return Compaction()
    sizes = pa.table(table.get_add_actions(flatten=True)).column("size_bytes").to_pylist()
    return Compaction(len(sizes), sum(size < target_mib * MIB // 2 for size in sizes))


def compact(session: SparkSession, places: Places, config: IngestConfig) -> Compaction:
    """Rewrite small files into files of the wanted size, if there are enough of them.

    Readers keep the version they have; rows do not change.
    """
    before = count_files(places, config.target_file_mib)
    if before.small < config.small_files:
        return before
    wanted = config.target_file_mib * MIB
    session.conf.set("spark.databricks.delta.optimize.maxFileSize", str(wanted))
    session.conf.set("spark.databricks.delta.optimize.minFileSize", str(wanted // 2))
    made = session.sql(f"OPTIMIZE delta.`{places.table}`")
    metrics = made.select("metrics.numFilesAdded", "metrics.numFilesRemoved").collect()[0]
    after = count_files(places, config.target_file_mib)
    return Compaction(after.files, after.small, metrics[0], metrics[1])
