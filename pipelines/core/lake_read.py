"""Versions of Delta tables as Spark frames that are planned from the names of their files.

Delta's own reader asks its log for the files of every scan by a Spark job. A query of a few scans
over small tables spent most of its time on those jobs; the log itself is read in milliseconds.
"""

import json
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from pipelines.core.delta_tables import Place, data_files


def read_version(session: SparkSession, place: Place, version: int) -> DataFrame:
    """Read a version of a table.

    On an object store each file would be asked for by itself, and Delta's log names all at once; a
    table whose files hold more than its rows, such as deleted ones, needs Delta as well.
    """
    table = None if place.store else place.table(version)
    if table is None or table.protocol().min_reader_version > 1:
        reader = session.read.format("delta").option("versionAsOf", version)
        return reader.load(place.folder)
    schema = T.StructType.fromJson(json.loads(table.schema().to_json()))
    root = f"file://{Path(place.open()[1]).absolute()}"  # whatever else Spark takes for its home
    files = [f"{root}/{name}" for name in data_files(place, version)]
    if not files:
        return session.createDataFrame([], schema)
    reader = session.read.schema(schema).option("basePath", root)
    # The names are those of files, whatever characters are in them.
    return reader.option("__globPaths__", "false").parquet(*files).select(schema.names)
