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
    "table.optimizer.agg-phase-strategy": "ONE_PHASE",  # batches are not combined from parts
}
"""Flink keys on top of those of the house."""

JAVA = Path(__file__).parent / "java"
FUNCTIONS = {
    "gather_messages": "sangam.fraud.GatherMessages",
    "scatter_outcomes": "sangam.fraud.ScatterOutcomes",
}
"""A batch of messages as one run of bytes, and rows out of a run of outcomes."""

BATCHES = """
SELECT bucket,
  ROW(bucket, gather_messages(
    message_key, message_value, kafka_partition, kafka_offset, time_ms, attempt)) AS batch
FROM TABLE(TUMBLE(TABLE arriving, DESCRIPTOR({moment}), INTERVAL '{seconds}' SECOND))
GROUP BY bucket, window_start, window_end
"""
"""A batch is what arrived of a few partitions within a window; each in the order of its offsets."""

OUTCOMES_VIEW = """
SELECT kind, message_key, message_value, time_ms, lateness_ms
FROM decided CROSS JOIN LATERAL TABLE(scatter_outcomes(outcomes))
"""


def decide_stream(
    tables: "Tables", config: UpiConfig, make_decider: Callable[[], Decider],
    moment: str,
) -> None:  # fmt: skip
    """Make the view `outcomes` of the tables `messages` and `reference_messages`.

    Args:
        tables: environment; `messages` has `RAW_COLUMNS`, `reference_messages` tag, key and value.
        config: settings.
        make_decider: builds what decides, on the worker.
        moment: time column of `messages` that forms the batches.
    """
    from pipelines.upi_fraud.flink import KEYED_BATCH, DecideBatch, decide_batches

    create_functions(tables, functions_jar("fraud", JAVA), FUNCTIONS)
    arriving = (
        f"SELECT MOD(kafka_partition, {config.batch.buckets}) AS bucket, message_key,"  # noqa: S608
        f" message_value, kafka_partition, kafka_offset, time_ms, attempt, {moment} FROM messages"
    )
    tables.create_temporary_view("arriving", tables.sql_query(arriving))
    seconds = f"{config.batch.window_ms / 1000:.3f}"
    batches = tables.sql_query(BATCHES.format(moment=moment, seconds=seconds))
    reference = tables.sql_query("SELECT tag, message_key, message_value FROM reference_messages")
    function = DecideBatch(make_decider, config.times.state_ttl_days, config.batch.cached_payers)
    decided = decide_batches(
        tables.to_append_stream(batches, KEYED_BATCH), tables.to_data_stream(reference), function
    )
    tables.create_temporary_view("decided", decided)
    tables.create_temporary_view("outcomes", tables.sql_query(OUTCOMES_VIEW))
