"""What may change from one version of a record to the next: the house rules of compatibility."""

from collections.abc import Iterator, Sequence
from typing import Any

from pipelines.core.contract_store import Contract
from pipelines.core.contract_tree import Violation, split_null

Json = Any
Finding = tuple[str, str, str]

_PROMOTIONS = {("int", "long"), ("int", "double"), ("long", "double")}
_PROMOTIONS |= {("string", "bytes"), ("bytes", "string")}
_PARAMETERS = ("logicalType", "precision", "scale")


def compare(old: Contract, new: Contract, retired: Sequence[str] = ()) -> list[Violation]:
    """House rules between two versions of a record.

    Args:
        old: what has been written.
        new: the reader.
        retired: fields that may be gone, as `identity.Enrolment.field`.

    Returns:
        Violations of the newer file, each with the path of the field.
    """
    found = [
        Violation(new.file, path, rule, f"{message} (against {old.key})")
        for path, rule, message in _compare_records(old.tree, new.tree, "")
        if not (
            rule == "removed" and f"{new.subject}.{path}" in retired and _is_deprecated(old, path)
        )
    ]
    return sorted(set(found))


def _is_deprecated(old: Contract, path: str) -> bool:
    return any(f["name"] == path and f.get("deprecated") is True for f in old.tree["fields"])


def _compare_records(old: Json, new: Json, prefix: str) -> Iterator[Finding]:
    names = {name: f for f in new["fields"] for name in (*f.get("aliases", ()), f["name"])}
    kept = set()
    for field in old["fields"]:
        path, other = prefix + field["name"], names.get(field["name"])
        if other is None:
            yield path, "removed", "the field is gone or renamed without alias"
            continue
        kept.add(other["name"])
        yield from _compare_fields(field, other, path)
    for field in new["fields"]:
        if field["name"] not in kept and "default" not in field:
            yield prefix + field["name"], "no-default", "a new field needs a default"


def _compare_fields(old: Json, new: Json, path: str) -> Iterator[Finding]:
    if "default" in old and old["default"] != new.get("default", "no default"):
        yield path, "default", f"the default changed from {old['default']!r}"
    if old.get("pii") != new.get("pii"):
        yield path, "pii", f"the PII class changed from {old.get('pii')} to {new.get('pii')}"
    yield from _compare_types(old["type"], new["type"], path)


def _compare_types(old: Json, new: Json, path: str) -> Iterator[Finding]:
    (old, was_nullable), (new, is_nullable) = split_null(old), split_null(new)
    if was_nullable and not is_nullable:
        yield path, "type", "a nullable type became required"
    before, after = _kind(old), _kind(new)
    if before != after and ((before, after) not in _PROMOTIONS or _parameters(old)):
        yield path, "type", f"{before} became {after}"
        return
    if _parameters(old) != _parameters(new):
        yield path, "logical-type", f"{_parameters(old)} became {_parameters(new)}"
    yield from _compare_parts(old, new, before, path)


def _kind(avro: Json) -> str:
    return str(avro if isinstance(avro, str) else avro["type"])


def _parameters(avro: Json) -> dict[str, Json]:
    return {} if isinstance(avro, str) else {k: avro[k] for k in _PARAMETERS if k in avro}


def _compare_parts(old: Json, new: Json, kind: str, path: str) -> Iterator[Finding]:
    if kind in ("record", "enum") and old["name"] not in (new["name"], *new.get("aliases", ())):
        yield path, "type", f"{kind} {old['name']} became {new['name']}"
    if kind == "record":
        yield from _compare_records(old, new, f"{path}.")
    elif kind == "array":
        yield from _compare_types(old["items"], new["items"], f"{path}[]")
    elif kind == "map":
        yield from _compare_types(old["values"], new["values"], f"{path}{{}}")
    elif kind == "enum":
        gone = [symbol for symbol in old["symbols"] if symbol not in new["symbols"]]
        if gone:
            yield path, "symbol", f"symbols removed: {', '.join(gone)}"
        if old.get("default") != new.get("default"):
            yield path, "default", "the default symbol changed"
