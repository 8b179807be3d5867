"""Messages to records in Spark: native decoding, and a second opinion on what looks wrong.

`from_avro` runs in the JVM but forgives bytes left over and turns a broken body into a record of
nulls. So each body gets eight bytes behind it, and its schema a last field that reads them: where
that field holds others, bytes were left over. A message is doubtful when this is so or its event_id
is null; the few doubtful ones go to the Python codec, which decides.
"""

import json
from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.avro.functions import from_avro

from pipelines.core.contract_store import Contract, get_contract
from pipelines.core.wire import contracts_by_id

CODE, RECORD, DOUBTFUL = "error_code", "record", "is_doubtful"
HEAD_BYTES = 5
END = "_end"
MARK = bytes.fromhex("9d1fe23a07c455b8")
"""Any eight bytes of which no end is a beginning."""


def source_options(servers: str, topic: str, wait_seconds: float) -> dict[str, str]:
    """Options of Spark's Kafka source, for a stream and for a bounded read alike.

    Args:
        servers: bootstrap servers.
        topic: the one topic.
        wait_seconds: until the broker must answer.
    """
    wait_ms = str(int(wait_seconds * 1000))
    return {
        "kafka.bootstrap.servers": servers,
        "kafka.isolation.level": "read_committed",
        "kafka.request.timeout.ms": wait_ms,
        "kafka.default.api.timeout.ms": wait_ms,
        "subscribe": topic,
        "includeHeaders": "true",
        "failOnDataLoss": "true",
    }


def tag_messages(raw: DataFrame, subject: str) -> DataFrame:
    """Decode the frames of a topic.

    Args:
        raw: columns of Spark's Kafka source, headers included.
        subject: contract of the topic.

    Returns:
        The frame with `record` (as the newest contract has it, and `END` last), `error_code` of
        what the frame alone tells, else null, and `is_doubtful` for messages the Python codec must
        look at.
    """
    versions = {n: c for n, c in contracts_by_id().items() if c.subject == subject}
    newest = get_contract(subject)
    head, body = F.substring("value", 1, HEAD_BYTES), F.expr(f"substring(value, {HEAD_BYTES + 1})")
    framed = raw.withColumn("_head", head).withColumn("_body", F.concat(body, F.lit(MARK)))
    coded = framed.withColumn(CODE, _frame_error(sorted(versions)))
    decoded = coded.withColumn(RECORD, _by_version(versions, newest))
    record = F.col(RECORD)
    is_whole = record["event_id"].isNotNull() & (record[END] == F.lit(MARK))
    is_timely = F.col("timestamp") == record["event_time"]
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


def _by_version(versions: Mapping[int, Contract], newest: Contract) -> Column:
    """One expression per schema id; a message passes through its own alone."""
    chosen: Column | None = None
    for number, contract in versions.items():
        is_it, value = F.col("_head") == F.lit(_head(number)), _read(contract, newest)
        chosen = F.when(is_it, value) if chosen is None else chosen.when(is_it, value)
    assert chosen is not None  # noqa: S101 (get_contract has found a version)
    return chosen


def _read(contract: Contract, newest: Contract) -> Column:
    options = {"mode": "PERMISSIVE"}
    if contract.version != newest.version:
        options["avroSchema"] = _marked(newest)
    return from_avro(F.col("_body"), _marked(contract), options)


def _marked(contract: Contract) -> str:
    """The schema with the field that reads the bytes behind a record."""
    mark = {"type": "fixed", "name": "End", "size": len(MARK)}
    fields = [*contract.schema["fields"], {"name": END, "type": mark}]
    return json.dumps({**contract.schema, "fields": fields})
