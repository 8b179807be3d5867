"""Names, properties and results that all tables of a lake share."""

from dataclasses import dataclass
from typing import Literal

Mode = Literal["replace", "append"]

RUNS = "runs"
VERSIONS = "table_versions"
DIGESTS = "table_digests"

# Nothing skips files by column statistics here: tables are read whole or joined by hashed keys.
# Old files stay for a month, so every published version of that time can be read.
TABLE_PROPERTIES = {
    "delta.enableChangeDataFeed": "true",
    "delta.dataSkippingNumIndexedCols": "0",
    "delta.checkpointInterval": "25",
    "delta.deletedFileRetentionDuration": "interval 30 days",
    "delta.logRetentionDuration": "interval 365 days",
}
SESSION_SETTINGS = {
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.databricks.delta.stats.collect": "false",
    "spark.databricks.delta.writeChecksumFile.enabled": "false",
    "spark.databricks.delta.history.metricsEnabled": "false",
    "spark.sql.parquet.compression.codec": "snappy",
}


@dataclass(frozen=True)
class Written:
    """What a write left behind.

    Attributes:
        version: Delta version that holds the content.
        digest: order-free sum of its row hashes, 0 to 2^64 - 1.
        is_new: False if the published version had the same content and nothing was written.
    """

    version: int
    digest: int
    is_new: bool
