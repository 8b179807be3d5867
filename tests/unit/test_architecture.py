"""The house keeps its shape: who imports whom, who owns which foreign API, and the diagram shows it."""

import ast
import re
from collections.abc import Iterator, Mapping, Set
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import pytest

ROOT = Path(__file__).resolve().parents[2]
Node = TypeVar("Node", bound=ast.AST)
DOMAINS = {"dedup", "credit", "seats", "upi_fraud", "viewers", "ingest", "produce", "stack", "demo"}
"""Packages beside core: five jobs, ingest and three tools. None knows another."""

OWNERS = {
    "delta": set(),  # Spark reads and writes tables by their format, all else is `deltalake`
    "deltalake": {"core.delta_files", "core.delta_tables"},
    "fastavro": {"core.avro_codec", "core.wire"},
    "great_expectations": {"core.quality"},
    "jinja2": {"core.report"},
    "kafka": {"core.kafka"},
    "minio": {"core.object_store"},
    "urllib3": {"core.object_store"},
    "py4j": {"core.spark", "core.java_functions"},  # the second talks to Janino in a JVM of its own
    # and files named *flink, operators of a job
    "pyflink": {"core.flink", "core.flink_classes", "core.flink_types"},
    "bokeh": {"core.charts", "viewers.watch"},  # the second is bokeh's server
    "xgboost": {"core.boosting"},
    "yaml": {"core.yaml_text", "dedup.proposal"},  # the second writes
    "rich": {"core.runlog", "core.summary", "dedup.evaluate", "produce.cli"},
}
"""Foreign APIs with an owner: a change of the library is a change of these files."""


def module_name(file: Path) -> str:
    """`core.spark` for pipelines/core/spark.py; a package has the name of its folder."""
    parts = file.relative_to(ROOT / "pipelines").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def sources() -> dict[str, str]:
    """Every module of the house, read by the first test that asks and not by each collection."""
    files = sorted((ROOT / "pipelines").rglob("*.py"))
    return {module_name(file): file.read_text(encoding="utf-8") for file in files}


@cache
def trees() -> dict[str, ast.Module]:
    return {name: ast.parse(text) for name, text in sources().items()}


@cache
def telling(tree: ast.AST) -> list[ast.AST]:
    """The statements of a module that the questions here are about, looked for once."""
    kinds = (ast.Import, ast.ImportFrom, ast.If, ast.FunctionDef)
    return [node for node in statements(tree) if isinstance(node, kinds)]


def statements(block: ast.AST) -> Iterator[ast.AST]:
    """Every statement below one, however deep; what is inside expressions is not looked at."""
    for field in ("body", "orelse", "handlers", "finalbody", "cases"):
        for node in getattr(block, field, ()):
            yield node
            yield from statements(node)


def expressions(kind: type[Node], word: str) -> Iterator[tuple[str, Node]]:
    """Nodes of a kind beside their module, in the modules where a word occurs."""
    for name, tree in trees().items():
        if word in sources()[name]:
            yield from ((name, node) for node in ast.walk(tree) if isinstance(node, kind))


def imported(
    tree: ast.AST, known: Mapping[str, object], but: Set[ast.AST] = frozenset()
) -> Iterator[str]:
    """Full names that a module imports, wherever the line stands; lines in `but` do not count."""
    for node in telling(tree):
        if node in but:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner.removeprefix("pipelines.") in known else node.module


def own_imports(tree: ast.AST) -> set[str]:
    """Modules of the house that a module imports."""
    names = {name.removeprefix("pipelines.") for name in imported(tree, trees())}
    return {name for name in names if name in trees() and name}


def for_types_alone(tree: ast.AST) -> set[ast.AST]:
    """Everything below `if TYPE_CHECKING:`."""
    blocks = [n for n in telling(tree) if isinstance(n, ast.If) and is_type_check(n.test)]
    return {inner for block in blocks for line in block.body for inner in ast.walk(line)}


def is_type_check(test: ast.expr) -> bool:
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


@cache
def house_imports() -> dict[str, set[str]]:
    """Modules of the house that each module imports."""
    return {name: own_imports(tree) for name, tree in trees().items()}


