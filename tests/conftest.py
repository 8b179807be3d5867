"""Each test carries the name of its layer, the folder under tests/, as a marker.

With `-n 2`, as the Makefile has it, two processes work off lanes, each of which stays in one process:
a folder of an engine, so that it starts its engine once, or the tests without engine of one role.
"""

import gc
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

# How long an example takes depends on who else uses the machine; tests have limits below.
settings.register_profile("sangam", deadline=None)
settings.load_profile("sangam")

# Few cycles are left behind here; the usual 700 would have them looked for all the time.
gc.set_threshold(100_000, 50, 100)

LAYERS = {"stack": 600, "flink": 300, "spark": 300, "integration": 120, "unit": 120}
"""Seconds after which one test of a layer is stopped; what waits for servers begins first."""

NO_ENGINE = ("tests/integration/", "tests/unit/")


@cache
def layer_of(path: Path) -> str | None:
    """Folder under tests/ that a file is in, None outside."""
    here = Path(__file__).parent
    return path.relative_to(here).parts[0] if here in path.parents else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order, mark and limit by folder, so that no test file has to."""
    order = list(LAYERS)
    for item in items:
        layer = layer_of(item.path)
        if layer in LAYERS:
            item.add_marker(layer)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(LAYERS[layer]))
    items.sort(key=lambda item: order.index(layer_of(item.path) or "unit"))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Libraries and tests are never garbage: to look through them took 7 % of the time."""
    gc.freeze()


@pytest.fixture(autouse=True)
def no_worker_of_flink() -> Iterator[None]:
    """Take the mark of a Flink worker away after each test.

    A local Flink job with Python in workers runs them in this very process, and leaves a mark in its
    environment by which a program that a later test starts would take itself for a worker.
    """
    yield
    os.environ.pop("PYFLINK_GATEWAY_DISABLED", None)


class Lanes(LoadScopeScheduling):
    """Hands out whole lanes in their order.

    The tests of the stack leave the addresses of its servers in their process, so that one takes
    nothing of an engine afterwards.
    """

    def _split_scope(self, nodeid: str) -> str:
        return lane_of(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        if "tests/stack" in self.assigned_work[node]:
            plain = next((lane for lane in self.workqueue if lane.startswith(NO_ENGINE)), None)
            if plain is None:
                return
            self.workqueue.move_to_end(plain, last=False)
        super()._assign_work_unit(node)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Lanes:
    """The scheduler of a run with several processes."""
    config.option.loadscopereorder = False
    return Lanes(config, log)


def lane_of(nodeid: str) -> str:
    """`tests/stack`, `tests/spark/dedup` ...; `tests/unit/test_report` for unit files of that name.

    Without an engine, tests of one role, such as the checks of all jobs, load the same libraries.
    All of Flink is short, so that starting it in a second process would cost more than it gains.
    """
    _, layer, *rest = nodeid.partition("::")[0].split("/")
    if nodeid.startswith(NO_ENGINE):
        return f"tests/{layer}/{Path(rest[-1]).stem}"
    is_whole = layer in ("stack", "flink") or len(rest) == 1
    return f"tests/{layer}" if is_whole else f"tests/{layer}/{rest[0]}"
