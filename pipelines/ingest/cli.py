"""Command line of the ingest job."""

from argparse import Namespace
from datetime import UTC, datetime

from pipelines.core.cli import job_parser, main_guard

JOB = "ingest"


def main(doc: str | None) -> int:
    """Parse the arguments, run the job, print its summary."""
    parser = job_parser(JOB, doc, "pipelines.ingest.config:IngestConfig")
    add = parser.add_argument
    add("--topic", required=True, help="topic of conf/stack/topics.yaml")
    add("--once", action="store_true", help="end when the messages that are there are stored")
    add(
        "--lake",
        default="./lake",
        metavar="DIR",
        help="local folder, or s3a://PREFIX for the buckets PREFIX-bronze ... (%(default)s)",
    )
    arguments = parser.parse_args()
    return main_guard(lambda: _run(arguments), arguments.debug)


def _run(arguments: Namespace) -> None:
    from pipelines.core.config import load_config
    from pipelines.ingest.config import IngestConfig

    config, _ = load_config(IngestConfig, JOB, arguments.config, arguments.sets)
    from pipelines.core.runlog import RunLog
    from pipelines.core.spark import build_session
    from pipelines.core.summary import print_table
    from pipelines.ingest.pipeline import run
    from pipelines.ingest.preflight import check_dependencies
    from pipelines.ingest.request import Request

    as_of = arguments.as_of or datetime.now(UTC).date()
    request = Request(
        arguments.topic, arguments.lake, arguments.once, as_of, arguments.dry_run, arguments.report
    )
    log = RunLog(JOB, "", as_of, style=arguments.log)
    with log.step("check"):
        check_dependencies(request.topic, request.lake, config.connect_seconds)
    summary = run(build_session(JOB), config, request, log)
    print_table(summary, arguments.log)
