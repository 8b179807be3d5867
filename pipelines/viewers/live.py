"""The lane for people who watch: a Flink job of its own that is soon, and may be slowed down.

It looks at the topic a second time, with a watermark of a quarter of a second: provisional rows of
the audience and the commands of the quality ladder. It keeps no more than the last half minute, so
that the governor can start it anew with other settings at any time; the record is made elsewhere.
"""
# ruff: noqa: S608

import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.core import endpoints
from pipelines.core.flink import checkpoints_in
from pipelines.viewers import commands, engine, lanes, topics
from pipelines.viewers.config import ViewersConfig
from pipelines.viewers.degrade import Governor, Mode
from pipelines.viewers.views import View, decoded_view
from pipelines.viewers.windows import AFTER, KEY, audience_view, counted_views, seconds, told

LIVE_JOB = "viewer_analytics-live"


def start_live(
    config: ViewersConfig, mode: Mode, checkpoints: Path, since_ms: int, commands_since_ms: int
) -> engine.Job:
    """Start the live lane.

    Args:
        config: settings.
        mode: what the governor leaves on.
        checkpoints: folder for checkpoints.
        since_ms: event time to begin at, epoch ms.
        commands_since_ms: event time from which on players get commands, epoch ms.
    """
    servers = endpoints.kafka_servers()
    given = config.live
    names = ("buffer_timeout_ms", "watermark_interval_ms", "checkpoint_seconds")
    settings = config.flink.model_copy(update={name: getattr(given, name) for name in names})
    opened = engine.open_engine(LIVE_JOB, settings, checkpoints_in(checkpoints))
    source, view = topics.events_source(
        servers, LIVE_JOB, given.disorder_seconds, is_bounded=False, since_ms=since_ms
    )
    opened.execute_sql(source)
    engine.define(opened, [view, *live_views(config, mode, commands_since_ms)])
    for table, topic, subject in (
        ("live_facts", topics.METRICS, "viewer.Metrics"),
        ("command_facts", topics.COMMANDS, "viewer.QualityCommand"),
    ):
        opened.execute_sql(
            topics.facts_sink(table, topic, servers, subject, "prompt", LIVE_JOB, settings)
        )
    approximate = mode.sample > 1 or given.sample > 1
    return engine.start_together(
        opened,
        [topics.live_insert(mode.name, approximate), topics.commands_insert(lanes.region_name())],
    )


def live_views(config: ViewersConfig, mode: Mode, commands_since_ms: int = 0) -> list[View]:
    """Views up to `live_rows` and `commands`; the source table is `messages`."""
    windows = config.windows.model_copy(update={"slice_seconds": mode.refresh_seconds})
    sample = max(mode.sample, config.live.sample)
    return [
        decoded_view(),
        *counted_views(
            told(windows, sample=sample, cooldown_ms=config.ladder.cooldown_ms),
            sample,
            commands.wish(config.ladder, commands_since_ms),
        ),
        audience_view(mode.refresh_seconds),
        _live_rows(config.windows.slice_seconds, mode.minute_seconds),
        commands.commands_view(),
    ]


def _live_rows(slice_seconds: int, minute_seconds: int) -> View:
    """Provisional rows: the slice that ends at each refresh, and each minute once it is over.

    A slice row has the length of the final one, so that this takes its place.
    """
    end = "CAST(live_at AS TIMESTAMP(3))"
    return (
        "live_rows",
        f"""
SELECT {KEY}, {end} - {seconds(slice_seconds)} AS window_start_at, {end} AS window_end_at,
  concurrent, concurrent AS peak_concurrent
FROM audience
UNION ALL
SELECT {KEY}, window_start - {AFTER} AS window_start_at, window_end - {AFTER} AS window_end_at,
  COALESCE(MAX(concurrent) FILTER (WHERE live_at = window_time), 0) AS concurrent,
  MAX(concurrent) AS peak_concurrent
FROM TUMBLE(TABLE audience, DESCRIPTOR(live_at), {seconds(minute_seconds)}, {AFTER})
GROUP BY window_start, window_end, {KEY}""",
    )


@dataclass
class LiveLane:
    """The live lane and the governor that chooses what it leaves out.

    Attributes:
        config: settings.
        changes: how often the mode has changed.
    """

    config: ViewersConfig
    changes: int = 0
    _job: engine.Job = None
    _folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="sangam-")))

    def __post_init__(self) -> None:
        self._governor = Governor(self.config.degrade, self.config.live.refresh_seconds)
        self.mode = self._governor.mode

    def start(self, silent_ms: int = 0) -> None:
        """Start the job in the mode that holds, half a minute of events back.

        Args:
            silent_ms: no commands for so long, since the moments of the last ones are forgotten.
        """
        now_ms = int(time.time() * 1000)
        before = self.config.windows.timeout_seconds + self.mode.refresh_seconds
        self._job = start_live(
            self.config, self.mode, self._folder, now_ms - before * 1000, now_ms + silent_ms
        )

    def stop(self) -> None:
        """Stop the job."""
        engine.cancel(self._job)
        shutil.rmtree(self._folder, ignore_errors=True)

    def govern(self, lag_seconds: float, clock_seconds: float) -> None:
        """Take a reading of the lag; another mode starts the job anew.

        Args:
            lag_seconds: by how much the newest provisional row is overdue.
            clock_seconds: monotonic time of the reading.
        """
        mode = self._governor.read(lag_seconds, clock_seconds)
        if mode == self.mode:
            return
        self.mode, self.changes = mode, self.changes + 1
        engine.cancel(self._job)
        self.start(self.config.ladder.cooldown_ms)
