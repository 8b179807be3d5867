"""Generated Spark types equal the golden ones; a change of the generator shows up as a diff."""

import json
from typing import Any

import pytest
from pyspark.sql import types as T

from pipelines.core.contracts import Contract, load_contracts, spark_schema
from pipelines.core.schema_lock import golden_path

CONTRACTS = [one for versions in load_contracts().values() for one in versions.values()]


def lines(data_type: T.DataType, name: str, is_nullable: bool) -> list[str]:
    """One line per column and nested part: path, type, nullability."""
    null = "null" if is_nullable else "not null"
    if isinstance(data_type, T.StructType):
        inner = [
            line
            for one in data_type.fields
            for line in lines(one.dataType, f"{name}.{one.name}".lstrip("."), one.nullable)
        ]
        return ([f"{name} struct {null}"] if name else []) + inner
    if isinstance(data_type, T.ArrayType):
        items = lines(data_type.elementType, f"{name}[]", data_type.containsNull)
        return [f"{name} array {null}", *items]
    if isinstance(data_type, T.MapType):
        values = lines(data_type.valueType, f"{name}{{}}", data_type.valueContainsNull)
        return [f"{name} map {null}", *values]
    return [f"{name} {data_type.simpleString()} {null}"]


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda one: one.key)
def test_spark_types_equal_the_golden_file(contract: Contract) -> None:
    schema = spark_schema(contract.subject, contract.version)
    golden = golden_path(contract, "spark.txt").read_text().splitlines()
    assert lines(schema, "", False) == golden


def test_docs_become_comments() -> None:
    field: Any = json.loads(spark_schema("identity.GoldenRecord")["members"].json())
    assert field["metadata"]["comment"] == "Records of the person, 1 or more."
