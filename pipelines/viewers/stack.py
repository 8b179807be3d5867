"""`--stack`: the same lanes on Kafka. Messages in; metrics, sessions, late and dead letters out.

Flink writes what it counts with exactly-once transactions. `live.py` has the impatient lane beside
it, a job of its own.
"""

from pathlib import Path

from pipelines.core import endpoints
from pipelines.core.config import PROJECT_ROOT
from pipelines.core.flink import checkpoints_in
from pipelines.core.flink_tables import raw_sink
from pipelines.core.machine import git_state
from pipelines.viewers import engine, lanes, tables, topics
from pipelines.viewers.config import ViewersConfig

JOB = "viewer_analytics"
EXITS = {"STOP": 1, "TIMEOUT": 2, "ERROR": 3}
LAKE_TABLES = ("metrics", "sessions", "suspects")
FURTHER = ("kafka_partition", "kafka_offset", "kafka_headers")


def start_lanes(
    config: ViewersConfig, checkpoints: Path, is_bounded: bool, lake: str | None = None
) -> engine.Job:
    """Start the Flink job on the topics.

    Args:
        config: settings.
        checkpoints: folder for checkpoints, unless `state_uri` says where.
        is_bounded: end at the offsets that are last now.
        lake: URI of a folder that takes `LAKE_TABLES` as Parquet, each file complete with the
            checkpoint that ends it.

    Returns:
        The running job.
    """
    servers = endpoints.kafka_servers()
    opened = engine.open_engine(JOB, config.flink, engine.kept_state(config, checkpoints))
    source, view = topics.events_source(servers, JOB, config.windows.disorder_seconds, is_bounded)
    opened.execute_sql(source)
    engine.define(opened, [view, *lanes.exact_views(config, *FURTHER)])
    _make_sinks(opened, servers, config)
    inserts = _inserts(config)
    if lake is not None:
        inserts += _add_lake(opened, lake)
    return engine.start_together(opened, inserts)


def _add_lake(opened: engine.Engine, lake: str) -> list[str]:
    """Parquet sinks beside the topics; returns their inserts."""
    for name in LAKE_TABLES:
        columns = tables.TABLES[name]
        opened.execute_sql(engine.rows_to_files(name, columns, f"{lake.rstrip('/')}/viewer_stream"))
    return [insert for name, insert in lanes.table_inserts().items() if name in LAKE_TABLES]


def _make_sinks(opened: engine.Engine, servers: str, config: ViewersConfig) -> None:
    facts = (
        ("metrics_facts", topics.METRICS, "viewer.Metrics"),
        ("sessions_facts", topics.SESSIONS, "viewer.Session"),
        ("dead_letters", topics.DEAD, "ops.DlqEnvelope"),
    )
    for table, topic, subject in facts:
        opened.execute_sql(
            topics.facts_sink(table, topic, servers, subject, "exact", JOB, config.flink)
        )
    opened.execute_sql(raw_sink("late_messages", topics.LATE, servers, "exact", JOB, config.flink))


def _inserts(config: ViewersConfig) -> list[str]:
    version = str(git_state(PROJECT_ROOT).get("git_sha", "unknown"))
    lateness = int(config.windows.lateness_seconds * 1000)
    return [
        topics.metrics_insert("full", config.windows.viewer_sample > 1),
        topics.sessions_insert(lanes.region_name(), EXITS),
        topics.LATE_INSERT.format(lateness_ms=lateness),
        topics.dead_insert(version),
    ]


def load_topic(folder: Path, config: ViewersConfig, checkpoints: Path) -> None:
    """Send recorded messages to the topic, bytes and times unchanged, by Flink.

    Args:
        folder: Parquet files as `generate.write_match` makes them.
        config: settings.
        checkpoints: folder for checkpoints.
    """
    servers = endpoints.kafka_servers()
    opened = engine.open_engine(JOB, config.flink, checkpoints_in(checkpoints))
    opened.execute_sql(engine.messages_in_files("arrivals", folder, 0, FOREVER_MS))
    opened.execute_sql(raw_sink("sent", topics.EVENTS, servers, "prompt", JOB, config.flink))
    columns = "message_key, message_value, kafka_time, CAST(NULL AS MAP<STRING, BYTES>)"
    engine.run_together(opened, [f"INSERT INTO sent SELECT {columns} FROM arrivals"])  # noqa: S608


FOREVER_MS = 4_102_444_800_000
"""2100-01-01: a horizon that keeps no message back."""
