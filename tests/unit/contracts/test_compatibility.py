"""The gate: what a new version may change, judged against what was published."""

import copy
import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pipelines.core import avro_codec, compatibility, schema_lock
from pipelines.core.contract_changes import compare
from pipelines.core.contract_store import (
    SCHEMAS,
    Contract,
    get_contract,
    read_contract,
)

Json = Any
V2 = "identity/enrolment.v2.avsc"


@pytest.fixture
def schema() -> Json:
    return copy.deepcopy(get_contract("identity.Enrolment").schema)


def field(record: Json, name: str) -> Json:
    return next(one for one in record["fields"] if one["name"] == name)


def capture(schema: Json) -> Json:
    return field(schema, "captures")["type"]["items"]


def minutia(schema: Json) -> Json:
    return field(capture(schema), "minutiae")["type"]["items"]


def found(schema: Json, retired: tuple[str, ...] = ()) -> set[tuple[str, str]]:
    new = read_contract(V2, json.dumps(schema))
    return {(v.path, v.rule) for v in compare(get_contract("identity.Enrolment", 1), new, retired)}


def optional(name: str) -> Json:
    return {
        "name": name,
        "type": ["null", "string"],
        "default": None,
        "doc": "New.",
        "pii": "none",
    }


Change = Callable[[Json], object]
BREAKING: list[tuple[str, str, Change]] = [
    ("removed", "town", lambda s: s["fields"].remove(field(s, "town"))),
    ("removed", "town", lambda s: field(s, "town").update(name="city")),
    ("removed", "captures[].quality", lambda s: capture(s)["fields"].pop(1)),
    ("type", "age", lambda s: field(s, "age").update(type=["null", "string"])),
    ("type", "schema_version", lambda s: field(s, "schema_version").update(type="string")),
    ("type", "age", lambda s: field(s, "age").update(type="int", default=0)),
    ("type", "captures[].minutiae[].x", lambda s: field(minutia(s), "x").update(type="boolean")),
    ("type", "captures[]", lambda s: capture(s).update(name="Template")),
    ("logical-type", "event_time", lambda s: field(s, "event_time").update(type="long")),
    ("logical-type", "age", lambda s: field(s, "age").update(type=["null", DATE])),
    ("default", "region", lambda s: field(s, "region").update(default="IN")),
    ("default", "region", lambda s: field(s, "region").pop("default")),
    ("symbol", "status", lambda s: field(s, "status")["type"]["symbols"].remove("DECEASED")),
    (
        "symbol",
        "captures[].minutiae[].type",
        lambda s: field(minutia(s), "type")["type"].update(symbols=["UNKNOWN", "ENDING", "FORK"]),
    ),
    ("default", "status", lambda s: field(s, "status")["type"].update(default="ACTIVE")),
    ("pii", "phone", lambda s: field(s, "phone").update(pii="pseudonym")),
    ("no-default", "caste", lambda s: s["fields"].append({"name": "caste", "type": "string"})),
    (
        "no-default",
        "captures[].device",
        lambda s: capture(s)["fields"].append({"name": "device", "type": "string"}),
    ),
]
DATE = {"type": "int", "logicalType": "date"}
ALLOWED: list[tuple[str, Change]] = [
    ("optional field", lambda s: s["fields"].append(optional("village_code"))),
    ("nested optional field", lambda s: minutia(s)["fields"].append(optional("note"))),
    ("new symbol", lambda s: field(s, "status")["type"]["symbols"].append("PAUSED")),
    ("int to long", lambda s: field(s, "age").update(type=["null", "long"])),
    (
        "required to nullable",
        lambda s: field(s, "source").update(type=["null", "string"], default=None),
    ),
    ("alias", lambda s: field(s, "town").update(name="city", aliases=["town"])),
    ("words", lambda s: s.update(doc="Said better.")),
]


@pytest.mark.parametrize(
    ("rule", "path", "change"), BREAKING, ids=[f"{rule}-{path}" for rule, path, _ in BREAKING]
)
def test_breaking_changes_name_the_field(
    rule: str, path: str, change: Change, schema: Json
) -> None:
    change(schema)
    violations = found(schema)
    assert (path, rule) in violations
    assert {where for where, _ in violations} == {path}


@pytest.mark.parametrize(("name", "change"), ALLOWED, ids=[name for name, _ in ALLOWED])
def test_allowed_changes_pass_and_avro_agrees(name: str, change: Change, schema: Json) -> None:
    change(schema)
    assert found(schema) == set(), name
    old = get_contract("identity.Enrolment", 1)
    for body in schema_lock.golden_bodies(old):
        avro_codec.decode(old.schema, body, schema)


