"""Tests that start the same engine, or load the same libraries, stay in one process."""

from collections import OrderedDict

import pytest

from tests.conftest import LAYERS, Lanes, lane_of


@pytest.mark.parametrize(
    ("nodeid", "lane"),
    [
        ("tests/stack/test_ingest.py::test_a", "tests/stack"),
        ("tests/stack/upi_fraud/test_cluster.py::test_a[x/y]", "tests/stack"),
        ("tests/spark/dedup/test_privacy.py::test_a", "tests/spark/dedup"),
        ("tests/spark/test_lake.py::test_a", "tests/spark"),
        ("tests/flink/viewers/test_run.py::test_a", "tests/flink"),
        ("tests/unit/dedup/test_report.py::test_a[tests/spark]", "tests/unit/test_report"),
        ("tests/unit/viewers/test_report.py::test_b", "tests/unit/test_report"),
        ("tests/unit/test_docs.py::test_a", "tests/unit/test_docs"),
        ("tests/integration/dedup/test_report.py::test_a", "tests/integration/test_report"),
    ],
)
def test_lanes_follow_folders_and_roles(nodeid, lane):
    assert lane_of(nodeid) == lane


class Process:
    """A worker that notes what it is sent."""

    def __init__(self) -> None:
        self.sent: list[int] = []

    def send_runtest_some(self, indices: list[int]) -> None:
        self.sent += indices


def test_a_process_that_had_the_stack_takes_unit_tests_only():
    tests = [f"tests/{name}::test_a" for name in
             ("stack/test_a.py", "spark/test_b.py", "unit/test_c.py", "flink/test_d.py")]  # fmt: skip
    one, other = Process(), Process()
    lanes = object.__new__(Lanes)
    lanes.workqueue = OrderedDict((lane_of(test), {test: False}) for test in tests)
    lanes.assigned_work = {one: {}, other: {}}
    lanes.registered_collections = {one: tests, other: tests}
    for process in (one, one, one, other, other):
        lanes._assign_work_unit(process)
    assert (one.sent, other.sent) == ([0, 2], [1, 3])
    assert not lanes.workqueue


def test_what_waits_for_servers_begins_first():
    assert list(LAYERS) == ["stack", "flink", "spark", "integration", "unit"]
