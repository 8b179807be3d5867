"""House rules R1 to R9 for one contract, as plain functions over its JSON; no engine needed.

Every rule yields violations with the path of the field.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from pipelines.core.contract_store import Contract
from pipelines.core.contract_tree import Node, Violation, inner_type, walk

Json = Any

MILLIS = {"type": "long", "logicalType": "timestamp-millis"}
ENVELOPE: tuple[tuple[str, Json, Json], ...] = (
    ("event_id", "string", None),
    ("event_time", MILLIS, None),
    ("ingest_time", ["null", MILLIS], None),
    ("source", "string", None),
    ("schema_version", "int", None),
    ("region", "string", "UNKNOWN"),
    ("priority", "int", 5),
)
KINDS = {"event": len(ENVELOPE), "fact": len(ENVELOPE), "ref": 2, "lake": 0}
PII = ("none", "pseudonym", "direct", "sensitive")
TREATMENTS = ("tokenise", "mask", "drop", "keep")
MAX_DEPTH = 2

_LOGICAL = {("int", "date"), ("long", "timestamp-millis"), ("string", "uuid"), ("bytes", "decimal")}
_PLAIN = ("boolean", "int", "long", "double", "string", "bytes")
_SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_PASCAL = re.compile(r"([A-Z][a-z0-9]*)+")
_SYMBOL = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
_MONEY = re.compile(r"amount|price|balance|revenue|limit|volume|paise")


def lint(contract: Contract) -> list[Violation]:
    """Check one contract against R1 to R9; an empty list means it holds."""
    found = chain(
        _check_file(contract),
        _check_envelope(contract.tree),
        _check_record(contract.tree),
        *(_check_field(node) for node in walk(contract.tree)),
    )
    return sorted({replace(one, file=contract.file) for one in found})


def lint_all(contracts: Sequence[Contract], retired: Json) -> list[Violation]:
    """Check contracts one by one and against each other and `schemas/retired.yaml`."""
    found = [one for contract in contracts for one in lint(contract)]
    seen: dict[str, tuple[Json, str]] = {}
    for contract in contracts:
        for name, avro in _named_types(contract):
            known, file = seen.setdefault(name, (avro, contract.file))
            if known != avro:
                message = f"type {name} differs from the one in {file}; make them identical"
                found.append(Violation(contract.file, name, "R1", message))
        found.extend(_check_retired(contract, retired))
    return sorted(set(found))


def _named_types(contract: Contract) -> Iterator[tuple[str, Json]]:
    for node in walk(contract.tree):
        inner, _ = inner_type(node.avro, node.path)
        if isinstance(inner, dict) and "name" in inner:
            yield f"{contract.tree['namespace']}.{inner['name']}", inner


def _check_retired(contract: Contract, retired: Json) -> Iterator[Violation]:
    for node in walk(contract.tree):
        path = f"{contract.subject}.{node.path}"
        if path in retired["fields"] and not node.field.get("deprecated"):
            yield Violation(contract.file, node.path, "R10", "the field name is retired")
        inner, _ = inner_type(node.avro, path)
        for symbol in inner.get("symbols", ()) if isinstance(inner, dict) else ():
            if f"{path}.{symbol}" in retired["symbols"]:
                yield Violation(contract.file, node.path, "R10", f"symbol {symbol} is retired")


def _fail(path: str, rule: str, message: str) -> Violation:
    return Violation("", path, rule, message)


def _check_file(contract: Contract) -> Iterator[Violation]:
    tree, (domain, file) = contract.tree, contract.file.split("/")
    stem = file.split(".")[0]
    if tree.get("namespace") != f"sangam.{domain}":
        yield _fail("namespace", "R1", f"must be sangam.{domain}")
    if not _PASCAL.fullmatch(tree["name"]) or _squeeze(tree["name"]) != _squeeze(stem):
        yield _fail("name", "R1", f"must be the file name {stem!r} in PascalCase")


def _squeeze(name: str) -> str:
    return name.replace("_", "").lower()


def _check_envelope(tree: Json) -> Iterator[Violation]:
    kind = tree.get("kind")
    if kind not in KINDS:
        yield _fail("kind", "R3", f"must be one of {', '.join(KINDS)}")
        return
    fields = tree["fields"]
    for place, (name, avro, default) in enumerate(ENVELOPE[: KINDS[kind]]):
        there = fields[place] if place < len(fields) else {}
        if (there.get("name"), there.get("type"), there.get("default")) != (name, avro, default):
            yield _fail(name, "R3", f"field {place + 1} must be {name} of type {avro}")
    if kind == "lake" and "run_id" not in {field["name"] for field in fields}:
        yield _fail("run_id", "R3", "a lake table carries run_id instead of the envelope")
    types = {name: avro for name, avro, _ in ENVELOPE}
    for node in walk(tree):
        if node.name in types and (node.depth or node.field["type"] != types[node.name]):
            yield _fail(node.path, "R3", "the name belongs to the envelope, with its type")


def _check_record(tree: Json) -> Iterator[Violation]:
    if not str(tree.get("doc", "")).strip():
        yield _fail("doc", "R8", "the record needs a doc")
    names = {field["name"] for field in tree["fields"]}
    subject = tree.get("data_subject", "missing")
    if subject is not None and not set([subject] if isinstance(subject, str) else subject) <= names:
        yield _fail("data_subject", "R9", "must be null, a field, or a list of fields")


def _check_field(node: Node) -> Iterator[Violation]:
    for check in (_check_name, _check_money, _check_time, _check_enum, _check_type, _check_text):
        yield from check(node)


def _check_name(node: Node) -> Iterator[Violation]:
    if not _SNAKE.fullmatch(node.name):
        yield _fail(node.path, "R2", "must be snake_case")
    if (node.kind == "boolean") != node.name.startswith(("is_", "has_")):
        yield _fail(node.path, "R2", "booleans, and only they, start with is_ or has_")
    number = ("int", "long", "double")
    for suffix, kinds in (("_id", ("string", "int", "long")), ("_ms", number), ("_pct", number)):
        if node.name.endswith(suffix) and inner_type(node.avro, "")[0] not in kinds:
            yield _fail(node.path, "R2", f"a name in {suffix} is {' or '.join(kinds)}")


def _check_money(node: Node) -> Iterator[Violation]:
    inner, _ = inner_type(node.avro, "")
    if _MONEY.search(node.name) and inner in ("float", "double"):
        yield _fail(node.path, "R4", "money is a long in paise, never a float or double")
    if node.name.endswith("_paise") and inner != "long" and node.logical != "decimal":
        yield _fail(node.path, "R4", "paise are a long, sums of squares decimal(38,0)")


def _check_time(node: Node) -> Iterator[Violation]:
    if node.name.endswith("_at") and node.logical != "timestamp-millis":
        yield _fail(node.path, "R5", "a name in _at is a timestamp-millis")
    if node.name.endswith("_date") and node.logical != "date":
        yield _fail(node.path, "R5", "a name in _date is a date")


def _check_enum(node: Node) -> Iterator[Violation]:
    inner, _ = inner_type(node.avro, "")
    if not isinstance(inner, dict) or inner["type"] != "enum":
        return
    if inner["symbols"][0] != "UNKNOWN" or inner.get("default") != "UNKNOWN":
        yield _fail(node.path, "R6", "UNKNOWN must be the first symbol and the default of the type")
    if inner is node.avro and (node.is_nullable or node.field.get("default") != "UNKNOWN"):
        yield _fail(node.path, "R6", "the field must have default UNKNOWN and no null")
    if not all(_SYMBOL.fullmatch(symbol) for symbol in inner["symbols"]):
        yield _fail(node.path, "R6", "symbols are UPPER_CASE")


def _check_type(node: Node) -> Iterator[Violation]:
    problem = _type_problem(node.field["type"])
    if problem:
        yield _fail(node.path, "R7", problem)
    if node.is_nullable and node.field.get("default", "missing") is not None:
        yield _fail(node.path, "R7", "a nullable field has default null")
    if node.depth > MAX_DEPTH:
        yield _fail(node.path, "R7", f"records nest at most {MAX_DEPTH} deep")


def _type_problem(avro: Json) -> str | None:
    if isinstance(avro, list):
        is_optional = len(avro) == 2 and avro[0] == "null" and not isinstance(avro[1], list)
        return _type_problem(avro[1]) if is_optional else 'a union must be ["null", T]'
    if isinstance(avro, str):
        return None if avro in _PLAIN else f"type {avro} is not allowed"
    if avro["type"] in ("array", "map"):
        inner = avro["items" if avro["type"] == "array" else "values"]
        return (
            _type_problem(inner) if not isinstance(inner, list) else "no null inside arrays, maps"
        )
    if avro["type"] in ("record", "enum"):
        return None
    logical = avro.get("logicalType")
    if avro["type"] not in _PLAIN or (logical and (avro["type"], logical) not in _LOGICAL):
        return f"type {avro['type']} {logical or ''} is not allowed"
    if logical == "decimal" and (avro.get("precision"), avro.get("scale", 0)) != (38, 0):
        return "a decimal is decimal(38,0)"
    return None


def _check_text(node: Node) -> Iterator[Violation]:
    if not str(node.field.get("doc", "")).strip():
        yield _fail(node.path, "R8", "needs a doc with unit and range")
    pii, treatment = node.field.get("pii"), node.field.get("treatment")
    if pii not in PII:
        yield _fail(node.path, "R9", f"pii must be one of {', '.join(PII)}")
    elif (pii == "none") != (treatment is None) or (treatment or "keep") not in TREATMENTS:
        yield _fail(node.path, "R9", f"treatment, if pii is not none: {', '.join(TREATMENTS)}")
