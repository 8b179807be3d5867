"""Flink's view of every contract: column lists and row types equal the golden ones."""

import pytest

from pipelines.core.contract_store import Contract, load_contracts
from pipelines.core.contract_tree import inner_type, split_null, walk
from pipelines.core.errors import ContractError
from pipelines.core.flink_types import (
    FRAME_COLUMNS,
    flink_columns,
    flink_row_type,
    quoted,
    wire_columns,
)
from pipelines.core.schema_lock import golden_path

CONTRACTS = [one for versions in load_contracts().values() for one in versions.values()]
OURS = [one for one in CONTRACTS if one.subject.split(".")[0] in ("upi", "viewer", "ops")]


@pytest.mark.parametrize("contract", OURS, ids=lambda one: one.key)
def test_columns_equal_the_golden_file(contract: Contract) -> None:
    golden = golden_path(contract, "flink.sql").read_text()
    assert flink_columns(contract.subject, contract.version) + "\n" == golden


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda one: one.key)
def test_every_column_keeps_its_name_and_nullability(contract: Contract) -> None:
    lines = flink_columns(contract.subject, contract.version).split(",\n")
    for line, field in zip(lines, contract.tree["fields"], strict=True):
        assert line.startswith(f"`{field['name']}` ")
        assert line.endswith("NOT NULL") == (not split_null(field["type"])[1])


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda one: one.key)
def test_row_types_follow_the_fields(contract: Contract) -> None:
    row = flink_row_type(contract.subject, contract.version)
    assert row.get_field_names() == [field["name"] for field in contract.tree["fields"]]
    kinds = {"string": "String", "long": "Long", "int": "Integer", "double": "Double"}
    for node, kind in zip(contract.tree["fields"], row.get_field_types(), strict=True):
        avro, _ = split_null(node["type"])
        name = avro if isinstance(avro, str) else avro["type"]
        if name in kinds:
            assert str(kind) == kinds[name]


def test_wire_columns_swallow_the_frame_and_name_enums() -> None:
    lines = wire_columns("viewer.Event").split(",\n")
    assert lines[:5] == [f"`{name}` BOOLEAN NOT NULL" for name in FRAME_COLUMNS]
    assert "`event_type_place` INT NOT NULL" in lines
    computed = next(line for line in lines if line.startswith("`event_type` AS"))
    assert "WHEN 0 THEN 'UNKNOWN' WHEN 1 THEN 'PLAY'" in computed


def test_an_enum_inside_a_nested_type_needs_the_guarded_mode() -> None:
    nested = {
        one.subject
        for one in CONTRACTS
        for node in walk(one.tree)
        if node.depth and isinstance(inner_type(node.avro, "")[0], dict) and node.kind == "enum"
    }
    assert "upi.RuleSet" in nested
    with pytest.raises(ContractError, match=r"upi\.RuleSet\.rules: an enum inside a nested type"):
        wire_columns("upi.RuleSet")


def test_quoting() -> None:
    assert quoted("partition") == "`partition`"
    assert quoted("a`b") == "`a``b`"
