"""Collecting a table on the driver; local files do not pass through the JVM."""

from collections.abc import Sequence
from urllib.parse import unquote, urlparse

import pyarrow as pa
import pyarrow.dataset as ds
from pyspark.sql import DataFrame


def to_arrow(df: DataFrame, columns: Sequence[str]) -> pa.Table:
    """Some columns of a table as it was read from its files, on the driver.

    Args:
        df: a table as read, without filters or changed columns.
        columns: columns to collect.
    """
    files = [urlparse(file) for file in df.inputFiles()]
    if files and all(file.scheme == "file" for file in files):
        paths = [unquote(file.path) for file in files]
        return ds.dataset(paths, format="parquet").to_table(columns=list(columns))
    return df.select(*columns).toArrow()
