"""Command line of the credit job."""

from argparse import Namespace
from pathlib import Path

from pipelines.core.cli import job_parser, main_guard

JOB = "credit_score"
COMMANDS = ("run", "train", "score", "monitor", "backtest")


def main(doc: str | None) -> int:
    """Parse the arguments, run the job, print its summary."""
    parser = job_parser(JOB, doc, "pipelines.credit.config:CreditConfig")
    add = parser.add_argument
    add("command", nargs="?", choices=COMMANDS, default="run", help="what to do (%(default)s)")
    add("--input", default="synthetic", help="synthetic[:N], german, folder, URI, kafka://TOPIC")
    add("--lake", default="./lake-credit", metavar="DIR", help="root of the tables (%(default)s)")
    add("--scorecard", type=Path, metavar="FILE", help="score with this exported scorecard")
    arguments = parser.parse_args()
    return main_guard(lambda: _run(arguments), arguments.debug)


def _run(arguments: Namespace) -> None:
    from pipelines.core.config import load_config
    from pipelines.credit.config import CreditConfig

    config, _ = load_config(CreditConfig, JOB, arguments.config, arguments.sets)
    from pipelines.core.summary import print_table
    from pipelines.credit.pipeline import open_run, run
    from pipelines.credit.request import Request

    request = Request(
        arguments.command, arguments.input, arguments.lake, arguments.scorecard, arguments.as_of,
        arguments.dry_run, arguments.report,
    )  # fmt: skip
    session, log = open_run(request, arguments.log)
    summary = run(session, config, request, log)
    print_table(summary, arguments.log)
