"""The hot path in Flink: messages, micro-batches formed by the JVM, the operator, the sinks."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.core.java_functions import create_functions, functions_jar
from pipelines.upi_fraud.config import UpiConfig
from pipelines.upi_fraud.decider import Decider

if TYPE_CHECKING:
    from pipelines.upi_fraud.flink import Tables

HOT_OPTIONS = {
    "taskmanager.network.memory.buffers-per-channel": "1",
    "taskmanager.network.memory.floating-buffers-per-gate": "1",
    "taskmanager.network.memory.max-buffers-per-channel": "2",
}
"""Flink keys on top of those of the house: batches that wait for the operator wait where they grow,
not in the network, as a large batch costs less for each payment."""

JAVA = Path(__file__).parent / "java"
FUNCTIONS = {"scatter_outcomes": "sangam.fraud.ScatterOutcomes"}
"""Rows out of the outcomes of a batch, which are one run of bytes."""
OUTCOMES_VIEW = """
SELECT kind, message_key, message_value, time_ms, lateness_ms
FROM decided CROSS JOIN LATERAL TABLE(scatter_outcomes(outcomes))
"""


def decide_stream(tables: "Tables", config: UpiConfig, make_decider: Callable[[], Decider]) -> None:
    """Make the view `outcomes` of the tables `messages` and `reference_messages`.

    Args:
        tables: environment; `messages` has `RAW_COLUMNS`, `reference_messages` tag, key and value.
        config: settings.
        make_decider: builds what decides, on the worker.
    """
    from pipelines.upi_fraud.flink import DecideBatch, decide_batches, gather

    jar, batch = functions_jar("fraud", JAVA), config.batch
    create_functions(tables, jar, FUNCTIONS)
    arriving = tables.sql_query(
        f"SELECT MOD(kafka_partition, {batch.buckets}) AS bucket, message_key, message_value,"  # noqa: S608
        " kafka_partition, kafka_offset, time_ms, attempt FROM messages"
    )
    reference = tables.sql_query("SELECT tag, message_key, message_value FROM reference_messages")
    function = DecideBatch(make_decider, config.times.state_ttl_days, batch.cached_payers)
    decided = decide_batches(
        gather(tables, arriving, jar, batch), tables.to_data_stream(reference), function
    )
    tables.create_temporary_view("decided", decided)
    tables.create_temporary_view("outcomes", tables.sql_query(OUTCOMES_VIEW))
