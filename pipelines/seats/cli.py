"""Command line of the seat allocation job."""

from argparse import Namespace

from pipelines.core.cli import job_parser, main_guard

JOB = "seat_allocation"


def main(doc: str | None) -> int:
    """Parse the arguments, run the job, print its summary."""
    parser = job_parser(JOB, doc, "pipelines.seats.config:SeatsConfig")
    add = parser.add_argument
    add(
        "--input",
        default="synthetic",
        help="synthetic[:N], a folder, a .psv file, ledger, kafka://rail.booking_requests.v1[?day=D]",
    )
    add("--lake", default="./lake-rail", metavar="DIR", help="root of the tables (%(default)s)")
    add("--intake", action="store_true", help="apply new events in micro-batches to the ledger")
    add(
        "--follow",
        type=float,
        metavar="SECONDS",
        help="with --intake from Kafka: go on until nothing has come for so long",
    )
    arguments = parser.parse_args()
    if arguments.follow and not (arguments.intake and arguments.input.startswith("kafka://")):
        parser.error("--follow goes with --intake and --input kafka://...")
    return main_guard(lambda: _run(arguments), arguments.debug)


def _run(arguments: Namespace) -> None:
    from pipelines.core.config import load_config
    from pipelines.seats.config import SeatsConfig

    config, _ = load_config(SeatsConfig, JOB, arguments.config, arguments.sets)
    from datetime import UTC, datetime

    from pipelines.core.runlog import RunLog
    from pipelines.core.spark import build_session
    from pipelines.core.summary import print_table
    from pipelines.seats.pipeline import run
    from pipelines.seats.request import Request

    request = Request(
        arguments.input, arguments.lake, arguments.as_of, arguments.intake, arguments.dry_run,
        arguments.report,
    )  # fmt: skip
    session = build_session(JOB, {"spark.python.daemon.module": "pipelines.seats.daemon"})
    shown = arguments.as_of or datetime.now(UTC).date()
    if arguments.follow:
        from pipelines.seats.follow import follow

        summary = follow(session, config, request, arguments.log, arguments.follow)
    else:
        summary = run(session, config, request, RunLog(JOB, "", shown, style=arguments.log))
    print_table(summary, arguments.log)
