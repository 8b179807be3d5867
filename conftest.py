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

    session = build_session("tests", {"spark.sql.shuffle.partitions": "2"}, master="local[2]")
    yield session
    session.stop()
