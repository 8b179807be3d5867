"""Configuration of the ingest job: every number, with its unit and its origin."""

from pathlib import Path

from pydantic import Field

from pipelines.core.config import JobConfig


class IngestConfig(JobConfig):
    """All settings of the job; `conf/ingest.yaml` and `--set key=value` change them."""

    max_offsets: int = Field(
        500_000, ge=1, description="messages of one batch at most, over all partitions (chosen)"
    )
    trigger_seconds: float = Field(
        10, gt=0, description="between batches of a continuous run, seconds (chosen)"
    )
    doubtful_partitions: int = Field(
        2, ge=1, description="tasks that look at doubtful messages in Python (chosen)"
    )
    retry_seconds: float = Field(
        120, ge=0, description="how long a failed dependency is waited for, seconds (chosen)"
    )
    retry_first_seconds: float = Field(
        1, gt=0, description="first pause before a retry; each later one doubles, seconds (given)"
    )
    retry_max_seconds: float = Field(60, gt=0, description="longest pause, seconds (given)")
    connect_seconds: float = Field(
        10, gt=0, description="until a server must answer at the start, seconds (chosen)"
    )
    target_file_mib: int = Field(128, ge=1, description="size compaction aims at, MiB (chosen)")
    small_files: int = Field(
        32, ge=2, description="files below half that size that start a compaction (chosen)"
    )
    compact_every: int = Field(
        20, ge=1, description="batches between two looks at the file sizes (chosen)"
    )
    max_attempts: int = Field(
        3, ge=1, description="replays of a dead letter before it is parked (given)"
    )
    rules_file: Path | None = Field(
        None, description="rules of bronze rows; conf/stack/quality.yaml when absent"
    )
    quarantine_limit: float = Field(
        0.05, ge=0, le=1, description="largest share of decoded rows set aside (chosen)"
    )
    gate_rows: int = Field(
        100, ge=1, description="decoded rows from which that share can stop a run (chosen)"
    )
