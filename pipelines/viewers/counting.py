"""The Flink job of an embedded run: all lanes over recorded messages, one sink a table."""

from pathlib import Path

from pipelines.core.flink import checkpoints_in
from pipelines.viewers import engine, lanes, tables
from pipelines.viewers.config import ViewersConfig
from pipelines.viewers.sources import Source

JOB = "viewer_analytics"


def run_lanes(
    source: Source, config: ViewersConfig, staged: Path, scratch: Path, needed: str | None = None
) -> None:
    """The Flink job: all lanes over the source, one sink a table.

    Args:
        source: messages.
        config: settings.
        staged: takes the tables.
        scratch: takes checkpoints.
        needed: condition on the messages to read, as SQL; all of them when None.
    """
    checkpoints = checkpoints_in(scratch / "checkpoints")
    opened = engine.open_engine(JOB, config.flink, checkpoints)
    disorder = config.windows.disorder_seconds
    opened.execute_sql(
        engine.messages_in_files("arrivals", source.folder, disorder, source.horizon_ms)
    )
    messages = "SELECT * FROM arrivals" + (f" WHERE {needed}" if needed else "")  # noqa: S608
    engine.define(opened, [("messages", messages), *lanes.all_views(config)])
    for table, columns in tables.TABLES.items():
        opened.execute_sql(engine.rows_to_files(table, columns, staged.resolve().as_uri()))
    engine.run_together(opened, list(lanes.table_inserts().values()))
