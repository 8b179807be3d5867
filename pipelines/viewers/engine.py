"""Runs the SQL of this job: an environment with the functions, views, sinks, one statement set."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.core.flink import (
    FlinkSettings,
    build_environment,
    checkpoints_in,
    flink_options,
    stop_with_savepoint,
)
from pipelines.core.java_functions import create_functions
from pipelines.viewers import jvm
from pipelines.viewers.config import ViewersConfig
from pipelines.viewers.views import View
from pipelines.viewers.windows import seconds

Engine = Any
"""PyFlink's StreamTableEnvironment; `core/flink.py` alone imports PyFlink."""

Job = Any
"""PyFlink's TableResult of a submitted job."""

FUNCTIONS = {
    "viewer_events": jvm.DECODER,
    "quality_millis": jvm.TIMELINE,
    "viewing": jvm.VIEWING,
}
PARQUET = (
    "'format' = 'parquet', 'parquet.utc-timezone' = 'true',"
    " 'parquet.write.int64.timestamp' = 'true', 'parquet.timestamp.time.unit' = 'millis'"
)
"""Moments as whole milliseconds of UTC, whatever the time zone of the machine."""

TUNING = {
    "table.exec.window-agg.buffer-size-limit": "200000",
    "taskmanager.memory.managed.size": "1g",
}


def open_engine(job: str, settings: FlinkSettings, extra: Mapping[str, str] = {}) -> Engine:
    """An environment that knows the job's functions.

    Raises:
        DependencyError: the functions cannot be compiled.
    """
    jar = jvm.functions_jar()
    engine = build_environment(flink_options(job, settings) | TUNING | dict(extra))
    create_functions(engine, jar, FUNCTIONS)
    return engine


def kept_state(config: ViewersConfig, folder: Path) -> dict[str, str]:
    """Options of a job that may be stopped and go on later.

    Args:
        config: says where state is kept, and what to begin with.
        folder: takes checkpoints where nothing is said.
    """
    found = checkpoints_in(folder)
    if config.state_uri is not None:
        found["execution.checkpointing.dir"] = f"{config.state_uri.rstrip('/')}/checkpoints"
    if config.restore_from is not None:
        found["execution.state-recovery.path"] = config.restore_from
    return found


def define(engine: Engine, views: Sequence[View]) -> None:
    """Register views as tables, not as texts.

    A text would be planned anew wherever it is used, with other names inside; a table keeps its
    plan, so that lanes which read the same view share one decoder and one aggregation.
    """
    for name, query in views:
        engine.create_temporary_view(name, engine.sql_query(query))


def messages_in_files(table: str, folder: Path, disorder_seconds: float, horizon_ms: int) -> str:
    """DDL of a bounded topic: Parquet files, one a partition, each in order of arrival.

    Args:
        table: name of the table.
        folder: the files.
        disorder_seconds: delay of the watermark.
        horizon_ms: events after this moment do not move the watermark.
    """
    return f"""
CREATE TEMPORARY TABLE {table} (
  message_key BYTES, message_value BYTES, kafka_time TIMESTAMP_LTZ(3),
  event_at AS CASE WHEN kafka_time > TO_TIMESTAMP_LTZ({horizon_ms}, 3)
    THEN TO_TIMESTAMP_LTZ(0, 3) ELSE kafka_time END,
  WATERMARK FOR event_at AS event_at - {seconds(disorder_seconds)}
) WITH ('connector' = 'filesystem', 'path' = '{folder.as_uri()}', {PARQUET})"""


def rows_to_files(table: str, columns: str, folder: str) -> str:
    """DDL of a sink of Parquet files, complete when a checkpoint or the run ends.

    Args:
        table: name of the table, and of its folder.
        columns: names and types.
        folder: URI of the folder that takes it.
    """
    return (
        f"CREATE TEMPORARY TABLE {table}_table ({columns}) WITH ('connector' = 'filesystem',"
        f" 'path' = '{folder}/{table}', {PARQUET})"
    )


def start_together(engine: Engine, inserts: Sequence[str]) -> Job:
    """Start inserts as one job, which reads each source once."""
    together = engine.create_statement_set()
    for insert in inserts:
        together.add_insert_sql(insert)
    return together.execute()


def cancel(job: Job) -> None:
    """Stop a running job and wait until it is gone."""
    client = job.get_job_client()
    if client is not None:
        client.cancel().result()


def end(job: Job, config: ViewersConfig) -> None:
    """Stop a running job; where state is kept, with a savepoint, whose place is told."""
    if config.state_uri is None:
        cancel(job)
        return
    savepoint = stop_with_savepoint(job, f"{config.state_uri.rstrip('/')}/savepoints")
    print(f"savepoint: {savepoint}", file=sys.stderr)


def run_together(engine: Engine, inserts: Sequence[str]) -> None:
    """Run inserts as one job and wait for its end."""
    start_together(engine, inserts).wait()
