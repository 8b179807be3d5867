"""Configuration of the fraud job: every number, with its unit and its origin.

`given` marks values fixed by the domain (NPCI limits, the product's costs), `chosen` ours. Points
and limits of the rules are in `profiles/*.yaml`.
"""

from typing import Literal

from pydantic import Field

from pipelines.core.config import JobConfig
from pipelines.core.flink import FlinkSettings
from pipelines.upi_fraud.intake import Limits
from pipelines.upi_fraud.scorer import Settings
from pipelines.upi_fraud.state import DAY_MS, Capacity


class LimitSettings(JobConfig):
    """What a payment may be."""

    max_amount_paise: int = Field(20_000_000, ge=1, description="largest payment, paise (given)")
    first_event_ms: int = Field(
        1_460_332_800_000, ge=0, description="UPI began on 2016-04-11, epoch ms (chosen)"
    )


class TimeSettings(JobConfig):
    """Times of the payments."""

    late_after_ms: int = Field(
        300_000, ge=0, description="lateness that is still decided, ms (given)"
    )
    future_skew_ms: int = Field(
        60_000, ge=0, description="event_time may be ahead of ingest_time so far, ms (chosen)"
    )
    profile_expiry_days: int = Field(
        30, ge=1, description="silence after which a payer is forgotten, days (chosen)"
    )
    state_ttl_days: int = Field(31, ge=1, description="idle state is removed, days (chosen)")


class HandleSettings(JobConfig):
    """Payment service providers behind the @."""

    policy: Literal["accept", "reject"] = Field(
        "accept", description="what becomes of an unknown handle (chosen)"
    )
    known: tuple[str, ...] = Field(
        ("ybl", "ibl", "axl", "okaxis", "okhdfcbank", "okicici", "oksbi", "paytm", "apl", "upi",
         "icici", "sbi", "hdfcbank", "axisbank"),
        description="handles that are not counted as unknown (chosen)",
    )  # fmt: skip


class LookBackSettings(JobConfig):
    """What a payer's state holds."""

    recent_max: int = Field(32, ge=6, le=255, description="attempts kept one by one (chosen)")
    bucket_minutes: int = Field(5, ge=1, le=60, description="width of a bucket, minutes (chosen)")
    ids_max: int = Field(512, ge=1, le=65_535, description="older ids kept (chosen)")


class ReferenceSettings(JobConfig):
    """Merchants, flags and rule sets."""

    activation_ms: int = Field(
        2_000, ge=0, description="from a record's event time to its effect, ms (chosen)"
    )
    versions: int = Field(64, ge=1, description="versions kept of a key (chosen)")


class ModelSettings(JobConfig):
    """The model inside the operator."""

    budget_ms: float = Field(20, gt=0, description="a slower answer is not used, ms (given)")
    failures: int = Field(5, ge=1, description="failures in a row that pause it (given)")
    pause_s: float = Field(60, gt=0, description="pause, seconds (given)")


class CostSettings(JobConfig):
    """What a mistake costs."""

    false_positive_rs: float = Field(50, ge=0, description="a genuine payment stopped, Rs (given)")
    missed_fraud_rs: float = Field(5_000, gt=0, description="a fraud let through, Rs (given)")


class BatchSettings(JobConfig):
    """Micro-batches that the JVM makes, so that one Python call decides many payments."""

    linger_ms: int = Field(
        2, ge=1, description="a payment waits so long for others to be decided with, ms (chosen)"
    )
    buckets: int = Field(
        4, ge=1, le=128,
        description="partitions go together in so many groups, the most instances that can decide;"
        " fixed for the life of a savepoint (chosen)",
    )  # fmt: skip
    most_payments: int = Field(1_000, ge=1, description="payments that go together (chosen)")
    cached_payers: int = Field(
        50_000, ge=1, description="decoded states kept at hand for each bucket (chosen)"
    )


