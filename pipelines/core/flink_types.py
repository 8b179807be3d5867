"""Contracts in Flink: column lists of DDL and row types made from the `.avsc` files.

The only place that builds either for a contract (rule R10). Every name is quoted, because contracts
use words such as `partition`. Importing this module loads no engine.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.core.contract_store import SCHEMAS, get_contract
from pipelines.core.contract_tree import inner_type, split_null
from pipelines.core.errors import ContractError

if TYPE_CHECKING:
    from pyflink.common import TypeInformation
    from pyflink.common.typeinfo import RowTypeInfo

Json = Any

FRAME_COLUMNS = tuple(f"frame_{place}" for place in range(5))
"""Columns of the wire DDL that swallow the frame: Avro reads one byte for each boolean."""

_SQL = {
    ("boolean", None): "BOOLEAN",
    ("int", None): "INT",
    ("int", "date"): "DATE",
    ("long", None): "BIGINT",
    ("long", "timestamp-millis"): "TIMESTAMP_LTZ(3)",
    ("double", None): "DOUBLE",
    ("string", None): "STRING",
    ("string", "uuid"): "STRING",
    ("bytes", None): "BYTES",
    ("bytes", "decimal"): "DECIMAL(38, 0)",
    ("enum", None): "STRING",
}


def flink_columns(subject: str, version: int | None = None, root: Path = SCHEMAS) -> str:
    """Column list of a table that holds records of a contract, one column a line."""
    tree = get_contract(subject, version, root).tree
    return ",\n".join(_columns(tree))


def wire_columns(subject: str, version: int | None = None, root: Path = SCHEMAS) -> str:
    """Column list for Flink's format `avro` on framed messages (platform rule 1.4, native mode).

    Five booleans take the frame; an enum is read as its place and named by a computed column. The
    table needs `'avro.timestamp_mapping.legacy' = 'false'`.

    Raises:
        ContractError: an enum lies inside a nested type, where no column can be computed from it.
    """
    tree = get_contract(subject, version, root).tree
    lines = [f"`{name}` BOOLEAN NOT NULL" for name in FRAME_COLUMNS]
    for field in tree["fields"]:
        lines.extend(_wire_column(subject, field))
    return ",\n".join(lines)


def quoted(name: str) -> str:
    """An identifier as SQL takes it."""
    return "`" + name.replace("`", "``") + "`"


def _columns(record: Json) -> Iterator[str]:
    for field in record["fields"]:
        yield f"{quoted(field['name'])} {_sql_type(field['type'])}"


def _wire_column(subject: str, field: Json) -> Iterator[str]:
    name, avro = field["name"], field["type"]
    if isinstance(avro, dict) and avro["type"] == "enum":
        cases = " ".join(f"WHEN {n} THEN '{s}'" for n, s in enumerate(avro["symbols"]))
        place = quoted(f"{name}_place")
        yield f"{place} INT NOT NULL"
        yield f"{quoted(name)} AS CASE {place} {cases} ELSE 'UNKNOWN' END"
        return
    if _holds_enum(avro):
        raise ContractError(
            f"{subject}.{name}: an enum inside a nested type needs the guarded mode"
        )
    yield f"{quoted(name)} {_sql_type(avro)}"


def _holds_enum(avro: Json) -> bool:
    inner, _ = inner_type(split_null(avro)[0], "")
    if not isinstance(inner, dict):
        return False
    fields = inner.get("fields", ())
    return inner["type"] == "enum" or any(_holds_enum(field["type"]) for field in fields)


def _sql_type(avro: Json) -> str:
    """SQL type with its nullability."""
    avro, is_nullable = split_null(avro)
    return _sql_name(avro) + ("" if is_nullable else " NOT NULL")


def _sql_name(avro: Json) -> str:
    if isinstance(avro, str):
        return _SQL[avro, None]
    if avro["type"] == "record":
        return f"ROW<{', '.join(_columns(avro))}>"
    if avro["type"] == "array":
        return f"ARRAY<{_sql_type(avro['items'])}>"
    if avro["type"] == "map":
        return f"MAP<STRING NOT NULL, {_sql_type(avro['values'])}>"
    return _SQL[avro["type"], avro.get("logicalType")]


def flink_row_type(subject: str, version: int | None = None, root: Path = SCHEMAS) -> "RowTypeInfo":
    """Row type of a contract for DataStream: timestamps are epoch ms, days are epoch days."""
    return _row_type(get_contract(subject, version, root).tree)


def _row_type(record: Json) -> "RowTypeInfo":
    from pyflink.common import Types

    names = [field["name"] for field in record["fields"]]
    return Types.ROW_NAMED(names, [_type_info(field["type"]) for field in record["fields"]])


def _type_info(avro: Json) -> "TypeInformation":
    from pyflink.common import Types

    avro, _ = split_null(avro)
    kind = avro if isinstance(avro, str) else avro["type"]
    if kind == "record":
        return _row_type(avro)
    if kind == "array":
        return Types.OBJECT_ARRAY(_type_info(avro["items"]))
    if kind == "map":
        return Types.MAP(Types.STRING(), _type_info(avro["values"]))
    if kind == "bytes":
        is_decimal = not isinstance(avro, str) and avro.get("logicalType") == "decimal"
        return Types.BIG_DEC() if is_decimal else Types.PRIMITIVE_ARRAY(Types.BYTE())
    makers = {
        "boolean": Types.BOOLEAN, "int": Types.INT, "long": Types.LONG, "double": Types.DOUBLE,
        "string": Types.STRING, "enum": Types.STRING,
    }  # fmt: skip
    return makers[kind]()