@cache
def foreign_imports() -> dict[str, set[str]]:
    """Top packages that each module loads when it runs, also by `import_module`."""
    found = {
        name: set(imported(tree, trees(), for_types_alone(tree))) for name, tree in trees().items()
    }
    for name, call in expressions(ast.Call, "import_module"):
        called = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if called == "import_module" and call.args and isinstance(call.args[0], ast.Constant):
            found[name].add(str(call.args[0].value))
    return {name: {one.partition(".")[0] for one in names} for name, names in found.items()}


def package(name: str) -> str:
    return name.partition(".")[0]


def test_no_package_imports_another_and_core_imports_none():
    crossing = {
        (module, other)
        for module, others in house_imports().items()
        for other in others
        if package(other) in DOMAINS and package(other) != package(module)
    }
    assert {pair for pair in crossing if package(pair[0]) != "__main__"} == set()


def find_cycle(imports: Mapping[str, set[str]]) -> list[str]:
    """Some circle of imports, empty if there is none: modules without open imports go, again and again."""
    left = {name: set(others) - {name} for name, others in imports.items()}
    while free := [name for name, others in left.items() if not others & left.keys()]:
        for name in free:
            del left[name]
    if not left:
        return []
    path = [min(left)]
    while path[-1] not in path[:-1]:
        path.append(min(left[path[-1]] & left.keys()))
    return path[path.index(path[-1]) :]


def test_modules_import_each_other_in_no_circle():
    assert find_cycle(house_imports()) == []


def test_a_circle_is_found():
    circle = find_cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()})
    assert circle == ["b", "c", "b"]


@pytest.mark.parametrize("library", sorted(OWNERS))
def test_a_foreign_api_has_its_owners(library):
    users = {name for name, used in foreign_imports().items() if library in used}
    if library == "pyflink":
        users -= {name for name in users if package(name) in DOMAINS and name.endswith("flink")}
    assert users == OWNERS[library]


def test_one_file_builds_spark_sessions():
    builders = {
        name
        for name, node in expressions(ast.Attribute, "SparkSession")
        if node.attr == "builder"
        and isinstance(node.value, ast.Name)
        and node.value.id == "SparkSession"
    }
    assert builders == {"core.spark"}


def code_lines(function: ast.FunctionDef) -> int:
    """Lines of a function without its docstring."""
    first = function.body[0]
    told = first.end_lineno - first.lineno + 1 if ast.get_docstring(function) is not None else 0
    return function.end_lineno - function.lineno + 1 - told


def test_functions_stay_short():
    functions = [
        (module, node)
        for module, tree in trees().items()
        for node in telling(tree)
        if isinstance(node, ast.FunctionDef)
    ]
    assert [(module, one.name) for module, one in functions if code_lines(one) > 40] == []


def arrows(text: str, sign: str) -> set[tuple[str, str]]:
    """Pairs of `a & b --> c & d` lines of a mermaid diagram; labels in brackets do not count."""
    pairs = set()
    for line in text.splitlines():
        if sign not in line:
            continue
        steps = [
            re.findall(r"\w+", re.sub(r"\[.*?\]|\(.*?\)|\{.*?\}", "", part))
            for part in line.split(sign)
        ]
        for left, right in pairwise(steps):
            pairs |= {(a, b) for a in left for b in right}
    return pairs


def test_the_diagram_shows_the_imports_between_packages():
    drawn = re.findall(
        r"```mermaid\n(.*?)```", (ROOT / "docs/architecture.md").read_text("utf-8"), re.S
    )
    assert len(drawn) == 1
    found = {
        (package(module), package(other))
        for module, others in house_imports().items()
        for other in others
        if package(module) != package(other)
    }
    scripts = {file: ast.parse(file.read_text("utf-8")) for file in (ROOT / "jobs").glob("*.py")}
    found |= {("jobs", package(other)) for tree in scripts.values() for other in own_imports(tree)}
    main = next(
        n
        for n in trees()["__main__"].body
        if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "TOOLS"
    )
    tools = ast.literal_eval(main.value)
    found |= {
        ("__main__", package(module.removeprefix("pipelines."))) for module, _ in tools.values()
    }
    assert arrows(drawn[0], "-->") == found
