"""The topics of this job in Flink: messages in, framed facts out, all on the JVM (SQL).

The body of a fact is written by Flink's own Avro format from columns of the contract. The frame
before it is five more columns: four booleans are four zero bytes, and a whole number is the last
byte of the schema id, which Avro writes as one byte while the id is below 128.
"""
# ruff: noqa: S608

from collections.abc import Mapping

from pipelines.core.flink import FlinkSettings
from pipelines.core.flink_tables import Delivery, guarded_source, raw_sink
from pipelines.core.flink_types import FRAME_COLUMNS, wire_columns
from pipelines.core.wire import id_of
from pipelines.viewers import commands
from pipelines.viewers.views import View

EVENTS = "viewer.events.v1"
METRICS, SESSIONS, ALERTS = "viewer.metrics.v1", "viewer.sessions.v1", "viewer.alerts.v1"
COMMANDS = "viewer.quality-commands.v1"
LATE, DEAD = f"{EVENTS}.late", f"{EVENTS}.dlq"
INTERACTIONS, DEAD_INTERACTIONS = "viewer.interactions.v1", "viewer.interactions.v1.dlq"
CONTENTS, PREFERENCES = "viewer.ref-content.v1", "viewer.ref-preferences.v1"
ALL = (EVENTS, METRICS, SESSIONS, ALERTS, COMMANDS, LATE, DEAD)
"""Every topic that the lanes of the match read or write."""

_ONE_BYTE = 128


def events_source(
    servers: str, group: str, disorder_seconds: float, is_bounded: bool, since_ms: int | None = None
) -> tuple[str, View]:
    """DDL of the topic as raw bytes, and the view `messages` over it.

    Args:
        servers: bootstrap servers.
        group: consumer group.
        disorder_seconds: delay of the watermark.
        is_bounded: end at the offsets that are last when the job starts.
        since_ms: event time to begin at, epoch ms; None begins with the first event.
    """
    ddl = guarded_source("topic", EVENTS, servers, group, disorder_seconds, is_bounded, since_ms)
    query = """
SELECT message_key, message_value, CAST(kafka_time AS TIMESTAMP_LTZ(3)) AS kafka_time,
  kafka_time AS event_at, kafka_partition, kafka_offset, kafka_headers
FROM topic"""
    return ddl, ("messages", query)


def frame_values(subject: str) -> str:
    """Values of the frame's columns.

    Raises:
        ValueError: the wire id needs more than one byte.
    """
    number = id_of(subject)
    if number >= _ONE_BYTE:
        raise ValueError(f"{subject}: wire id {number} takes more than one byte of the frame")
    zigzag = number // 2 if number % 2 == 0 else -(number + 1) // 2
    return ", ".join(["FALSE"] * 4 + [str(zigzag)])


def facts_sink(
    table: str, topic: str, servers: str, subject: str, delivery: Delivery, job: str,
    settings: FlinkSettings,
) -> str:  # fmt: skip
    """DDL of a topic of facts: key, record time, frame and the columns of the contract.

    Args:
        table: name of the table.
        topic: topic.
        servers: bootstrap servers.
        subject: contract; an enum is written as its place.
        delivery: as for `raw_sink`.
        job: name of the job.
        settings: settings of the job.
    """
    raw = raw_sink(table, topic, servers, delivery, job, settings)
    head, _, options = raw.partition(") WITH (")
    kept = [line for line in wire_columns(subject).split(",\n") if " AS CASE " not in line]
    last = f"`{FRAME_COLUMNS[-1]}` INT NOT NULL"
    kept[len(FRAME_COLUMNS) - 1] = last
    columns = [
        "`message_key` BYTES",
        *kept,
        "`kafka_time` TIMESTAMP_LTZ(3) METADATA FROM 'timestamp'",
    ]
    body = ",\n  ".join(columns)
    avro = options.replace(
        "'value.format' = 'raw'",
        "'value.format' = 'avro',\n  'value.avro.timestamp_mapping.legacy' = 'false'",
    )
    start = head.split("(", 1)[0]
    return f"{start}(\n  {body}\n) WITH ({avro}"


def envelope(event_id: str, moment: str, version: int, region: str = "'UNKNOWN'") -> str:
    """First seven fields of a fact: id, time, no ingest time, source, version, region, priority."""
    return (
        f"{event_id}, {moment}, CAST(NULL AS TIMESTAMP_LTZ(3)), 'viewer_analytics', {version},"
        f" {region}, 5"
    )


_COUNTED = ("concurrent", "peak_concurrent", "unique_viewers")
_MEASURED = ("rebuffering_ratio", "average_bitrate_kbps", "startup_ms", "failure_pct")


def metrics_insert(mode: str, is_sampled: bool) -> str:
    """Rows of the view `metrics` as final facts; they come after the provisional ones.

    Args:
        mode: step of the degradation ladder that holds.
        is_sampled: unique viewers come from a sketch.
    """
    return _metrics_facts("metrics_facts", "metrics", 1, _FINAL, mode, is_sampled)


def live_insert(mode: str, is_sampled: bool) -> str:
    """Rows of the view `live_rows` as provisional facts.

    Args:
        mode: step of the degradation ladder that holds.
        is_sampled: counted over a sample.
    """
    return _metrics_facts("live_facts", "live_rows", 0, _PROVISIONAL, mode, is_sampled)


