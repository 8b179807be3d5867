"""Who is live, what was watched, and whole sessions, out of what the JVM counts by bucket (SQL).

A process table function keeps one state a session (`java/Viewing.java`): its largest order key up
to the end of a slice says whether it is live and where it counts, and maxima, minima and sets say
what it watched, so copies and order do not matter. Buckets split viewers, not contents, so a hot
match is spread as any other; what buckets count adds up in windows over few rows.
"""
# ruff: noqa: S608

from pipelines.viewers.config import WindowSettings
from pipelines.viewers.dimensions import DIMENSIONS
from pipelines.viewers.rules import CELL_SIZE, FIRST_MS, kinds
from pipelines.viewers.views import View, events

AFTER = "INTERVAL '0.001' SECOND"
"""A moment counts at the end of a window that equals it, so these windows begin 1 ms later."""

KEY = "content_id, dimension, dimension_value"

COUNTED = (
    "bucket", "event_at", "viewer", "session_key", "order_key", "wish", "message_value",
)  # fmt: skip
"""Columns that the function takes, in its order; the rest it reads out of the message itself, since
one run of bytes goes to another core for less than a dozen of columns."""

SUMS = (
    "sessions", "failures", "played_ms", "rebuffered_ms", "delivered_kilobits", "startup_ms",
    "starts", "unique_viewers",
)  # fmt: skip
"""Measures of a minute; buckets split viewers, so that even these add up."""

SESSION = """
  session_id, user_id, content_id, newest, first_moment, play_key, frame_moment, last_key, pauses,
  marks, gaps, gap_sum, gap_squares, played_ms AS total_played_ms,
  rebuffered_ms AS total_rebuffered_ms, delivered_kilobits AS total_delivered_kilobits"""

COMMAND = "session_id, newest, quality, wish"

_SLICE, _MINUTE, _DEVICE, _SESSION, _COMMAND = 1, 2, 3, 4, 5
"""What a row of the function is."""


def seconds(number: float) -> str:
    """An interval below a day, as SQL."""
    minutes, rest = divmod(number, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"INTERVAL '0 {hours:02d}:{minutes:02d}:{rest:06.3f}' DAY TO SECOND(3)"


def told(
    given: WindowSettings, usual_gap_ms: int | None = None, sample: int = 1, cooldown_ms: int = 0
) -> str:
    """What `java/Settings.java` reads.

    Args:
        given: settings.
        usual_gap_ms: longer gaps between heartbeats are pauses; None leaves minutes and sessions
            out.
        sample: only viewers whose digest this number divides count, each for so many.
        cooldown_ms: between two commands to a session.
    """
    minute_ms = 0 if usual_gap_ms is None else given.minute_seconds * 1000
    lengths = (given.slice_seconds * 1000, given.timeout_seconds * 1000, minute_ms,
               given.session_gap_seconds * 1000)  # fmt: skip
    numbers = *lengths, usual_gap_ms or 0, sample, given.viewer_sample, cooldown_ms
    dimensions = [f"{one.name}:{one.shift}:{one.bits}:{','.join(one.values)}" for one in DIMENSIONS]
    return "|".join([*map(str, numbers), *dimensions])


def counted_views(settings: str, sample: int = 1, wish: str = "0") -> list[View]:
    """Rows of the function by what they are: `counted_slices`, `counted_minutes` and so on.

    Args:
        settings: see `told`.
        sample: only viewers whose digest this number divides, and those who get a command.
        wish: what the reading of an event asks for, as SQL; see `commands.py`.
    """
    kept = f" WHERE MOD(viewer, {sample}) = 0 OR wish > 0" if sample > 1 else ""
    taken = f"""
SELECT {", ".join(COUNTED)} FROM (SELECT *, {wish} AS wish FROM ({events()})){kept}"""
    counted = f"""
SELECT * FROM viewing(
  events => TABLE taken PARTITION BY bucket, settings => '{settings}',
  on_time => DESCRIPTOR(event_at), uid => 'viewing')"""
    rows = {
        "slices": (_SLICE, f"{KEY}, concurrent, rowtime"),
        "minutes": (_MINUTE, f"{KEY}, {', '.join(SUMS)}, rowtime"),
        "devices": (_DEVICE, "account_id, device_key, rowtime"),
        "sessions": (_SESSION, SESSION),
        "commands": (_COMMAND, COMMAND),
    }
    return [
        ("taken", taken),
        ("counted", counted),
        *(
            (f"counted_{name}", f"SELECT {columns} FROM counted WHERE what = {what}")
            for name, (what, columns) in rows.items()
        ),
    ]


def ended(view: str, length: int) -> str:
    """Windows of rows whose moment is the end of what they count."""
    return f"TUMBLE(TABLE {view}, DESCRIPTOR(rowtime), {seconds(length)}, {AFTER})"


def audience_view(slice_seconds: int) -> View:
    """Sessions live at the end of each slice: `KEY`, live_at (the moment), concurrent."""
    return (
        "audience",
        f"""
SELECT {KEY}, window_time AS live_at, SUM(concurrent) AS concurrent
FROM {ended("counted_slices", slice_seconds)}
GROUP BY window_start, window_end, window_time, {KEY}""",
    )


def minutes_view(minute_seconds: int) -> View:
    """What was watched in each minute: `KEY`, closed_at (its end), `SUMS`."""
    sums = ", ".join(f"SUM({one}) AS {one}" for one in SUMS)
    return (
        "minutes",
        f"""
SELECT {KEY}, window_time AS closed_at, {sums}
FROM {ended("counted_minutes", minute_seconds)}
GROUP BY window_start, window_end, window_time, {KEY}""",
    )


def sessions_view(given: WindowSettings) -> View:
    """What a session comes to: how it ended, how long it took to start, what was played."""
    stop, error = (kinds(one)[0] for one in ("STOP", "ERROR"))
    timeout = int(given.timeout_seconds * 1000)
    exit_kind, last = "MOD(last_key, 16)", "last_key / 16"
    over = f"({last} + CASE WHEN {exit_kind} IN ({stop}, {error}) THEN 0 ELSE {timeout} END)"
    return (
        "whole_sessions",
        f"""
SELECT session_id, user_id, content_id, MOD(newest, {CELL_SIZE}) AS cell,
  first_moment + {FIRST_MS} AS started_ms, {over} + {FIRST_MS} AS ended_ms,
  CASE {exit_kind} WHEN {stop} THEN 'STOP' WHEN {error} THEN 'ERROR' ELSE 'TIMEOUT' END
    AS exit_type,
  total_played_ms + total_rebuffered_ms AS watch_ms, total_rebuffered_ms AS rebuffered_ms,
  CASE WHEN frame_moment >= play_key / 8 THEN frame_moment - play_key / 8 END AS startup_ms,
  frame_moment IS NULL AND play_key IS NOT NULL AND {over} - play_key / 8 >= {given.exit_wait_ms}
    AS is_exit_before_start,
  CAST(pauses AS INT) AS pauses,
  quality_millis(marks, play_key, total_played_ms) AS quality_ms,
  CASE WHEN total_played_ms > 0
    THEN CAST(total_delivered_kilobits AS DOUBLE) * 1000 / total_played_ms END
    AS average_bitrate_kbps
FROM counted_sessions""",
    )
