"""What the cookbook tells to type does what it says, with the programs themselves."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence

import pytest

from tests.cookbook import PAGES, ROOT, read_commands, write_files

COMMANDS = [(page, words) for page in PAGES for words in read_commands(page)]
COOKBOOK = ROOT / "docs" / "cookbook"


def test_the_code_package_holds_what_pipelines_reads(tmp_path):
    (words,) = [words for _, words in COMMANDS if words[:2] == ["git", "archive"]]
    target = tmp_path / "sangam.zip"
    command = [f"--output={target}" if word.startswith("--output") else word for word in words]
    subprocess.run(command, cwd=ROOT, check=True)
    names = set(zipfile.ZipFile(target).namelist())
    assert {
        "pipelines/core/spark.py",
        "jobs/dedup.py",
        "schemas/lock.json",
        "conf/stack/topics.yaml",
    } <= names


def test_the_job_of_the_cookbook_is_in_the_house_style(tmp_path):
    files = write_files(COOKBOOK / "add-a-job.md", tmp_path)
    assert {file.name for file in files} >= {"value_count.py", "cli.py", "pipeline.py", "report.py"}
    style = [
        "--config",
        str(ROOT / "pyproject.toml"),
        "--config",
        "lint.isort.known-first-party=['pipelines']",
    ]
    for command in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, *style, "."]
        done = subprocess.run(ruff, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def copy(tmp_path):
    """What the tool of contracts needs, in a checkout of its own, with the contracts committed."""
    for name in ("pipelines/core", "schemas", "tests/golden", "docs/data_dictionary"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("pipelines/__init__.py", "pipelines/__main__.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    for command in (("init", "-q"), ("add", "schemas"), (*identity, "commit", "-qm", "contracts")):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


def test_a_schema_is_changed_as_the_cookbook_says(copy):
    lines = [words for page, words in COMMANDS if page.name == "change-a-schema.md"]
    (copied, samples, checked, locked, written, tested) = lines
    for command in (copied, samples):
        subprocess.run(command, cwd=copy, check=True)
    newest = copy / copied[2]
    schema = json.loads(newest.read_text())
    field = {
        "name": "remark",
        "type": ["null", "string"],
        "doc": "A remark of the payer.",
        "pii": "none",
    }
    newest.write_text(json.dumps({**schema, "fields": [*schema["fields"], field]}))

    def run(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        env = os.environ | {"PYTHONPATH": str(copy)}
        command = [sys.executable, *words[1:]]
        return subprocess.run(
            command, cwd=copy, env=env, capture_output=True, text=True, check=False
        )

    refused = run(checked)
    assert refused.returncode == 4
    assert "remark" in refused.stdout
    newest.write_text(
        json.dumps({**schema, "fields": [*schema["fields"], {**field, "default": None}]})
    )
    for words in (locked, checked, written):
        done = run(words)
        assert done.returncode == 0, done.stdout + done.stderr
    entries = json.loads((copy / "schemas" / "lock.json").read_text())
    assert ("upi.Transaction", 2) in {(entry["subject"], entry["version"]) for entry in entries}
    assert "remark" in (copy / "docs" / "data_dictionary" / "upi.md").read_text()
    assert tested[:3] == ["python", "-m", "pytest"]