class NetworkSettings(JobConfig):
    """The slow path: who pays whom, over windows of event time."""

    fan_in_payers: int = Field(8, ge=1, description="distinct payers above which FAN_IN (chosen)")
    fan_in_minutes: int = Field(10, ge=1, description="window of FAN_IN, minutes (given)")
    pass_through_rs: int = Field(20_000, ge=0, description="least received, Rs (chosen)")
    pass_through_payers: int = Field(5, ge=1, description="least payers (chosen)")
    pass_through_share: float = Field(0.8, gt=0, le=1, description="share paid on (chosen)")
    pass_through_minutes: int = Field(60, ge=1, description="window, minutes (chosen)")
    cycle_rs: int = Field(1_000, ge=0, description="least amount of each leg, Rs (chosen)")
    cycle_hours: int = Field(24, ge=1, description="first to last leg, hours (given)")
    shared_payers: int = Field(3, ge=1, description="payers above which DEVICE_SHARED (given)")
    shared_accounts: int = Field(5, ge=1, description="above it accounts are marked (given)")
    shared_hours: int = Field(24, ge=1, description="window of DEVICE_SHARED, hours (given)")
    collusion_payers: int = Field(8, ge=1, description="least distinct payers (chosen)")
    collusion_times: float = Field(5, gt=1, description="mean ticket over the usual (chosen)")
    collusion_minutes: int = Field(30, ge=1, description="window of COLLUSION, minutes (chosen)")
    disorder_s: int = Field(5, ge=0, description="a window waits so long, seconds (given)")
    account_flag_hours: int = Field(72, ge=1, description="life of account flags, hours (chosen)")
    other_flag_hours: int = Field(24, ge=1, description="life of other flags, hours (chosen)")


class GeneratorSettings(JobConfig):
    """Seeded payments with labelled frauds."""

    transactions: int = Field(200_000, ge=100, description="payments (chosen)")
    payers: int = Field(20_000, ge=50, description="accounts that pay (chosen)")
    days: int = Field(14, ge=1, description="days of traffic (chosen)")
    fraud_share: float = Field(0.005, ge=0, lt=0.5, description="share of fraud (chosen)")
    episodes_per_kind: int = Field(
        0, ge=0, description="episodes of each kind; 0 = as the share allows (chosen)"
    )
    merchant_share: float = Field(0.3, ge=0, le=1, description="payments to merchants (given)")
    merchants: int = Field(600, ge=10, description="merchants (chosen)")
    disorder_ms: int = Field(4_000, ge=0, description="mean delay on the way, ms (chosen)")
    duplicate_share: float = Field(0.002, ge=0, lt=0.5, description="sent twice (chosen)")
    late_share: float = Field(0.001, ge=0, lt=0.5, description="over the allowed delay (chosen)")
    corrupt_share: float = Field(0.0001, ge=0, lt=0.5, description="damaged bytes (chosen)")
    invalid_share: float = Field(0.0005, ge=0, lt=0.5, description="break a rule (chosen)")
    partitions: int = Field(6, ge=1, description="partitions of the topic (chosen)")


class UpiFlinkSettings(FlinkSettings):
    """Flink as this job wants it: thread mode, no waiting in buffers."""

    parallelism: int = Field(1, ge=1, description="parallel instances of an operator (chosen)")
    execution_mode: Literal["process", "thread"] = Field(
        "thread", description="where Python operators run (chosen)"
    )
    buffer_timeout_ms: int = Field(0, ge=0, description="wait of a network buffer (chosen)")


class UpiConfig(JobConfig):
    """All settings of the job; `conf/upi_fraud.yaml` and `--set section.key=value` change them."""

    seed: int = Field(7, description="seed of the generator (chosen)")
    state_uri: str | None = Field(
        None, description="checkpoints and savepoints, file:// or s3://; None: a scratch folder"
    )
    restore_from: str | None = Field(
        None, description="checkpoint or savepoint to begin with; `newest` = the last in state_uri"
    )
    limits: LimitSettings = LimitSettings()
    times: TimeSettings = TimeSettings()
    handles: HandleSettings = HandleSettings()
    look_back: LookBackSettings = LookBackSettings()
    reference: ReferenceSettings = ReferenceSettings()
    model: ModelSettings = ModelSettings()
    costs: CostSettings = CostSettings()
    batch: BatchSettings = BatchSettings()
    network: NetworkSettings = NetworkSettings()
    generator: GeneratorSettings = GeneratorSettings()
    flink: UpiFlinkSettings = UpiFlinkSettings()

    def intake_limits(self) -> Limits:
        """Numbers of the intake."""
        return Limits(
            self.limits.max_amount_paise, self.times.late_after_ms, self.times.future_skew_ms,
            self.limits.first_event_ms, frozenset(self.handles.known),
            self.handles.policy == "reject",
        )  # fmt: skip

    def scoring(self) -> Settings:
        """Numbers of a decision."""
        room = Capacity(
            recent=self.look_back.recent_max,
            bucket_ms=self.look_back.bucket_minutes * 60_000,
            old_ids=self.look_back.ids_max,
        )
        return Settings(room, self.times.profile_expiry_days * DAY_MS)
