"""Engine fixtures only; test data lives beside the tests."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture(scope="session")
def spark() -> Iterator["SparkSession"]:
    """One local session for the whole run: two cores, two shuffle partitions, no UI."""
    from pipelines.core.spark import build_session

    options = {
        "spark.sql.shuffle.partitions": "2",
        # Whole runs repeat in one session; 100 compiled stages would not last for one.
        "spark.sql.codegen.cache.maxEntries": "2000",
    }
    session = build_session("tests", options, master="local[2]")
    yield session
    session.stop()
