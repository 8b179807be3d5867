"""Contracts in Spark: types, bytes equal to the Python codec, and `conform`."""

import datetime
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.avro.functions import from_avro, to_avro

from pipelines.core.contracts import Contract, conform, get_contract, load_contracts, spark_schema
from pipelines.core.errors import ContractError
from pipelines.core.schema_lock import golden_bodies, golden_path, golden_records

CONTRACTS = [one for versions in load_contracts().values() for one in versions.values()]


def schema_text(contract: Contract) -> str:
    return (golden_path(contract, "avsc").parents[4] / "schemas" / contract.file).read_text("utf-8")


def sample_frame(spark: SparkSession, subject: str, version: int | None = None) -> DataFrame:
    records = golden_records(get_contract(subject, version))
    schema = spark_schema(subject, version)
    rows = [tuple(record[name] for name in schema.names) for record in records]
    return spark.createDataFrame(rows, schema)


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda one: one.key)
def test_spark_writes_and_reads_the_golden_bytes(spark: SparkSession, contract: Contract) -> None:
    frame, text = (
        sample_frame(spark, contract.subject, contract.version).coalesce(1),
        schema_text(contract),
    )
    bodies = golden_bodies(contract)
    written = frame.select(to_avro(F.struct("*"), text).alias("body")).collect()
    assert [bytes(row["body"]) for row in written] == bodies
    raw = spark.createDataFrame([(body,) for body in bodies], "body binary")
    read = raw.select(from_avro("body", text).alias("r")).select("r.*")
    found = conform(read, contract.subject, contract.version).union(frame).collect()
    assert found[: len(bodies)] == found[len(bodies) :]


def test_types_of_an_event(spark: SparkSession) -> None:
    schema = spark_schema("identity.Enrolment")
    assert schema["event_time"].dataType == T.TimestampType()
    assert not schema["event_time"].nullable
    assert schema["date_of_birth"].dataType == T.DateType()
    assert schema["date_of_birth"].nullable
    assert schema["status"].dataType == T.StringType()
    captures = schema["captures"].dataType
    assert isinstance(captures, T.ArrayType)
    assert not captures.containsNull
    minutiae = captures.elementType["minutiae"].dataType
    assert minutiae.elementType["x"].dataType == T.IntegerType()
    assert captures.elementType["iris_code"].dataType == T.BinaryType()
    assert spark_schema("identity.SimilarityPair")["weights"].dataType == T.MapType(
        T.StringType(), T.DoubleType(), valueContainsNull=False
    )


def test_conform_selects_orders_and_widens(spark: SparkSession) -> None:
    frame = sample_frame(spark, "identity.GoldenRecord")
    mixed = frame.select(
        F.lit("x").alias("stray"),
        F.col("completeness").cast("float").alias("completeness"),
        F.col("members").cast("smallint").alias("members"),
        *[name for name in reversed(frame.columns) if name not in ("completeness", "members")],
    )
    tidy = conform(mixed, "identity.GoldenRecord")
    assert tidy.columns == frame.columns
    assert tidy.schema.simpleString() == frame.schema.simpleString()
    assert tidy.collect() == frame.collect()
    assert "Records of the person" in tidy.schema["members"].metadata["comment"]


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("members", None, r"GoldenRecord\.members: the column is missing"),
        ("members", "cast(1 as bigint)", r"members: is bigint, must be int"),
        ("completeness", "'0.5'", r"completeness: is string, must be double"),
        ("values", "map('a', 1)", r"values\{\}: is int, must be string"),
    ],
)
def test_conform_names_the_column(
    spark: SparkSession, column: str, value: str | None, words: str
) -> None:
    frame = sample_frame(spark, "identity.GoldenRecord")
    broken = frame.withColumn(column, F.expr(value)) if value else frame.drop(column)
    with pytest.raises(ContractError, match=words):
        conform(broken, "identity.GoldenRecord")


def test_conform_names_the_nested_field(spark: SparkSession) -> None:
    frame = sample_frame(spark, "identity.Enrolment")
    doubled = F.transform("captures", lambda c: c.withField("quality", c["quality"].cast("string")))
    with pytest.raises(ContractError, match=r"captures\[\]\.quality: is string, must be int"):
        conform(frame.withColumn("captures", doubled), "identity.Enrolment")
    cut = F.transform("captures", lambda c: c.dropFields("iris_mask"))
    with pytest.raises(ContractError, match=r"captures\[\]: has fields"):
        conform(frame.withColumn("captures", cut), "identity.Enrolment")


def test_an_unknown_symbol_reads_as_unknown(spark: SparkSession) -> None:
    contract = get_contract("identity.Enrolment")
    newer = schema_text(contract).replace('"DECEASED"', '"DECEASED", "PAUSED"')
    frame = sample_frame(spark, contract.subject).withColumn("status", F.lit("PAUSED"))
    body = to_avro(F.struct("*"), newer)
    read = from_avro(body, newer, {"mode": "PERMISSIVE", "avroSchema": schema_text(contract)})
    assert {
        row["status"] for row in frame.select(read.alias("r")).select("r.status").collect()
    } == {"UNKNOWN"}


def test_times_are_utc_instants(spark: SparkSession) -> None:
    frame = sample_frame(spark, "identity.DedupStats")
    started: Any = frame.select(F.unix_millis("started_at")).first()
    moment = datetime.datetime(2026, 1, 1, 5, 30, 0, 123000, tzinfo=datetime.UTC)
    assert started[0] == int(moment.timestamp() * 1000)
