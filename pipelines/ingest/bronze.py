"""Rows of a bronze table: the record, tokenised, and where it stood in Kafka."""

from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.functions import arrow_udf

from pipelines.core.contract_store import get_contract
from pipelines.core.contract_tree import Node, walk
from pipelines.core.contracts import spark_schema
from pipelines.core.errors import ContractError
from pipelines.core.messages import DOUBTFUL, RECORD
from pipelines.core.privacy import Tokeniser

DAY = "event_date"
KAFKA = "_kafka"
INDIA_HOURS = 5.5

ORIGIN = T.StructType(
    [
        T.StructField("kafka_partition", T.IntegerType(), False),
        T.StructField("kafka_offset", T.LongType(), False),
        T.StructField("kafka_time", T.TimestampType(), False),
        T.StructField(
            "kafka_headers",
            T.ArrayType(
                T.StructType(
                    [
                        T.StructField("key", T.StringType()),
                        T.StructField("value", T.BinaryType()),
                    ]
                )
            ),
        ),
    ]
)
"""Columns every bronze table has after those of its contract."""


def open_records(tagged: DataFrame, subject: str) -> DataFrame:
    """The fields of each record as columns, for rules to look at.

    Args:
        tagged: messages as `tag_messages` gives them.
        subject: contract of the records.

    Returns:
        Columns of the newest contract, null where a message is doubtful, then `is_doubtful`, and
        `KAFKA`: where the message stood, its headers and its size in bytes.
    """
    place = F.struct("partition", "offset", "timestamp", "headers", F.length("value").alias("size"))
    fields = [F.col(RECORD)[name].alias(name) for name in spark_schema(subject).names]
    return tagged.select(*fields, DOUBTFUL, place.alias(KAFKA))


def bronze_rows(
    opened: DataFrame, subject: str, tokeniser: Tokeniser, more: Sequence[str] = ()
) -> DataFrame:
    """Rows as they are stored.

    Identifiers become tokens and fields to be dropped become null, as the contract says. The key
    of a message is not kept: it is a field of the record, and may be an identifier.

    Args:
        opened: good messages as `open_records` gives them.
        subject: contract of the records.
        tokeniser: key of the tokens.
        more: further columns to keep.

    Returns:
        Columns of the newest contract, `ORIGIN`, `event_date` (day in India), and `more`.

    Raises:
        ContractError: a field inside a nested type is to be tokenised or dropped.
    """
    treated = _treatments(subject)
    columns = []
    for field in spark_schema(subject).fields:
        column = F.col(field.name)
        columns.append(_treat(column, treated.get(field.name), field, tokeniser).alias(field.name))
    return opened.select(*columns, *_origin_columns(), _day_column().alias(DAY), *more)


def bronze_schema(subject: str) -> T.StructType:
    """Schema of a bronze table; all columns of a contract may be null in Parquet."""
    day = T.StructField(DAY, T.DateType())
    return T.StructType([*spark_schema(subject).fields, *ORIGIN.fields, day])


def _treatments(subject: str) -> dict[str, Node]:
    found = {}
    for node in walk(get_contract(subject).tree):
        if node.field.get("treatment") not in ("tokenise", "drop"):
            continue
        if node.depth:
            raise ContractError(f"{subject}.{node.path}: only top-level fields are tokenised here")
        found[node.name] = node
    return found


def _treat(column: Column, node: Node | None, field: T.StructField, tokeniser: Tokeniser) -> Column:
    if node is None:
        return column
    if node.field["treatment"] == "drop":
        return F.lit(None).cast(field.dataType)
    return token_column(column, tokeniser, is_address=node.name.endswith("_vpa"))


def token_column(column: Column, tokeniser: Tokeniser, is_address: bool = False) -> Column:
    """Tokens of a text column, by whole Arrow batches; null stays null.

    Args:
        column: identifiers.
        tokeniser: key of the tokens.
        is_address: payment addresses, which are compared in lower case and keep `@handle`.
    """
    make = _address_tokens if is_address else _tokens

    def tokens(values: pa.Array) -> pa.Array:  # typed: Spark reads the kind of function here
        found = pc.dictionary_encode(values)  # payers and viewers come again and again
        return make(found.dictionary, tokeniser).take(found.indices)

    tokenise: Callable[[Column], Column] = arrow_udf(tokens, "string")  # type: ignore[call-overload]
    return tokenise(column)


def _tokens(values: pa.Array, tokeniser: Tokeniser) -> pa.Array:
    return tokeniser.token_columns(values)[0]


def _address_tokens(values: pa.Array, tokeniser: Tokeniser) -> pa.Array:
    """Arrow lowers whole batches; Spark's own `lower` goes through ICU value by value."""
    lowered = pc.utf8_lower(values)
    handles = pc.extract_regex(lowered, "(?P<handle>@[a-z0-9.-]*)$").field("handle")
    tokens = _tokens(lowered, tokeniser)
    return pc.binary_join_element_wise(tokens, pc.fill_null(handles, ""), "")


def _origin_columns() -> list[Column]:
    names = {
        "partition": "partition",
        "offset": "offset",
        "time": "timestamp",
        "headers": "headers",
    }
    return [F.col(KAFKA)[part].alias(f"kafka_{name}") for name, part in names.items()]


def _day_column() -> Column:
    """Business day in India, whatever the zone of the session."""
    shifted = F.unix_millis("event_time") + int(INDIA_HOURS * 3_600_000)
    return F.date_add(F.lit("1970-01-01").cast("date"), F.floor(shifted / 86_400_000).cast("int"))
