"""The gate against a git commit: what was published is read from git, and held against the files."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.core import compatibility, schema_lock
from pipelines.core.contract_store import SCHEMAS, load_contracts
from pipelines.core.errors import ConfigError


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    """A repository with no remote, whose first commit has no schemas and second has them."""
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "empty")
    git(tmp_path, "tag", "empty")
    shutil.copytree(SCHEMAS, tmp_path / "schemas")
    shutil.copytree(schema_lock.GOLDEN, tmp_path / "golden")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "schemas")
    yield tmp_path
    load_contracts.cache_clear()


def check(clone: Path, ref: str) -> list[str]:
    load_contracts.cache_clear()
    root = clone / "schemas"
    return [str(one) for one in compatibility.check(
        compatibility.read_at(ref, root), root, clone / "golden"
    )]  # fmt: skip


def test_a_commit_is_the_reference(clone: Path) -> None:
    here = {one.file: one for one in schema_lock.all_contracts()}
    assert compatibility.read_at("main", clone / "schemas") == here
    assert compatibility.read_at("empty", clone / "schemas") == {}
    assert check(clone, "main") == []
    assert check(clone, "empty") == []
    path = clone / "schemas/identity/golden_record.v1.avsc"
    path.write_text(json.dumps({**json.loads(path.read_text()), "doc": "दूसरे शब्द"}))
    assert any(line.startswith("identity/golden_record.v1.avsc") and "R1" in line
               for line in check(clone, "main"))  # fmt: skip
    assert not any("R1" in line for line in check(clone, "empty"))
    git(clone, "commit", "-aqm", "other words")
    assert not any("R1" in line for line in check(clone, "main"))
    with pytest.raises(ConfigError, match="--against nowhere"):
        check(clone, "nowhere")
