"""Batches cross the border between SQL and Python whole: what the JVM writes, Python reads."""

from itertools import chain

import pytest

from pipelines.core.flink import build_environment, flink_options
from pipelines.core.java_functions import create_functions, functions_jar
from pipelines.upi_fraud.batch_codec import read_messages, write_outcomes
from pipelines.upi_fraud.config import BatchSettings, UpiConfig
from pipelines.upi_fraud.decider import Kind, Outcome
from pipelines.upi_fraud.flink import gather
from pipelines.upi_fraud.hot_path import FUNCTIONS, JAVA
from pipelines.upi_fraud.payment import Raw


@pytest.fixture(scope="module")
def tables():
    made = build_environment(flink_options("test", UpiConfig().flink))
    create_functions(made, functions_jar("fraud", JAVA), FUNCTIONS)
    return made


def rows(tables, query):
    with tables.execute_sql(query).collect() as found:
        return list(found)


def gathered(tables, messages, most, linger_ms=60_000):
    settings = BatchSettings(buckets=2, most_payments=most, linger_ms=linger_ms)
    jar = functions_jar("fraud", JAVA)
    batches = gather(tables, tables.sql_query(messages), jar, settings)
    tables.create_temporary_view("batches", batches)
    try:
        return rows(tables, "SELECT * FROM batches")
    finally:
        tables.drop_temporary_view("batches")


def test_messages_cross_with_null_keys_and_empty_values(tables):
    messages = """SELECT 1 AS bucket, k, v, part, place, moment, CAST(attempt AS STRING)
        FROM (VALUES
          (CAST(X'6140' AS BYTES), CAST(X'00FF80' AS BYTES), 3, 1099511627776, 1700000000000, '-'),
          (CAST(NULL AS BYTES), CAST(X'' AS BYTES), 3, 1099511627777, -1, '2'),
          (CAST(X'62' AS BYTES), CAST(NULL AS BYTES), 3, 1099511627778, 0, '3'))
        AS messages (k, v, part, place, moment, attempt)"""
    ((_, (bucket, data)),) = gathered(tables, messages, most=10)
    assert bucket == 1
    assert read_messages(bytes(data)) == [
        Raw(3, 2**40, 1_700_000_000_000, b"a@", b"\x00\xff\x80", b"-"),
        Raw(3, 2**40 + 1, -1, None, b"", b"2"),
        Raw(3, 2**40 + 2, 0, b"b", None, b"3"),
    ]


def test_a_full_batch_leaves_and_the_rest_follows_at_the_end(tables):
    """A minute of linger: nothing leaves because of the time."""
    messages = """SELECT CAST(MOD(n, 2) AS INT), CAST(NULL AS BYTES), CAST(X'61' AS BYTES),
        CAST(MOD(n, 2) AS INT), n, n, CAST('' AS STRING)
        FROM (SELECT CAST(n AS BIGINT) AS n FROM UNNEST(ARRAY[0, 1, 2, 3, 4, 5, 6]) AS made (n))"""
    batches = [
        (bucket, [one.offset for one in read_messages(bytes(data))])
        for _, (bucket, data) in gathered(tables, messages, most=3)
    ]
    assert batches == [(0, [0, 2, 4]), (1, [1, 3, 5]), (0, [6])]


def test_what_waits_leaves_when_its_time_is_over(tables):
    """Twenty messages a second: more than one batch, although none is ever full."""
    tables.execute_sql(
        "CREATE TEMPORARY TABLE ticks (n BIGINT) WITH ('connector' = 'datagen',"
        " 'fields.n.kind' = 'sequence', 'fields.n.start' = '0', 'fields.n.end' = '29',"
        " 'rows-per-second' = '20')"
    )
    messages = "SELECT 0, CAST(NULL AS BYTES), CAST(X'61' AS BYTES), 0, n, n, '' FROM ticks"
    batches = [
        [one.offset for one in read_messages(bytes(data))]
        for _, (_, data) in gathered(tables, messages, most=1_000, linger_ms=20)
    ]
    assert len(batches) > 1
    assert list(chain.from_iterable(batches)) == list(range(30))


def test_outcomes_become_rows_in_their_order(tables):
    outcomes = [
        Outcome(Kind.ALERT, b"T1", b"\xff" * 300, 2**40, 0),
        Outcome(Kind.LATE, b"", b"late", -3, 2**33),
    ]
    packed = write_outcomes(outcomes).hex()
    found = rows(
        tables,
        "SELECT kind, message_key, message_value, time_ms, lateness_ms"  # noqa: S608 (hexadecimal)
        f" FROM (VALUES (CAST(X'{packed}' AS BYTES))) AS decided (outcomes)"
        " CROSS JOIN LATERAL TABLE(scatter_outcomes(outcomes))",
    )
    assert [(k, bytes(key), bytes(value), *rest) for k, key, value, *rest in found] == [
        tuple(one) for one in outcomes
    ]
