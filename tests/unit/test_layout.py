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


def code_lines(function: ast.FunctionDef) -> int:
    """Lines of a function without its docstring."""
    first = function.body[0]
    told = first.end_lineno - first.lineno + 1 if ast.get_docstring(function) is not None else 0
    return function.end_lineno - function.lineno + 1 - told


def test_files_and_functions_stay_short():
    texts = {name(path): path.read_text() for path in SOURCES}
    assert {file for file, text in texts.items() if len(text.splitlines()) > 250} == set()
    functions = [
        (file, node)
        for file, text in texts.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
    ]
    assert [(file, one.name) for file, one in functions if code_lines(one) > 40] == []


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
