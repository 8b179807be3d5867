"""Command line of the fraud job."""

from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path

from pipelines.core.cli import job_parser, main_guard

JOB = "upi_fraud"


def main(doc: str | None) -> int:
    """Parse the arguments, run the job, print its summary."""
    parser = job_parser(JOB, doc, "pipelines.upi_fraud.config:UpiConfig")
    add = parser.add_argument
    add("--input", default="synthetic", metavar="FILE_OR_GENERATOR",
        help="synthetic, synthetic:N, or a Parquet file of messages (%(default)s)")  # fmt: skip
    add("--truth", type=Path, metavar="FILE", help="Parquet: kind of each fraud, for evaluation")
    add("--profile", choices=("strict", "upi", "paytm", "tiers"), default="strict",
        help="rule profile (%(default)s)")  # fmt: skip
    add("--seed", type=int, metavar="N", help="of the generator (seed of the configuration)")
    add("--out", type=Path, default=Path("reports", JOB, "out"), metavar="DIR",
        help="folder of the decisions (%(default)s)")  # fmt: skip
    add("--model", type=Path, metavar="DIR", help="folder of a model; none decides by rules alone")
    add("--stack", action="store_true", help="read and write Kafka until stopped")
    add("--bounded", action="store_true", help="with --stack: end at the newest offsets")
    add("--job", choices=("decide", "network"), default="decide",
        help="with --stack: decide, or find patterns for flags (%(default)s)")  # fmt: skip
    arguments = parser.parse_args()
    return main_guard(lambda: _run(arguments), arguments.debug)


def _run(arguments: Namespace) -> None:
    from pipelines.core.config import load_config
    from pipelines.upi_fraud.config import UpiConfig

    sets = list(arguments.sets)
    if arguments.seed is not None:
        sets.append(f"seed={arguments.seed}")
    config, provenance = load_config(UpiConfig, JOB, arguments.config, sets)
    from pipelines.core.runlog import RunLog
    from pipelines.core.summary import print_table
    from pipelines.upi_fraud.pipeline import run
    from pipelines.upi_fraud.request import Request

    as_of = arguments.as_of or datetime.now(UTC).date()
    request = Request(
        arguments.input, arguments.truth, arguments.profile, arguments.out, as_of,
        arguments.dry_run, arguments.report, arguments.stack, arguments.bounded,
        arguments.job, arguments.model,
    )  # fmt: skip
    log = RunLog(JOB, "", as_of, style=arguments.log)
    summary = run(config, request, log, provenance)
    print_table(summary, arguments.log)