def _metrics_facts(
    table: str, view: str, revision: int, phase: int, mode: str, is_approximate: bool
) -> str:
    """Insert of rows that have no more than the columns of an audience, or all of them."""
    start, end = (f"CAST(window_{name}_at AS TIMESTAMP_LTZ(3))" for name in ("start", "end"))
    key = (
        "CONCAT_WS('|', content_id, dimension, dimension_value,"
        f" CAST({start} AS STRING), CAST({end} AS STRING))"
    )
    if view == "metrics":
        counted, watched, measured = ", ".join(_COUNTED), "watch_ms", ", ".join(_MEASURED)
    else:
        none = "CAST(0 AS BIGINT)"
        counted, watched = f"concurrent, peak_concurrent, {none}", none
        measured = ", ".join(["CAST(NULL AS DOUBLE)"] * len(_MEASURED))
    approximate = str(is_approximate).upper()
    return f"""
INSERT INTO {table}
SELECT CAST(row_key AS BYTES), {frame_values("viewer.Metrics")},
  {envelope("row_key", "window_end", 1)},
  content_id, dimension, dimension_value, window_start, window_end, {counted}, {approximate},
  CAST(NULL AS BYTES), {watched}, {measured}, {revision}, {phase}, '{mode}', window_end
FROM (SELECT *, {key} AS row_key, {start} AS window_start, {end} AS window_end FROM {view})"""


_PROVISIONAL, _FINAL = 1, 2
"""Places of the phases in the contract."""


def sessions_insert(region: str, exit_places: Mapping[str, int]) -> str:
    """Rows of the view `whole_sessions` as facts.

    Args:
        region: SQL that gives the region out of `cell`.
        exit_places: place of each exit type among the contract's symbols.
    """
    places = " ".join(f"WHEN '{name}' THEN {place}" for name, place in exit_places.items())
    return f"""
INSERT INTO sessions_facts
SELECT CAST(session_id AS BYTES), {frame_values("viewer.Session")},
  {envelope("session_id", "ended_at", 1, "viewer_region")},
  session_id, user_id, content_id, TO_TIMESTAMP_LTZ(started_ms, 3), ended_at,
  CASE exit_type {places} ELSE 0 END, watch_ms, rebuffered_ms, startup_ms, is_exit_before_start,
  pauses, quality_ms, average_bitrate_kbps, ended_at
FROM (
  SELECT *, TO_TIMESTAMP_LTZ(ended_ms, 3) AS ended_at, {region} AS viewer_region
  FROM whole_sessions
)"""


def commands_insert(region: str) -> str:
    """Rows of the view `commands` as facts; the id is of session and moment.

    Args:
        region: SQL that gives the region out of `cell`.
    """
    event_id = "CONCAT_WS('|', session_id, CAST(decided_ms AS STRING))"
    return f"""
INSERT INTO command_facts
SELECT CAST(session_id AS BYTES), {frame_values("viewer.QualityCommand")},
  {envelope(event_id, "decided_at", 1, "viewer_region")},
  session_id, quality, {commands.target()}, wish, decided_at, decided_at
FROM (
  SELECT *, TO_TIMESTAMP_LTZ(decided_ms, 3) AS decided_at, {region} AS viewer_region FROM commands
)"""


LATE_INSERT = """
INSERT INTO late_messages
SELECT message_key, message_value, kafka_time, MAP['sangam-lateness-ms',
    CAST(CAST(lateness_ms AS STRING) AS BYTES), 'sangam-operator', CAST('events' AS BYTES)]
FROM (
  SELECT message_key, message_value, kafka_time,
    CAST(TIMESTAMPDIFF(SECOND, event_at, CURRENT_WATERMARK(event_at)) AS BIGINT) * 1000
      AS lateness_ms
  FROM decoded WHERE fault IS NULL AND kind > 0 AND event_at <= CURRENT_WATERMARK(event_at)
)
WHERE lateness_ms > {lateness_ms}"""
"""Source bytes of events beyond the allowed lateness, unchanged, with how late they were."""


def dead_insert(job_version: str) -> str:
    """Undecodable messages as dead letters, bytes kept exactly.

    Args:
        job_version: commit of the job.
    """
    place = "CONCAT_WS('|', CAST(kafka_partition AS STRING), CAST(kafka_offset AS STRING))"
    key = f"CONCAT('{EVENTS}|', {place})"
    return f"""
INSERT INTO dead_letters
SELECT CAST(row_key AS BYTES), {frame_values("ops.DlqEnvelope")},
  {envelope("row_key", "kafka_time", 1)},
  '{EVENTS}', kafka_partition, kafka_offset, kafka_time, message_key,
  CAST(kafka_headers AS MAP<STRING NOT NULL, BYTES NOT NULL>),
  message_value, CAST(NULL AS INT), {_POISON}, code, 'the message cannot be decoded',
  'viewer_analytics', 'decode', '{job_version}', 0, {_NEW}, kafka_time
FROM (
  SELECT *, {key} AS row_key, COALESCE(fault, 'UNKNOWN_TYPE') AS code FROM decoded
  WHERE fault IS NOT NULL OR kind = 0
)"""


_POISON, _NEW = 3, 1
"""Places of the symbols POISON and NEW in the contract of dead letters."""
