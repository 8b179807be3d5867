"""The whole SQL of a run: views over a source, and the inserts that fill the tables."""
# ruff: noqa: S608

from collections.abc import Sequence

from pipelines.viewers import commands, metrics, suspects, views, windows
from pipelines.viewers.config import ViewersConfig
from pipelines.viewers.dimensions import DIMENSIONS
from pipelines.viewers.views import View


def exact_views(config: ViewersConfig, *further: str) -> list[View]:
    """Views in the order in which they need each other; the source table is `messages`.

    Args:
        config: settings.
        further: columns of `messages` that `decoded` keeps.
    """
    return _views(config, further, "0")


def all_views(config: ViewersConfig) -> list[View]:
    """The same and the commands of the quality ladder, which a live run counts beside it."""
    return [*_views(config, (), commands.wish(config.ladder)), commands.commands_view()]


def _views(config: ViewersConfig, further: Sequence[str], wish: str) -> list[View]:
    given = config.windows
    usual, cooldown = config.fair_play.usual_gap_ms, config.ladder.cooldown_ms
    return [
        views.decoded_view(*further),
        *windows.counted_views(windows.told(given, usual, cooldown_ms=cooldown), wish=wish),
        windows.audience_view(given.slice_seconds),
        windows.minutes_view(given.minute_seconds),
        windows.sessions_view(given),
        *metrics.metrics_views(given),
        *suspects.suspects_views(config.fair_play, given),
    ]


def table_inserts() -> dict[str, str]:
    """Insert that fills each table of `tables.TABLES`."""
    selects = {
        "metrics": f"""
SELECT {windows.KEY}, CAST(window_start_at AS TIMESTAMP_LTZ(3)),
  CAST(window_end_at AS TIMESTAMP_LTZ(3)), concurrent, peak_concurrent, unique_viewers, watch_ms,
  rebuffering_ratio, average_bitrate_kbps, startup_ms, failure_pct
FROM metrics""",
        "sessions": f"""
SELECT session_id, user_id, content_id, {region_name()},
  TO_TIMESTAMP_LTZ(started_ms, 3), TO_TIMESTAMP_LTZ(ended_ms, 3), exit_type, watch_ms,
  rebuffered_ms, startup_ms, is_exit_before_start, pauses, quality_ms, average_bitrate_kbps
FROM whole_sessions""",
        "suspects": "SELECT subject_id, reason, measured, found_at FROM suspects",
        "quality_commands": f"""
SELECT session_id, {commands.named("quality")}, {commands.named(commands.target())},
  {commands.reason_name()}, TO_TIMESTAMP_LTZ(decided_ms, 3)
FROM commands""",
        "rejected": """
SELECT message_key, message_value, kafka_time, COALESCE(fault, 'UNKNOWN_TYPE')
FROM decoded WHERE fault IS NOT NULL OR kind = 0""",
        "late": """
SELECT message_key, message_value, kafka_time,
  CAST(TIMESTAMPDIFF(SECOND, event_at, CURRENT_WATERMARK(event_at)) AS BIGINT) * 1000
FROM decoded WHERE fault IS NULL AND kind > 0 AND event_at <= CURRENT_WATERMARK(event_at)""",
    }
    return {table: f"INSERT INTO {table}_table {select}" for table, select in selects.items()}


def region_name() -> str:
    """Region out of `cell`, as SQL."""
    region = next(one for one in DIMENSIONS if one.name == "region")
    codes = " ".join(f"WHEN {code} THEN '{name}'" for code, name in enumerate(region.values))
    return f"CASE {views.code_of(region)} {codes} END"
