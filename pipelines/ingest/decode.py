"""Messages to records in Spark: native decoding, and a second opinion on what looks wrong.

`from_avro` runs in the JVM but forgives bytes left over and turns a broken body into a record of
nulls. So a message is doubtful when its event_id is null or when its record, encoded again, has
another length; the few doubtful ones go to the Python codec, which decides.
"""

import json
from collections.abc import Callable, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.avro.functions import from_avro, to_avro

from pipelines.core.contract_store import Contract, get_contract
from pipelines.core.wire import contracts_by_id

CODE, RECORD, DOUBTFUL = "error_code", "record", "is_doubtful"
HEAD_BYTES = 5

MakeColumn = Callable[[Contract, Contract], Column]


def tag_messages(raw: DataFrame, subject: str) -> DataFrame:
    """Decode the frames of a topic.

    Args:
        raw: columns of Spark's Kafka source, headers included.
        subject: contract of the topic.

    Returns:
        The frame with `record` (as the newest contract has it), `error_code` of what the frame
        alone tells, else null, and `is_doubtful` for messages the Python codec must look at.
    """
    versions = {n: c for n, c in contracts_by_id().items() if c.subject == subject}
    newest = get_contract(subject)
    head, body = F.substring("value", 1, HEAD_BYTES), F.expr(f"substring(value, {HEAD_BYTES + 1})")
    framed = raw.withColumn("_head", head).withColumn("_body", body)
    coded = framed.withColumn(CODE, _frame_error(sorted(versions)))
    decoded = coded.withColumn(RECORD, _by_version(versions, newest, _read))
    length = _by_version(versions, newest, _encoded_length)
    is_whole = (F.col(f"{RECORD}.event_id").isNotNull()) & (length == F.length("_body"))
    is_timely = F.col("timestamp") == F.col(f"{RECORD}.event_time")
    doubtful = F.col(CODE).isNotNull() | ~F.coalesce(is_whole & is_timely, F.lit(False))
    return decoded.withColumn(DOUBTFUL, doubtful).drop("_head", "_body")


def _frame_error(allowed: Sequence[int]) -> Column:
    known = [_head(number) for number in contracts_by_id()]
    first = F.substring("value", 1, 1)
    return (
        F.when(F.coalesce(F.length("value"), F.lit(0)) < HEAD_BYTES, "E_SHORT")
        .when(first != F.lit(b"\0"), "E_MAGIC")
        .when(~F.col("_head").isin(*known), "E_SCHEMA_ID")
        .when(~F.col("_head").isin(*[_head(number) for number in allowed]), "E_SUBJECT")
    )


def _head(schema_id: int) -> bytes:
    return b"\0" + schema_id.to_bytes(4, "big")


def _by_version(versions: dict[int, Contract], newest: Contract, make: MakeColumn) -> Column:
    """One expression per schema id; a message passes through its own alone."""
    chosen: Column | None = None
    for number, contract in versions.items():
        is_it, value = F.col("_head") == F.lit(_head(number)), make(contract, newest)
        chosen = F.when(is_it, value) if chosen is None else chosen.when(is_it, value)
    assert chosen is not None  # noqa: S101 (get_contract has found a version)
    return chosen


def _read(contract: Contract, newest: Contract) -> Column:
    options = {"mode": "PERMISSIVE"}
    if contract.version != newest.version:
        options["avroSchema"] = json.dumps(newest.schema)
    return from_avro(F.col("_body"), json.dumps(contract.schema), options)


def _encoded_length(contract: Contract, _newest: Contract) -> Column:
    text = json.dumps(contract.schema)
    record = from_avro(F.col("_body"), text, {"mode": "PERMISSIVE"})
    # Required fields of a broken body are null, which the encoder would refuse.
    whole = F.when(record["event_id"].isNotNull(), record)
    return F.length(to_avro(whole, json.dumps(["null", contract.schema]))) - 1
