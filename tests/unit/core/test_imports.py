"""Core modules that the command line needs load no engine, seen from a clean interpreter."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("modules", "refused"),
    [
        ("pipelines.core.config", {"pyspark", "pyflink", "numpy", "pandas"}),
        ("pipelines.core.cli", {"pyspark", "pyflink", "numpy", "pydantic"}),
        ("pipelines.core.privacy", {"pyspark", "pyflink", "numpy", "pyarrow"}),
        ("pipelines.core.runlog", {"pyspark", "pyflink", "numpy", "rich"}),
        ("pipelines.core.doctor", {"pyspark", "pyflink", "numpy", "pydantic", "rich"}),
        ("pipelines.__main__", {"pyspark", "pyflink", "numpy", "pydantic"}),
    ],
)
def test_import_is_light(modules, refused):
    code = f"import sys, {modules}; print(*({refused!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
