"""Windows over the events: who is live, what was watched, and the rows of `viewer.Metrics` (SQL).

Three lanes read the same events. `audience` asks each session every slice whether it is live;
`watching` sums what each session watched in a minute; `sessions` joins these minutes to whole
sessions. All of them keep one row a session and combine rows by maxima, minima and sets, so copies
and order do not matter. A cell is counted once; the total and every dimension sum up cells.
"""
# ruff: noqa: S608

from pipelines.viewers.config import WindowSettings
from pipelines.viewers.rules import CELL_SIZE, FIRST_MS, FRAMES, kinds
from pipelines.viewers.views import (
    View,
    cell_columns,
    dimension_name,
    dimension_value,
    grouping_sets,
    listed,
)

AFTER = "INTERVAL '0.001' SECOND"
"""A moment counts at the end of a window that equals it, so these windows begin 1 ms later."""


def seconds(number: float) -> str:
    """An interval below a day, as SQL."""
    minutes, rest = divmod(number, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"INTERVAL '0 {hours:02d}:{minutes:02d}:{rest:06.3f}' DAY TO SECOND(3)"


def audience_views(given: WindowSettings, sample: int = 1) -> list[View]:
    """Sessions live at the end of each slice, by cell, then by dimension.

    Columns of `audience`: content_id, dimension, dimension_value, live_at (the moment),
    concurrent.

    Args:
        given: settings.
        sample: count the viewers whose digest this number divides, each for so many.
    """
    times = f" * {sample}" if sample > 1 else ""
    hop = f"{seconds(given.slice_seconds)}, {seconds(given.timeout_seconds)}, {AFTER}"
    newest = (
        "newest_signs",
        f"""
SELECT window_start, window_end, window_time AS live_at, content_id, session_id,
  MAX(order_key) AS newest
FROM HOP(TABLE presences, DESCRIPTOR(event_at), {hop})
GROUP BY window_start, window_end, window_time, content_id, session_id""",
    )
    cells = (
        "audience_cells",
        f"""
SELECT window_start, window_end, live_at, content_id, MOD(newest, {CELL_SIZE}) AS cell,
  COUNT(*){times} AS concurrent
FROM newest_signs
WHERE MOD(newest / {CELL_SIZE}, 2) = 1
GROUP BY window_start, window_end, live_at, content_id, MOD(newest, {CELL_SIZE})""",
    )
    wide = (
        "audience_codes",
        f"""
SELECT window_start, window_end, live_at, content_id, concurrent, {cell_columns()}
FROM audience_cells""",
    )
    rows = (
        "audience",
        f"""
SELECT content_id, {dimension_name()} AS dimension, {dimension_value()} AS dimension_value,
  live_at, SUM(concurrent) AS concurrent
FROM audience_codes
GROUP BY {grouping_sets("window_start", "window_end", "live_at", "content_id")}""",
    )
    kept = f" AND MOD(viewer, {sample}) = 0" if sample > 1 else ""
    presences = "presences", f"SELECT * FROM events WHERE is_presence{kept}"
    return [presences, newest, cells, wide, rows]


def watching_views(name: str, window_seconds: int, sample: int = 1) -> list[View]:
    """What was watched in windows of one length, by session, cell and dimension.

    Args:
        name: prefix of the views.
        window_seconds: length of a window, s.
        sample: unique viewers come from one digest in so many; 1 is exact.
    """
    frames = listed(kinds(*FRAMES))
    play, pause, error = (kinds(one)[0] for one in ("PLAY", "PAUSE", "ERROR"))
    change, beat = (kinds(one)[0] for one in ("QUALITY_CHANGE", "HEARTBEAT"))
    by_session = (
        f"{name}_sessions",
        f"""
SELECT window_start, window_end, window_time AS closed_at, content_id, session_id, user_id,
  MAX(viewer) AS viewer,
  MAX(order_key) AS newest,
  MIN(moment) AS first_moment,
  MIN(moment * 8 + quality) FILTER (WHERE kind = {play}) AS play_key,
  MIN(moment) FILTER (WHERE kind IN {frames}) AS frame_moment,
  MAX(moment * 16 + kind) FILTER (WHERE kind <> {error} OR is_fatal) AS last_key,
  COUNT(DISTINCT moment) FILTER (WHERE kind = {pause}) AS pauses,
  ARRAY_AGG(total_played_ms * 8 + quality) FILTER (WHERE kind = {change}) AS marks,
  ARRAY_AGG(moment) FILTER (WHERE kind = {beat}) AS beats,
  MAX(account_id) AS account_id, MAX(device_key) AS device_key,
  MAX(CASE WHEN is_fatal THEN 1 ELSE 0 END) AS failures,
  MAX(total_played_ms) AS total_played_ms,
  MAX(total_rebuffered_ms) AS total_rebuffered_ms,
  MAX(total_delivered_kilobits) AS total_delivered_kilobits,
  MAX(total_played_ms) - MIN(total_played_ms - played_ms) AS played_ms,
  MAX(total_rebuffered_ms) - MIN(total_rebuffered_ms - rebuffered_ms) AS rebuffered_ms,
  MAX(total_delivered_kilobits) - MIN(total_delivered_kilobits - delivered_kilobits)
    AS delivered_kilobits
FROM TUMBLE(TABLE events, DESCRIPTOR(event_at), {seconds(window_seconds)})
GROUP BY window_start, window_end, window_time, content_id, session_id, user_id""",
    )
    wide = f"{name}_codes", f"SELECT *, {_codes()} FROM {name}_sessions"
    return [by_session, wide, _watching_rows(name, sample)]


def _codes() -> str:
    return cell_columns(f"MOD(newest, {CELL_SIZE})")


def _watching_rows(name: str, sample: int) -> View:
    """What was watched, by dimension, out of what each session watched."""
    started = "frame_moment >= play_key / 8"
    unique = "BITMAP_BUILD_CARDINALITY_AGG(viewer)"
    if sample > 1:
        unique += f" FILTER (WHERE MOD(viewer, {sample}) = 0) * {sample}"
    return (
        name,
        f"""
SELECT content_id, {dimension_name()} AS dimension, {dimension_value()} AS dimension_value,
  closed_at, COUNT(*) AS sessions, SUM(failures) AS failures, SUM(played_ms) AS played_ms,
  SUM(rebuffered_ms) AS rebuffered_ms, SUM(delivered_kilobits) AS delivered_kilobits,
  SUM(CASE WHEN {started} THEN frame_moment - play_key / 8 ELSE 0 END) AS startup_ms,
  SUM(CASE WHEN {started} THEN 1 ELSE 0 END) AS starts,
  {unique} AS unique_viewers
FROM {name}_codes
GROUP BY {grouping_sets("window_start", "window_end", "closed_at", "content_id")}""",
    )


def sessions_views(given: WindowSettings, minutes: str, usual_gap_ms: int) -> list[View]:
    """Whole sessions out of their minutes; one is closed after a long silence.

    Args:
        given: settings.
        minutes: prefix of the `watching_views` it is made of.
        usual_gap_ms: longer gaps between heartbeats are pauses.
    """
    parts = f"""
SELECT closed_at, session_id, user_id, content_id, newest, first_moment, play_key, frame_moment,
  pauses, marks, beat_gaps(beats, CAST({usual_gap_ms} AS BIGINT)) AS gaps,
  last_key, total_played_ms, total_rebuffered_ms, total_delivered_kilobits
FROM {minutes}_sessions"""
    sums = f"""
SELECT session_id, user_id, content_id, MAX(newest) AS newest,
  MIN(first_moment) AS first_moment, MIN(play_key) AS play_key,
  MIN(frame_moment) AS frame_moment, SUM(pauses) AS pauses, ARRAY_AGG(marks) AS marks,
  SUM(gaps[1]) AS gaps, SUM(gaps[2]) AS gap_sum, SUM(gaps[3]) AS gap_squares,
  COALESCE(MAX(last_key), MIN(first_moment) * 16) AS last_key,
  MAX(total_played_ms) AS total_played_ms, MAX(total_rebuffered_ms) AS total_rebuffered_ms,
  MAX(total_delivered_kilobits) AS total_delivered_kilobits
FROM SESSION(TABLE session_parts PARTITION BY (session_id, user_id, content_id),
  DESCRIPTOR(closed_at), {seconds(given.session_gap_seconds)})
GROUP BY window_start, window_end, session_id, user_id, content_id"""
    return [("session_parts", parts), ("session_sums", sums), _session_rows(given)]


def _session_rows(given: WindowSettings) -> View:
    """What a session comes to: how it ended, how long it took to start, what was played."""
    stop, error = (kinds(one)[0] for one in ("STOP", "ERROR"))
    timeout = int(given.timeout_seconds * 1000)
    exit_kind, last = "MOD(last_key, 16)", "last_key / 16"
    ended = f"({last} + CASE WHEN {exit_kind} IN ({stop}, {error}) THEN 0 ELSE {timeout} END)"
    return (
        "whole_sessions",
        f"""
SELECT session_id, user_id, content_id, MOD(newest, {CELL_SIZE}) AS cell,
  first_moment + {FIRST_MS} AS started_ms, {ended} + {FIRST_MS} AS ended_ms,
  CASE {exit_kind} WHEN {stop} THEN 'STOP' WHEN {error} THEN 'ERROR' ELSE 'TIMEOUT' END
    AS exit_type,
  total_played_ms + total_rebuffered_ms AS watch_ms, total_rebuffered_ms AS rebuffered_ms,
  CASE WHEN frame_moment >= play_key / 8 THEN frame_moment - play_key / 8 END AS startup_ms,
  frame_moment IS NULL AND play_key IS NOT NULL AND {ended} - play_key / 8 >= {given.exit_wait_ms}
    AS is_exit_before_start,
  CAST(pauses AS INT) AS pauses,
  quality_millis(marks, play_key, total_played_ms) AS quality_ms,
  CASE WHEN total_played_ms > 0
    THEN CAST(total_delivered_kilobits AS DOUBLE) * 1000 / total_played_ms END
    AS average_bitrate_kbps
FROM session_sums""",
    )
