"""Command line of the viewer analytics."""

from argparse import Namespace

from pipelines.core.cli import job_parser, main_guard

JOB = "viewer_analytics"


def main(doc: str | None) -> int:
    """Parse the arguments, run the job, print its summary."""
    parser = job_parser(JOB, doc, "pipelines.viewers.config:ViewersConfig")
    add = parser.add_argument
    add("--input", default="match", help="match, or a folder of recorded messages (%(default)s)")
    add("--viewers", type=int, metavar="N", help="base audience of the match (2000)")
    add("--lake", default="./lake", metavar="DIR", help="root of the tables (%(default)s)")
    add("--verify", action="store_true", help="count once more in Spark and compare row for row")
    add("--stack", action="store_true", help="read and write the topics of Kafka until stopped")
    add("--seconds", type=float, metavar="N", help="with --stack: stop after so long")
    arguments = parser.parse_args()
    return main_guard(lambda: _run(arguments), arguments.debug)


def _run(arguments: Namespace) -> None:
    from datetime import UTC, datetime
    from pathlib import Path

    from pipelines.core.config import load_config
    from pipelines.core.runlog import RunLog
    from pipelines.core.summary import print_table
    from pipelines.viewers.config import ViewersConfig
    from pipelines.viewers.pipeline import run
    from pipelines.viewers.request import Request

    given = list(arguments.sets)
    if arguments.viewers is not None:
        given.append(f"match.viewers={arguments.viewers}")
    config, _ = load_config(ViewersConfig, JOB, arguments.config, given)
    shown = arguments.as_of or datetime.now(UTC).date()
    log = RunLog(JOB, "", shown, style=arguments.log)
    if arguments.stack:
        from pipelines.viewers.follow import follow

        summary = follow(config, arguments.seconds, Path(arguments.lake), log)
        summary.write_run_json(arguments.report)
    else:
        request = Request(
            arguments.input, Path(arguments.lake), arguments.as_of, arguments.dry_run,
            arguments.report, arguments.verify,
        )  # fmt: skip
        summary = run(config, request, log)
    print_table(summary, arguments.log)
