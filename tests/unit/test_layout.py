"""The house rules of the repository that a machine can check."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for path in (ROOT / "pipelines").rglob("*.py"))
JOBS = sorted((ROOT / "jobs").glob("*.py"))
OWNERS = {
    "great_expectations": {"quality.py"},
    "delta": {"lake_merge.py", "spark.py"},
    "deltalake": {"delta_files.py", "delta_tables.py"},
    "kafka": {"kafka.py"},
    "minio": {"object_store.py"},
    "pyflink": {"flink.py", "flink_types.py"},
}


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return found


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


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_files_and_functions_stay_short(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 250
    long = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            first = node.body[0]
            has_doc = ast.get_docstring(node) is not None
            documented = (first.end_lineno - first.lineno + 1) if has_doc else 0
            length = node.end_lineno - node.lineno + 1 - documented
            if length > 40:
                long[node.name] = length
    assert long == {}


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_jobs_do_not_import_each_other(path):
    package = path.relative_to(ROOT / "pipelines").parts[0]
    foreign = {
        module
        for module in imported(path)
        if module.startswith("pipelines.")
        and module.split(".")[1] not in {package, "core", "__main__"}
    }
    assert foreign == set()


def test_each_foreign_api_has_one_owner():
    wrong = [
        (name(path), module)
        for path in SOURCES
        for module in imported(path)
        if path.name not in OWNERS.get(module.split(".")[0], {path.name})
    ]
    assert wrong == []


def test_the_lock_names_exact_versions_with_hashes_and_no_address():
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    assert not re.search(r"^\s*--(index|extra|find|trusted)", text, re.MULTILINE)
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(entries) > 50
    assert [e.split()[0] for e in entries if "==" not in e or "--hash=sha256:" not in e] == []


def test_no_file_holds_a_machine_path_or_an_unfinished_mark():
    unfinished = "TO" + "DO"
    pattern = re.compile(rf"/home/\w|/root/|/work/|\b{unfinished}\b")
    kept = [
        *SOURCES,
        *JOBS,
        ROOT / "Makefile",
        ROOT / "pyproject.toml",
        *(ROOT / "conf").rglob("*.*"),
    ]
    assert [name(path) for path in kept if pattern.search(path.read_text())] == []
