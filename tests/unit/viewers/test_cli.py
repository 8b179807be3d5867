"""The command line: help without an engine, a dry run that writes nothing, refusals with their code."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
JOB = [sys.executable, str(ROOT / "jobs" / "viewer_analytics.py")]


def call(*arguments, cwd=ROOT):
    return subprocess.run([*JOB, *arguments], cwd=cwd, capture_output=True, text=True, check=False)


def test_help_names_the_flags_and_loads_nothing():
    done = call("--help")
    assert done.returncode == 0
    for flag in ("--stack", "--viewers", "--verify", "--report", "--lake"):
        assert flag in done.stdout
    code = (
        "import sys; sys.argv = ['x', '--help']; from pipelines.viewers.cli import main\n"
        "try: main('')\nexcept SystemExit: pass\n"
        "print(*({'pyflink', 'pyspark', 'numpy', 'pydantic'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines()[-1] == ""


def test_a_dry_run_writes_nothing(tmp_path):
    done = call("--dry-run", "--viewers", "50", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "dry_run" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_refusals_name_what_is_wrong(tmp_path):
    done = call("--input", str(tmp_path))
    assert done.returncode == 2
    assert "no folder with *.parquet files" in done.stderr
    done = call("--set", "windows.timeout_seconds=25")
    assert done.returncode == 2
    assert "timeout_seconds" in done.stderr
    done = call("--set", "windows.nonsense=1")
    assert done.returncode == 2
    assert "nonsense" in done.stderr
