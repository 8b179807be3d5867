"""The command line: help without an engine, a dry run that writes nothing, refusals with their code."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.viewers.cli import main

ROOT = Path(__file__).parents[3]
JOB = [sys.executable, str(ROOT / "jobs" / "viewer_analytics.py")]


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Run the job in this process, in an empty folder; returns code, output and error text."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["viewer_analytics.py", *arguments])
        code = main("Follow a match.")
        return (code, *capsys.readouterr())

    return call


def test_help_names_the_flags_and_loads_nothing():
    done = subprocess.run([*JOB, "--help"], capture_output=True, text=True, check=False)
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


def test_a_dry_run_writes_nothing(call, tmp_path):
    code, said, errors = call("--dry-run", "--viewers", "50")
    assert code == 0, errors
    assert "dry_run" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("flag", "value", "said"),
    [
        ("--input", ".", "no folder with *.parquet files"),
        ("--set", "windows.timeout_seconds=25", "timeout_seconds"),
        ("--set", "windows.nonsense=1", "nonsense"),
    ],
)
def test_refusals_name_what_is_wrong(call, flag, value, said):
    code, _, errors = call(flag, value)
    assert code == 2
    assert said in errors
