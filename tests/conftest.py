"""Each test carries the name of its layer, the folder under tests/, as a marker."""

from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes depends on who else uses the machine; tests have limits below.
settings.register_profile("sangam", deadline=None)
settings.load_profile("sangam")

LAYERS = {"unit": 120, "spark": 180, "flink": 180, "stack": 600}
"""Seconds after which one test of a layer is stopped."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark and limit by folder, so that no test file has to."""
    here = Path(__file__).parent
    for item in items:
        if here not in item.path.parents:
            continue
        layer = item.path.relative_to(here).parts[0]
        if layer in LAYERS:
            item.add_marker(layer)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(LAYERS[layer]))
