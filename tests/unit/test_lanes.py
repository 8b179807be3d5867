"""Tests that start the same engine, or load the same libraries, stay in one process."""

import pytest

from tests.conftest import LAYERS, lane_of


@pytest.mark.parametrize(
    ("nodeid", "lane"),
    [
        ("tests/stack/test_ingest.py::test_a", "tests/stack"),
        ("tests/stack/upi_fraud/test_cluster.py::test_a[x/y]", "tests/stack"),
        ("tests/spark/dedup/test_privacy.py::test_a", "tests/spark/dedup"),
        ("tests/spark/test_lake.py::test_a", "tests/spark"),
        ("tests/flink/viewers/test_run.py::test_a", "tests/flink/viewers"),
        ("tests/unit/dedup/test_report.py::test_a[tests/spark]", "tests/unit/test_report"),
        ("tests/unit/viewers/test_report.py::test_b", "tests/unit/test_report"),
        ("tests/unit/test_docs.py::test_a", "tests/unit/test_docs"),
    ],
)
def test_lanes_follow_folders_and_roles(nodeid, lane):
    assert lane_of(nodeid) == lane


def test_what_waits_for_servers_begins_first():
    assert list(LAYERS) == ["stack", "spark", "flink", "unit"]
