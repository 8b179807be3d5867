"""Column types that a mapping can use; others are refused before any row is read."""

from pyspark.sql import types as T

from pipelines.core.errors import ConfigError
from pipelines.dedup.mapping import Mapping

_MOMENT = (T.StringType, T.DateType, T.TimestampType, T.TimestampNTZType)
_PLAIN = (*_MOMENT, T.NumericType, T.BooleanType)
_CAPTURE = {"position", "quality", "minutiae", "iris_code", "iris_mask"}


def check_types(mapping: Mapping, schema: T.StructType, origin: str) -> None:
    """Hold the columns of an input against what the mapping makes of them.

    Raises:
        ConfigError: names the key of the mapping, the column, its type and what is needed.
    """
    wanted = {f"fields.{name}.column": spec.column for name, spec in mapping.fields.items()}
    wanted |= {"id": mapping.id, "status": mapping.status or "", "source": mapping.source or ""}
    for key, column in wanted.items():
        if column and not isinstance(schema[column].dataType, _PLAIN):
            raise _wrong(origin, key, schema[column], "text, a number or a date")
    if mapping.time and not isinstance(schema[mapping.time].dataType, _MOMENT):
        raise _wrong(origin, "time", schema[mapping.time], "a timestamp, a date or ISO 8601 text")
    if mapping.captures and not _holds_captures(schema[mapping.captures].dataType):
        needed = f"an array of structs with {', '.join(sorted(_CAPTURE))}"
        raise _wrong(origin, "captures", schema[mapping.captures], needed)


def _holds_captures(kind: T.DataType) -> bool:
    if not (isinstance(kind, T.ArrayType) and isinstance(kind.elementType, T.StructType)):
        return False
    return set(kind.elementType.names) >= _CAPTURE


def _wrong(origin: str, key: str, field: T.StructField, needed: str) -> ConfigError:
    found = field.dataType.simpleString()
    shown = found if len(found) <= 60 else found[:57] + "..."
    return ConfigError(f"{origin}: {key}: column {field.name} is {shown}; {needed} is needed")
