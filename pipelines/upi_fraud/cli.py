"""Command line of the fraud job."""

from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.core.errors import ConfigError
from pipelines.core.job import AddFlag, OpenLog, job_main, refuse_alone, sets_key
from pipelines.upi_fraud.request import Request

if TYPE_CHECKING:
    from pipelines.core.summary import RunSummary
    from pipelines.upi_fraud.config import UpiConfig

JOB = "upi_fraud"


def main(doc: str | None) -> int:
    """Parse the arguments, run the job, print its summary."""
    return job_main(JOB, doc, "pipelines.upi_fraud.config:UpiConfig", Request, _add_flags, _run)


def _add_flags(add: AddFlag) -> None:
    add("--input", default="synthetic", metavar="FILE_OR_GENERATOR",
        help="synthetic, synthetic:N, or a Parquet file of messages (%(default)s)")  # fmt: skip
    add("--truth", type=Path, metavar="FILE", help="Parquet: kind of each fraud, for evaluation")
    add("--profile", choices=("strict", "upi", "paytm", "tiers"), default="strict",
        help="rule profile (%(default)s)")  # fmt: skip
    add("--seed", metavar="N", help="of the generator (seed of the configuration)",
        **sets_key("seed", int))  # fmt: skip
    add("--lake", type=Path, default=Path("lake-upi"), metavar="DIR",
        help="folder of the decisions (%(default)s)")  # fmt: skip
    add("--model", type=Path, metavar="DIR", help="folder of a model; none decides by rules alone")
    add("--stack", action="store_true", help="read and write Kafka until stopped")
    add("--once", action="store_true", help="with --stack: end when all that is there is decided")
    add("--job", choices=("decide", "network"), default="decide",
        help="with --stack: decide, or find patterns for flags (%(default)s)")  # fmt: skip


def _run(config: "UpiConfig", request: Request, open_log: OpenLog) -> "RunSummary":
    others = {"--once": request.once, "--job network": request.job == "network"}
    refuse_alone("--stack", request.stack, others)
    if request.model is not None and not request.model.is_dir():
        raise ConfigError(
            f"--model {request.model}: no such folder; `python -m pipelines.upi_fraud.train --out"
            " DIR` makes one, and without --model rules decide alone"
        )
    from pipelines.upi_fraud.pipeline import run

    return run(config, request, open_log())
