"""Each house rule on a contract that breaks it, with the path of the field."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from pipelines.core.contract_rules import lint, lint_all
from pipelines.core.contracts import get_contract, load_contracts, read_contract
from pipelines.core.errors import ContractError

Json = Any
FILE = "identity/enrolment.v1.avsc"
NOTHING_RETIRED = {"fields": [], "symbols": []}


@pytest.fixture
def schema() -> Json:
    return copy.deepcopy(get_contract("identity.Enrolment").schema)


def field(schema: Json, name: str) -> Json:
    return next(one for one in schema["fields"] if one["name"] == name)


def capture(schema: Json, name: str) -> Json:
    return field(field(schema, "captures")["type"]["items"], name)


def minutia(schema: Json, name: str) -> Json:
    return field(capture(schema, "minutiae")["type"]["items"], name)


def violations(schema: Json, file: str = FILE) -> set[tuple[str, str]]:
    return {(one.path, one.rule) for one in lint(read_contract(file, json.dumps(schema)))}


def new_field(name: str, avro: Json, **more: Json) -> Json:
    return {"name": name, "type": avro, "doc": "d", "pii": "none", **more}


def test_all_contracts_hold() -> None:
    contracts = [one for versions in load_contracts().values() for one in versions.values()]
    assert len(contracts) >= 8
    assert lint_all(contracts, NOTHING_RETIRED) == []


Change = Callable[[Json], object]
COLOURS = {"type": "enum", "name": "E", "symbols": ["UNKNOWN", "RED"], "default": "UNKNOWN"}
MICROS = {"type": "long", "logicalType": "timestamp-micros"}
MONEY = {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}
CHANGES: list[tuple[str, str, Change]] = [
    ("R1", "namespace", lambda s: s.update(namespace="sangam.credit")),
    ("R1", "name", lambda s: s.update(name="Person")),
    ("R2", "givenName", lambda s: field(s, "given_name").update(name="givenName")),
    ("R2", "estimated", lambda s: field(s, "is_dob_estimated").update(name="estimated")),
    ("R2", "is_house", lambda s: field(s, "house").update(name="is_house")),
    ("R2", "wait_ms", lambda s: s["fields"].append(new_field("wait_ms", "string"))),
    ("R2", "scan_id", lambda s: s["fields"].append(new_field("scan_id", "double"))),
    ("R3", "kind", lambda s: s.update(kind="thing")),
    ("R3", "event_id", lambda s: s["fields"].insert(0, s["fields"].pop(1))),
    ("R3", "priority", lambda s: field(s, "priority").update(default=9)),
    ("R3", "captures[].source", lambda s: capture(s, "quality").update(name="source")),
    ("R3", "run_id", lambda s: s.update(kind="lake")),
    ("R4", "fee_amount", lambda s: s["fields"].append(new_field("fee_amount", "double"))),
    ("R4", "fee_paise", lambda s: s["fields"].append(new_field("fee_paise", "int"))),
    ("R5", "seen_at", lambda s: s["fields"].append(new_field("seen_at", "long"))),
    ("R5", "birth_date", lambda s: s["fields"].append(new_field("birth_date", "string"))),
    ("R6", "status", lambda s: field(s, "status")["type"]["symbols"].reverse()),
    ("R6", "status", lambda s: field(s, "status")["type"]["symbols"].append("On_hold")),
    ("R6", "gender", lambda s: field(s, "gender").pop("default")),
    ("R6", "captures[].minutiae[].type", lambda s: minutia(s, "type")["type"].pop("default")),
    ("R6", "state", lambda s: field(s, "state").update(type=["null", COLOURS])),
    ("R7", "age", lambda s: field(s, "age").update(type=["null", "float"])),
    ("R7", "age", lambda s: field(s, "age").update(type=["null", "int", "long"])),
    ("R7", "age", lambda s: field(s, "age").update(type=["int", "null"])),
    ("R7", "age", lambda s: field(s, "age").pop("default")),
    ("R7", "age", lambda s: field(s, "age").update(type=["null", MICROS])),
    ("R7", "age", lambda s: field(s, "age").update(type=["null", MONEY])),
    (
        "R7",
        "house",
        lambda s: field(s, "house").update(
            type=["null", {"type": "fixed", "name": "F", "size": 2}]
        ),
    ),
    (
        "R7",
        "captures[].minutiae[].x[].deep",
        lambda s: minutia(s, "x").update(
            type={
                "type": "array",
                "items": {"type": "record", "name": "R3", "fields": [new_field("deep", "int")]},
            }
        ),
    ),
    ("R8", "doc", lambda s: s.update(doc=" ")),
    ("R8", "captures[].minutiae[].angle", lambda s: minutia(s, "angle").pop("doc")),
    ("R9", "phone", lambda s: field(s, "phone").pop("treatment")),
    ("R9", "town", lambda s: field(s, "town").update(treatment="mask")),
    ("R9", "captures[].iris_code", lambda s: capture(s, "iris_code").update(pii="secret")),
    ("R9", "data_subject", lambda s: s.pop("data_subject")),
    ("R9", "data_subject", lambda s: s.update(data_subject="nobody")),
]


@pytest.mark.parametrize(
    ("rule", "path", "change"), CHANGES, ids=[f"{rule}-{path}" for rule, path, _ in CHANGES]
)
def test_a_broken_rule_names_the_field(rule: str, path: str, change: Change, schema: Json) -> None:
    change(schema)
    assert (path, rule) in violations(schema)


def test_file_name_and_json_are_checked(schema: Json) -> None:
    text = json.dumps(schema)
    for file in ("enrolment.v1.avsc", "identity/Enrolment.v1.avsc", "identity/enrolment.v0.avsc"):
        with pytest.raises(ContractError, match="R1"):
            read_contract(file, text)
    with pytest.raises(ContractError, match="no valid Avro record"):
        read_contract(FILE, text[:-5])
    field(schema, "town")["type"] = "Unheard"
    with pytest.raises(ContractError, match="Unheard"):
        read_contract(FILE, json.dumps(schema))


def test_recursion_is_refused(schema: Json) -> None:
    minutia(schema, "x")["type"] = {"type": "array", "items": "sangam.identity.Capture"}
    with pytest.raises(ContractError, match=r"Capture contains itself.*R7"):
        read_contract(FILE, json.dumps(schema))


def test_nested_types_of_two_files_are_identical(schema: Json) -> None:
    first = read_contract(FILE, json.dumps(schema))
    schema["name"] = "Update"
    minutia(schema, "x")["doc"] = "Other words."
    second = read_contract("identity/update.v1.avsc", json.dumps(schema))
    found = {(one.file, one.path, one.rule) for one in lint_all([first, second], NOTHING_RETIRED)}
    assert found == {
        ("identity/update.v1.avsc", "sangam.identity.Minutia", "R1"),
        ("identity/update.v1.avsc", "sangam.identity.Capture", "R1"),
    }


def test_retired_names_do_not_come_back(schema: Json) -> None:
    contract = read_contract(FILE, json.dumps(schema))
    retired = {
        "fields": ["identity.Enrolment.captures[].quality"],
        "symbols": ["identity.Enrolment.status.DECEASED"],
    }
    found = {(one.path, one.rule) for one in lint_all([contract], retired)}
    assert found == {("captures[].quality", "R10"), ("status", "R10")}


def test_unknown_contracts_are_named() -> None:
    with pytest.raises(ContractError, match=r"identity\.Enrolment, "):
        get_contract("identity.Nobody")
    with pytest.raises(ContractError, match="has no version 9"):
        get_contract("identity.Enrolment", 9)
