"""Batches cross the border between SQL and Python whole: what the JVM writes, Python reads."""

import pytest

from pipelines.core.flink import build_environment, flink_options
from pipelines.core.java_functions import create_functions, functions_jar
from pipelines.upi_fraud.batch_codec import read_messages, write_outcomes
from pipelines.upi_fraud.config import UpiConfig
from pipelines.upi_fraud.decider import Kind, Outcome
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


def test_messages_cross_with_null_keys_and_empty_values(tables):
    *_, (_, data) = rows(
        tables,
        """SELECT part, gather_messages(k, v, part, place, moment, CAST(attempt AS STRING))
        FROM (VALUES
          (CAST(X'6140' AS BYTES), CAST(X'00FF80' AS BYTES), 3, 1099511627776, 1700000000000, '-'),
          (CAST(NULL AS BYTES), CAST(X'' AS BYTES), 3, 1099511627777, -1, '2'),
          (CAST(X'62' AS BYTES), CAST(NULL AS BYTES), 3, 1099511627778, 0, '3'))
        AS messages (k, v, part, place, moment, attempt) GROUP BY part""",
    )
    assert read_messages(bytes(data)) == [
        Raw(3, 2**40, 1_700_000_000_000, b"a@", b"\x00\xff\x80", b"-"),
        Raw(3, 2**40 + 1, -1, None, b"", b"2"),
        Raw(3, 2**40 + 2, 0, b"b", None, b"3"),
    ]


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
