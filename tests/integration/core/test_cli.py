"""The help of each job as a program of its own: quick, light, and without Java."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
JOBS = sorted(path.stem for path in (ROOT / "jobs").glob("[a-z]*.py"))
FLAGS = {"viewer_analytics": ("--stack", "--viewers", "--verify", "--lake")}
"""Flags of a job that its help must name beside the common ones."""
HEAVY = {"pyspark", "pyflink", "pandas", "numpy", "pydantic", "pyarrow"}

CODE = """
import json, runpy, sys
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    print(json.dumps([name.partition(".")[0] for name in sys.modules]), file=sys.stderr)
"""


def cpu_of_children() -> float:
    """Seconds of processor time that ended children took, however busy the machine is."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


@pytest.mark.parametrize("job", JOBS)
def test_help_is_quick_and_light(job, tmp_path):
    """The path has no Java, so that a JVM would fail."""
    before = cpu_of_children()
    code = f"import sys; sys.argv[:] = ['jobs/{job}.py', '--help']{CODE}"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={"PATH": str(tmp_path), "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    for flag in ("--as-of", "--report", *FLAGS.get(job, ())):
        assert flag in done.stdout
    assert "argparse" in (loaded := json.loads(done.stderr))
    assert HEAVY & set(loaded) == set()
    assert cpu_of_children() - before < 1
