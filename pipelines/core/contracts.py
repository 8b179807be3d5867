"""Contracts in Spark: types made from the `.avsc` files, and frames held to them.

The only place that builds a StructType for a contract (rule R10).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from pipelines.core.contract_store import (
    SCHEMAS,
    Contract,
    get_contract,
    load_contracts,
    read_contract,
)
from pipelines.core.contract_tree import split_null
from pipelines.core.errors import ContractError

__all__ = [
    "SCHEMAS",
    "Contract",
    "check_type",
    "conform",
    "get_contract",
    "load_contracts",
    "read_contract",
    "spark_schema",
]

Json = Any

_SCALARS: Mapping[tuple[str, str | None], T.DataType] = {
    ("boolean", None): T.BooleanType(),
    ("int", None): T.IntegerType(),
    ("int", "date"): T.DateType(),
    ("long", None): T.LongType(),
    ("long", "timestamp-millis"): T.TimestampType(),
    ("double", None): T.DoubleType(),
    ("string", None): T.StringType(),
    ("string", "uuid"): T.StringType(),
    ("bytes", None): T.BinaryType(),
    ("bytes", "decimal"): T.DecimalType(38, 0),
}
_WIDENS: Mapping[type[T.DataType], tuple[type[T.DataType], ...]] = {
    T.ByteType: (T.IntegerType, T.LongType, T.DoubleType),
    T.ShortType: (T.IntegerType, T.LongType, T.DoubleType),
    T.IntegerType: (T.LongType, T.DoubleType),
    T.FloatType: (T.DoubleType,),
    T.VarcharType: (T.StringType,),
    T.CharType: (T.StringType,),
}


def spark_schema(subject: str, version: int | None = None, root: Path = SCHEMAS) -> T.StructType:
    """Spark type of a contract; nullability and logical types survive, docs become comments."""
    return _spark_struct(get_contract(subject, version, root).tree)


def _spark_type(avro: Json) -> T.DataType:
    if isinstance(avro, str):
        return _SCALARS[avro, None]
    if avro["type"] == "record":
        return _spark_struct(avro)
    if avro["type"] == "array":
        return T.ArrayType(_spark_type(avro["items"]), containsNull=False)
    if avro["type"] == "map":
        return T.MapType(T.StringType(), _spark_type(avro["values"]), valueContainsNull=False)
    if avro["type"] == "enum":
        return T.StringType()
    return _SCALARS[avro["type"], avro.get("logicalType")]


def _spark_struct(record: Json) -> T.StructType:
    return T.StructType([_spark_field(field) for field in record["fields"]])


def _spark_field(field: Json) -> T.StructField:
    avro, is_nullable = split_null(field["type"])
    return T.StructField(
        field["name"], _spark_type(avro), is_nullable, {"comment": field.get("doc", "")}
    )


def conform(df: DataFrame, subject: str, version: int | None = None) -> DataFrame:
    """Select the columns of a contract, in its order; the door of every job, in and out.

    Columns the contract does not know are dropped; integers and floats widen, nothing else is cast.

    Raises:
        ContractError: a column or a nested field is missing or has another type; names its path.
    """
    schema = spark_schema(subject, version)
    present = {field.name: field.dataType for field in df.schema.fields}
    columns = [_conform_field(subject, field, present) for field in schema.fields]
    return df.select(*columns)


def _conform_field(subject: str, field: T.StructField, present: dict[str, T.DataType]) -> Column:
    path = f"{subject}.{field.name}"
    if field.name not in present:
        raise ContractError(f"{path}: the column is missing; there are {', '.join(present)}")
    actual, column = present[field.name], F.col(f"`{field.name}`")
    check_type(path, actual, field.dataType)
    if actual.simpleString() != field.dataType.simpleString():
        column = column.cast(field.dataType)
    return column.alias(field.name, metadata=field.metadata)


def check_type(path: str, actual: T.DataType, expected: T.DataType) -> None:
    """Compare two Spark types, nullability aside.

    Raises:
        ContractError: they differ by more than a widening; names the path of the nested field.
    """
    if isinstance(expected, T.StructType) and isinstance(actual, T.StructType):
        if actual.names != expected.names:
            raise ContractError(f"{path}: has fields {actual.names}, must have {expected.names}")
        for one, other in zip(actual.fields, expected.fields, strict=True):
            check_type(f"{path}.{other.name}", one.dataType, other.dataType)
    elif isinstance(expected, T.ArrayType) and isinstance(actual, T.ArrayType):
        check_type(f"{path}[]", actual.elementType, expected.elementType)
    elif isinstance(expected, T.MapType) and isinstance(actual, T.MapType):
        check_type(f"{path}{{key}}", actual.keyType, expected.keyType)
        check_type(f"{path}{{}}", actual.valueType, expected.valueType)
    elif actual != expected and type(expected) not in _WIDENS.get(type(actual), ()):
        raise ContractError(
            f"{path}: is {actual.simpleString()}, must be {expected.simpleString()}; "
            "cast it where it is made"
        )
