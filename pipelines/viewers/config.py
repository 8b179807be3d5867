"""Configuration of the viewer analytics: every number of the rules, the match and the engine.

`given` marks values fixed by the product requirement, `chosen` ours.
"""

from typing import Self

from pydantic import Field, model_validator

from pipelines.core.config import JobConfig
from pipelines.core.flink import FlinkSettings


class Phase(JobConfig):
    """A part of a match."""

    name: str = Field(description="name")
    seconds: int = Field(gt=0, description="length, s")
    multiplier: float = Field(gt=0, description="audience as a multiple of the base")


MATCH = (
    Phase(name="pre_match", seconds=1800, multiplier=0.3),
    Phase(name="toss", seconds=600, multiplier=0.8),
    Phase(name="first_innings", seconds=7200, multiplier=1.0),
    Phase(name="break", seconds=1200, multiplier=0.6),
    Phase(name="second_innings", seconds=7200, multiplier=1.2),
    Phase(name="super_over", seconds=600, multiplier=1.5),
)


class MatchSettings(JobConfig):
    """The seeded match: who watches, from where, and what goes wrong on the way."""

    viewers: int = Field(2_000, ge=1, description="base audience; a phase multiplies it (chosen)")
    phases: tuple[Phase, ...] = Field(MATCH, description="phases of the match (given)")
    time_scale: float = Field(
        1 / 31, gt=0, description="length of the match as a share of a real one (chosen)"
    )
    matches: int = Field(4, ge=1, description="contents that play at a time (chosen)")
    hot_share: float = Field(0.95, gt=0, le=1, description="audience of the first one (given)")
    visit_seconds: float = Field(240, gt=0, description="mean time a viewer stays, s (chosen)")
    heartbeat_seconds: float = Field(10, gt=0, description="between heartbeats, s (given)")
    startup_seconds: float = Field(1.2, gt=0, description="median time to a first frame (chosen)")
    stall_seconds: float = Field(300, gt=0, description="mean play between two stalls (chosen)")
    pause_seconds: float = Field(600, gt=0, description="mean play between two pauses (chosen)")
    change_seconds: float = Field(150, gt=0, description="mean play on one quality (chosen)")
    lost_stop_share: float = Field(0.05, ge=0, le=1, description="no STOP arrives (chosen)")
    no_start_share: float = Field(0.02, ge=0, le=1, description="leave before a frame (chosen)")
    fatal_share: float = Field(0.01, ge=0, le=1, description="end by a fatal error (chosen)")
    unknown_share: float = Field(0.01, ge=0, le=1, description="without a place (chosen)")
    duplicate_share: float = Field(0.005, ge=0, le=1, description="sent twice (chosen)")
    delay_seconds: float = Field(0.3, gt=0, description="mean way to the broker (chosen)")
    slow_share: float = Field(0.01, ge=0, le=1, description="events up to 20 s slow (chosen)")
    outage_start: float = Field(0.40, ge=0, le=1, description="of the match: an edge (chosen)")
    outage_end: float = Field(0.42, ge=0, le=1, description="of the match: back (chosen)")
    late_share: float = Field(0.2, ge=0, le=1, description="of the outage: minutes late (chosen)")
    too_late_share: float = Field(0.002, ge=0, le=1, description="of it: too late (chosen)")
    poison_share: float = Field(0.00005, ge=0, le=0.1, description="undecodable (chosen)")
    fault_region: str = Field("chennai", description="region whose delivery fails (chosen)")
    fault_start: float = Field(0.62, ge=0, le=1, description="of the match (chosen)")
    fault_end: float = Field(0.70, ge=0, le=1, description="of the match (chosen)")
    fault_factor: float = Field(25, ge=1, description="stalls during the fault (chosen)")
    shared_share: float = Field(0.001, ge=0, le=1, description="viewers on shared accounts")
    bot_share: float = Field(0.0005, ge=0, le=1, description="viewers that are programs")
    active_share: float = Field(
        0.1, ge=0, le=1, description="viewers with interactions beside the match (chosen)"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.fault_start > self.fault_end:
            raise ValueError("fault_start must not lie after fault_end")
        return self


class WindowSettings(JobConfig):
    """Time: what is live, how long windows are, how long late events are waited for."""

    timeout_seconds: int = Field(30, ge=1, description="live this long after a sign, s (chosen)")
    slice_seconds: int = Field(10, ge=1, description="between two counts of the audience (given)")
    minute_seconds: int = Field(60, ge=1, description="window of quality and uniques, s (given)")
    peak_seconds: int = Field(300, ge=1, description="hopping window of peaks, s (given)")
    disorder_seconds: float = Field(30, ge=0, description="watermark delay, s (given)")
    lateness_seconds: float = Field(300, ge=0, description="late events that correct, s (chosen)")
    recorded_hours: float = Field(
        12, gt=0, description="recorded messages lie at most so long after their median (chosen)"
    )
    skew_seconds: float = Field(60, ge=0, description="an event may lie ahead, s (chosen)")
    session_gap_seconds: int = Field(
        1800, ge=60, description="silence after which a session is closed, s (chosen)"
    )
    viewer_sample: int = Field(
        1, ge=1, description="unique viewers from one digest in so many; 1 is exact (chosen)"
    )
    exit_wait_ms: int = Field(1000, ge=0, description="waiting that counts as an exit, ms (given)")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.timeout_seconds % self.slice_seconds:
            raise ValueError("timeout_seconds must be a multiple of slice_seconds")
        if self.minute_seconds % self.slice_seconds or self.peak_seconds % self.minute_seconds:
            raise ValueError("slices must fill minutes, and minutes the window of peaks")
        return self


class AlertSettings(JobConfig):
    """When the audience needs somebody's attention."""

    scale: float = Field(
        1.0, gt=0, description="our size over the national one; limits are multiplied by it"
    )
    total_limit: float = Field(50e6, gt=0, description="viewers of the service (given)")
    capacity: dict[str, float] = Field(
        default={
            "mumbai": 8e6, "delhi": 6e6, "bangalore": 5e6, "hyderabad": 3e6, "pune": 2.5e6,
            "kolkata": 2e6, "chennai": 5e6, "other_india": 20e6, "international": 5e6,
        },
        description="viewers a region can serve (given; the last three chosen)",
    )  # fmt: skip
    fire_share: float = Field(0.85, gt=0, description="capacity alert above (given)")
    resolve_share: float = Field(0.75, gt=0, description="resolved below (chosen)")
    hold_seconds: float = Field(60, ge=0, description="below for so long (chosen)")
    milestone: float = Field(1e6, gt=0, description="viewers between milestones (given)")
    hysteresis: float = Field(0.02, ge=0, lt=1, description="fall that arms it again (chosen)")
    stall_fire: float = Field(0.03, gt=0, le=1, description="rebuffering ratio, alert (chosen)")
    stall_resolve: float = Field(0.02, gt=0, le=1, description="resolved below (chosen)")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.resolve_share > self.fire_share or self.stall_resolve > self.stall_fire:
            raise ValueError("an alert must resolve below the value it fires at")
        return self

    def scaled(self, limit: float) -> float:
        """A national limit at our size."""
        return limit * self.scale


class LadderSettings(JobConfig):
    """When a player changes its quality."""

    low_buffer_seconds: float = Field(2, ge=0, description="down below this buffer, s (given)")
    high_buffer_seconds: float = Field(8, ge=0, description="up only above it, s (given)")
    headroom: float = Field(1.2, ge=1, description="of the target's least bit rate (chosen)")
    cooldown_ms: int = Field(20_000, ge=1, description="between two changes, ms (chosen)")


class DegradeSettings(JobConfig):
    """When counting falls behind."""

    high_lag: float = Field(30, gt=0, description="one step down above this lag, s (chosen)")
    low_lag: float = Field(5, gt=0, description="one step up below it, s (chosen)")
    down_seconds: float = Field(20, ge=0, description="high for so long, s (chosen)")
    up_seconds: float = Field(120, ge=0, description="low for so long, s (chosen)")
    refresh_seconds: int = Field(
        10, ge=1, description="between rows from the first step on (given)"
    )
    minute_seconds: int = Field(300, ge=60, description="granularity from the second on (given)")
    sample: int = Field(16, ge=2, description="one viewer in so many on the third (chosen)")


class FairPlaySettings(JobConfig):
    """Accounts that are shared, and viewers that are programs."""

    devices: int = Field(4, ge=1, description="devices of one account at a time (chosen)")
    jitter_ms: float = Field(5, ge=0, description="spread of a program's heartbeats (chosen)")
    least_gaps: int = Field(10, ge=2, description="heartbeat gaps before a verdict (chosen)")
    usual_gap_ms: int = Field(15_000, ge=1, description="longer gaps are pauses, ms (chosen)")
    sleepless_hours: int = Field(24, ge=1, description="hours of presence in a row (given)")


class LiveSettings(JobConfig):
    """Provisional rows for people who watch: soon, and counted over a sample of viewers."""

    refresh_seconds: int = Field(2, ge=1, description="between rows, s (given)")
    disorder_seconds: float = Field(0.25, ge=0, description="watermark delay, s (chosen)")
    sample: int = Field(1, ge=1, description="one viewer in so many is counted (chosen)")
    checkpoint_seconds: float = Field(
        30, gt=0, description="checkpoint interval; what it replays is provisional (chosen)"
    )
    buffer_timeout_ms: int = Field(10, ge=0, description="wait of a network buffer (chosen)")
    watermark_interval_ms: int = Field(50, ge=1, description="between watermarks (chosen)")


class ViewersConfig(JobConfig):
    """All settings; `conf/viewer_analytics.yaml` and `--set section.key=value` change them."""

    seed: int = Field(7, ge=0, description="seed of the match (chosen)")
    trending_half_life_seconds: float = Field(
        300, gt=0, description="a start counts half after so long, s (chosen)"
    )
    taste_days: int = Field(
        60, ge=1, description="a taste is kept so long after the last interaction, days (chosen)"
    )
    short_run_messages: int = Field(
        3_000_000, ge=0, description="runs up to it start sooner and count slower (chosen)"
    )
    state_uri: str | None = Field(
        None, description="with --stack, checkpoints and savepoints, file:// or s3:// (chosen)"
    )
    restore_from: str | None = Field(
        None, description="with --stack, checkpoint or savepoint to begin with (chosen)"
    )
    match: MatchSettings = MatchSettings()
    windows: WindowSettings = WindowSettings()
    live: LiveSettings = LiveSettings()
    alerts: AlertSettings = AlertSettings()
    ladder: LadderSettings = LadderSettings()
    degrade: DegradeSettings = DegradeSettings()
    fair_play: FairPlaySettings = FairPlaySettings()
    flink: FlinkSettings = FlinkSettings(checkpoint_seconds=5, restart_attempts=2)
