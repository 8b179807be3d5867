"""The house rules of the repository that a machine can check."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for path in (ROOT / "pipelines").rglob("*.py"))
JOBS = sorted((ROOT / "jobs").glob("*.py"))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", JOBS, ids=name)
def test_an_entry_point_holds_a_docstring_and_main(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 40
    tree = ast.parse(text)
    assert ast.get_docstring(tree)
    guard = tree.body[-1]
    assert isinstance(guard, ast.If)
    assert "main" in {n.id for n in ast.walk(guard) if isinstance(n, ast.Name)}


def test_files_stay_short():
    lines = {name(path): len(path.read_text().splitlines()) for path in SOURCES}
    assert {file for file, count in lines.items() if count > 250} == set()


def test_the_lock_names_exact_versions_with_hashes_and_no_address():
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    assert not re.search(r"^\s*--(index|extra|find|trusted)", text, re.MULTILINE)
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(entries) > 50
    assert [e.split()[0] for e in entries if "==" not in e or "--hash=sha256:" not in e] == []


def test_no_file_holds_a_machine_path_or_an_unfinished_mark():
    unfinished, homes = "TO" + "DO", "root|work"
    pattern = re.compile(rf"/home/\w|/({homes})/|\b{unfinished}\b")
    kept = [
        *SOURCES,
        *JOBS,
        ROOT / "Makefile",
        ROOT / "pyproject.toml",
        *(ROOT / "conf").rglob("*.*"),
    ]
    assert [name(path) for path in kept if pattern.search(path.read_text())] == []


ROLES = ("__init__", "cli", "config", "outcome", "pipeline", "report", "request", "result")


CHAPTERS = ("The method, in the order of its files", "Measured", "Not there yet")


@pytest.mark.parametrize("script", sorted(file.stem for file in (ROOT / "jobs").glob("[a-z]*.py")))
def test_jobs_are_siblings(script):
    """Same files for the same roles, same hand-over, tests in the folders of their engines."""
    text = (ROOT / "jobs" / f"{script}.py").read_text("utf-8")
    (job,) = re.findall(r"^from pipelines\.(\w+)\.cli import main$", text, re.M)
    assert "sys.exit(main(__doc__))" in text
    folder = ROOT / "pipelines" / job
    there = {file.stem for file in folder.iterdir()}
    assert set(ROLES) - there == set()
    about = (folder / "README.md").read_text("utf-8")
    assert [name for name in CHAPTERS if f"\n## {name}" not in about] == []
    assert (ROOT / "tests" / "unit" / job).is_dir()
    engines = [ROOT / "tests" / engine / job for engine in ("spark", "flink")]
    assert any(engine.is_dir() for engine in engines)
    flags = (folder / "cli.py").read_text("utf-8")
    assert f'JOB = "{script}"' in flags
    assert "return job_main(JOB, doc, " in flags
