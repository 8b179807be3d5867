"""Command line of the ingest job."""

from typing import TYPE_CHECKING

from pipelines.core.job import AddFlag, OpenLog, job_main
from pipelines.ingest.request import Request

if TYPE_CHECKING:
    from pipelines.core.summary import RunSummary
    from pipelines.ingest.config import IngestConfig

JOB = "ingest"


def main(doc: str | None) -> int:
    """Parse the arguments, run the job, print its summary."""
    return job_main(JOB, doc, "pipelines.ingest.config:IngestConfig", Request, _add_flags, _run)


def _add_flags(add: AddFlag) -> None:
    add("--topic", required=True, help="topic of conf/stack/topics.yaml")
    add("--once", action="store_true", help="end when the messages that are there are stored")
    add("--lake", default="./lake", metavar="DIR",
        help="folder, or s3a://PREFIX for the buckets PREFIX-bronze ... (%(default)s)")  # fmt: skip


def _run(config: "IngestConfig", request: Request, open_log: OpenLog) -> "RunSummary":
    from pipelines.core.spark import build_session
    from pipelines.ingest.pipeline import run
    from pipelines.ingest.preflight import check_dependencies

    log = open_log()
    with log.step("check"):
        check_dependencies(request.topic, request.lake, config.connect_seconds)
    return run(build_session(JOB), config, request, log)
