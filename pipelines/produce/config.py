"""Configuration of the producers: every number, with its unit and its origin."""

from pydantic import Field

from pipelines.core.config import JobConfig


class ProduceConfig(JobConfig):
    """All settings; `conf/produce.yaml` and `--set key=value` change them."""

    delivery_seconds: float = Field(
        10, ge=1, description="until a record counts as not delivered and is spooled (chosen)"
    )
    in_flight: int = Field(
        10_000, ge=1, description="records sent and not yet answered, at most (chosen)"
    )
    spool_mib: int = Field(512, ge=1, description="largest spool on disk, MiB (chosen)")
    drain_seconds: float = Field(
        60, ge=0, description="how long the end of a run waits for Kafka to take the spool (chosen)"
    )
    probe_seconds: float = Field(
        2, gt=0, description="between two tries to reach a broker that is away (chosen)"
    )
