"""The command line: a dry run that writes nothing, refusals with their code."""

import sys

import pytest

from pipelines.viewers.cli import main


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Run the job in this process, in an empty folder; returns code, output and error text."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["viewer_analytics.py", *arguments])
        code = main("Follow a match.")
        return (code, *capsys.readouterr())

    return call


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
