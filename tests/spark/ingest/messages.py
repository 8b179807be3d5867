"""Messages as Spark's Kafka source gives them."""

import datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from pipelines.core.wire import Wire
from pipelines.produce.samples import sample_records

KAFKA = T.StructType(
    [
        T.StructField("key", T.BinaryType()), T.StructField("value", T.BinaryType()),
        T.StructField("topic", T.StringType()), T.StructField("partition", T.IntegerType()),
        T.StructField("offset", T.LongType()), T.StructField("timestamp", T.TimestampType()),
        T.StructField("headers", T.ArrayType(T.StructType([
            T.StructField("key", T.StringType()), T.StructField("value", T.BinaryType())]))),
    ]
)  # fmt: skip
WIRE = Wire("upi.Transaction")


def messages(spark: SparkSession, values: list[tuple[bytes | None, int]], topic: str) -> DataFrame:
    rows = [
        (b"k", value, topic, 0, place, moment(ms), [("h", b"1")])
        for place, (value, ms) in enumerate(values)
    ]
    return spark.createDataFrame(rows, KAFKA)


def moment(ms: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(0, datetime.UTC) + datetime.timedelta(milliseconds=ms)


def sent(number: int) -> list[tuple[bytes | None, int]]:
    records = sample_records("upi.Transaction", number)
    return [(WIRE.encode(record), record["event_time"]) for record in records]
