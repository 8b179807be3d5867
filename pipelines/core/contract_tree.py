"""The JSON of a contract as a tree: names resolved, every field reachable with its path.

In a path nested fields are joined by dots, `[]` stands for the items of an array and `{}` for the
values of a map.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipelines.core.errors import ContractError

Json = Any


@dataclass(frozen=True, order=True)
class Violation:
    """One broken rule: where, which, and what to do."""

    file: str
    path: str
    rule: str
    message: str

    def __str__(self) -> str:
        """One line for the terminal."""
        return f"{self.file}: {self.path}: {self.rule}: {self.message}"


@dataclass(frozen=True)
class Node:
    """A field somewhere in a contract; `avro` is its type without the null branch."""

    path: str
    field: Json
    avro: Json
    is_nullable: bool
    depth: int

    @property
    def name(self) -> str:
        """Name of the field."""
        return str(self.field["name"])

    @property
    def kind(self) -> str:
        """Avro type of the field, such as `long` or `record`."""
        return str(self.avro if isinstance(self.avro, str) else self.avro["type"])

    @property
    def logical(self) -> str | None:
        """Logical type, if any."""
        return None if isinstance(self.avro, str) else self.avro.get("logicalType")


def walk(record: Json, prefix: str = "", depth: int = 0) -> Iterator[Node]:
    """All fields of a record, nested ones after the field that holds them."""
    for field in record["fields"]:
        avro, is_nullable = split_null(field["type"])
        node = Node(f"{prefix}{field['name']}", field, avro, is_nullable, depth)
        yield node
        inner, path = inner_type(avro, node.path)
        if isinstance(inner, dict) and inner["type"] == "record":
            yield from walk(inner, f"{path}.", depth + 1)


def inner_type(avro: Json, path: str) -> tuple[Json, str]:
    """Follow arrays, maps and nulls down to the type they hold, extending the path."""
    while isinstance(avro, dict) and avro["type"] in ("array", "map"):
        is_array = avro["type"] == "array"
        path += "[]" if is_array else "{}"
        avro, _ = split_null(avro["items" if is_array else "values"])
    return avro, path


def split_null(avro: Json) -> tuple[Json, bool]:
    """The type without its null branch, and whether it had one."""
    if isinstance(avro, list):
        return next((branch for branch in avro if branch != "null"), "null"), "null" in avro
    return avro, False


def expand(schema: Json, known: dict[str, Json], open_names: tuple[str, ...]) -> Json:
    """Replace names of nested types by their definitions.

    Raises:
        ContractError: a type contains itself (R7).
    """
    if isinstance(schema, str):
        name = schema.rpartition(".")[2]
        if name in open_names:
            raise ContractError(f"type {name} contains itself: recursion is not allowed (R7)")
        return known.get(name, schema)
    if isinstance(schema, list):
        return [expand(branch, known, open_names) for branch in schema]
    out = dict(schema)
    if schema["type"] == "record":
        inside = (*open_names, schema["name"])
        out["fields"] = [
            {**field, "type": expand(field["type"], known, inside)} for field in schema["fields"]
        ]
    for part in ("items", "values"):
        if part in schema:
            out[part] = expand(schema[part], known, open_names)
    if "name" in schema:
        known[schema["name"]] = out
    return out
