"""Modules that must stay light load no engine and no large library, seen from a clean interpreter."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENGINES = "pyspark pyflink"
STEPS = {
    "core.doctor": f"{ENGINES} numpy pydantic rich",
    "__main__": f"{ENGINES} numpy pydantic",
    "core.cli": f"{ENGINES} numpy pydantic",
    "core.runlog": f"{ENGINES} numpy rich",
    "core.privacy": f"{ENGINES} numpy pyarrow",
    "core.config": f"{ENGINES} numpy pandas",
    "core.report_parts": "bokeh jinja2",
    "viewers.alerts viewers.ladder viewers.taste viewers.profile viewers.degrade viewers.rules"
    " viewers.dimensions": ENGINES,
    "upi_fraud.config upi_fraud.geo upi_fraud.state upi_fraud.state_codec upi_fraud.memory"
    " upi_fraud.facts upi_fraud.rules upi_fraud.profile upi_fraud.scorer upi_fraud.intake"
    " upi_fraud.reference upi_fraud.timeline upi_fraud.payment upi_fraud.hashing"
    " upi_fraud.evaluate": ENGINES,
    "dedup.evaluate dedup.decide dedup.reviews": ENGINES,
    "seats.kernel seats.admission seats.desk seats.rules seats.numbering seats.optimum"
    " seats.measures seats.times": ENGINES,
}
"""Modules, and libraries that must be absent after them; one step follows the other, so that each
is also held to what the steps before it loaded."""

CODE = """
import importlib, json, sys
for names in json.loads(sys.argv[1]):
    for name in names.split():
        importlib.import_module(f"pipelines.{name}")
    print(json.dumps(sorted({module.partition(".")[0] for module in sys.modules})))
"""


@pytest.fixture(scope="module")
def loaded():
    """Top packages that are loaded after each step."""
    command = [sys.executable, "-c", CODE, json.dumps(list(STEPS))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = [set(json.loads(line)) for line in done.stdout.splitlines()]
    return dict(zip(STEPS, lines, strict=True))


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.partition(" ")[0])
def test_an_import_is_light(step, loaded):
    assert "pipelines" in loaded[step]
    assert loaded[step] & set(STEPS[step].split()) == set()


def test_a_library_that_is_loaded_is_seen(loaded):
    assert "numba" in loaded[list(STEPS)[-1]]