def test_a_field_goes_after_deprecation_and_retirement(schema: Json) -> None:
    without = copy.deepcopy(schema)
    without["fields"].remove(field(without, "town"))
    field(schema, "town")["deprecated"] = True
    old = read_contract("identity/enrolment.v1.avsc", json.dumps(schema))
    new = read_contract(V2, json.dumps(without))
    assert compare(old, new)
    assert compare(old, new, ["identity.Enrolment.town"]) == []
    assert found(without, ("identity.Enrolment.town",))  # retired but never deprecated


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A working tree of its own: contracts and golden bytes as they were published."""
    shutil.copytree(SCHEMAS, tmp_path / "schemas")
    shutil.copytree(schema_lock.GOLDEN, tmp_path / "golden")
    return tmp_path


@cache
def published() -> dict[str, Contract]:
    """What was published, as `read_at` gives it of a commit (tests/integration)."""
    return {one.file: one for one in schema_lock.all_contracts()}


def check(clone: Path, *, is_first: bool = False) -> list[str]:
    """Violations of the working tree; the first commit of all has nothing published before it."""
    before = {} if is_first else published()
    root = clone / f"schemas-{len(list(clone.iterdir()))}"
    root.symlink_to(clone / "schemas")  # contracts are kept by folder: another name reads anew
    return [str(one) for one in compatibility.check(before, root, clone / "golden")]


def add_version(clone: Path, change: Change) -> None:
    schema = json.loads((clone / "schemas/identity/enrolment.v1.avsc").read_text())
    change(schema)
    (clone / "schemas" / V2).write_text(json.dumps(schema))


def test_unchanged_contracts_pass(clone: Path) -> None:
    assert check(clone) == []
    assert check(clone, is_first=True) == []


def test_a_published_file_never_changes(clone: Path) -> None:
    path = clone / "schemas/identity/golden_record.v1.avsc"
    path.write_text(path.read_text().replace("Records of the person", "Rows of the person"))
    lines = check(clone)
    assert any(
        "identity/golden_record.v1.avsc" in line and "R1" in line and "v2" in line for line in lines
    )
    assert any("lock" in line for line in lines)
    assert not any("R1" in line for line in check(clone, is_first=True))


def test_a_published_file_never_goes(clone: Path) -> None:
    (clone / "schemas/identity/golden_record.v1.avsc").unlink()
    assert any("identity.GoldenRecord: removed" in line for line in check(clone))


def test_a_new_version_is_held_against_all_older_ones(clone: Path) -> None:
    add_version(clone, lambda s: s["fields"].remove(field(s, "town")))
    lines = check(clone)
    assert any(line.startswith(f"{V2}: town: removed:") for line in lines)
    assert any("has no golden bytes" in line for line in lines)


def test_a_good_new_version_passes_after_lock(clone: Path) -> None:
    add_version(clone, lambda s: s["fields"].append(optional("village_code")))
    golden, root = clone / "golden", clone / "schemas"
    old = [json.loads(x) for x in (golden / "identity/enrolment.v1.json").read_text().splitlines()]
    new = "".join(json.dumps({**one, "village_code": None}) + "\n" for one in old)
    (golden / "identity/enrolment.v2.json").write_text(new)
    before = schema_lock.read_lock(root)
    ids = schema_lock.write_lock(root, golden)
    assert ids["identity.Enrolment.v2"] == max(entry["wire_id"] for entry in before) + 1
    assert schema_lock.read_lock(root)[: len(before)] == before
    assert check(clone) == []
    assert compatibility.find_unready_readers(root, golden) == []


def test_wire_ids_are_never_shared(clone: Path) -> None:
    path = clone / "schemas/lock.json"
    entries = json.loads(path.read_text())
    entries[1]["wire_id"] = entries[0]["wire_id"]
    path.write_text(json.dumps(entries))
    assert any("used twice" in line for line in check(clone))


def test_bytes_that_the_newest_reader_cannot_decode_fail(clone: Path) -> None:
    path = clone / "golden/identity/golden_record.v1.hex"
    path.write_text(path.read_text().splitlines()[0][:-2] + "\n")
    assert any("golden: line 1 cannot be read" in line for line in check(clone))


def test_command_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    published = {one.file: one for one in schema_lock.all_contracts()}
    monkeypatch.setattr(compatibility, "read_at", lambda ref: published)
    assert compatibility.main(["check", "--against", "any"]) == 0
    assert "0 violations" in capsys.readouterr().out
    gone = published["identity/golden_record.v1.avsc"]
    published["identity/golden_record.v7.avsc"] = gone
    assert compatibility.main(["check", "--against", "any"]) == 4
    assert (
        "identity/golden_record.v7.avsc: identity.GoldenRecord: removed" in capsys.readouterr().out
    )
