"""Owner of the Spark session."""

import os
import sys
from collections.abc import Mapping

from pyspark.sql import SparkSession

DEFAULTS = {
    "spark.ui.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "50000",
    "spark.driver.maxResultSize": "0",
    "spark.python.daemon.module": "pipelines.core.daemon",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.databricks.delta.stats.skipping": "true",
}


def build_session(
    app: str, options: Mapping[str, str] | None = None, master: str | None = None
) -> SparkSession:
    """Get or create the session of a job; `options` win over the defaults."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # workers run this environment
    builder = SparkSession.builder.appName(app)
    if master:
        builder = builder.master(master)
    for key, value in {**DEFAULTS, **(options or {})}.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session
