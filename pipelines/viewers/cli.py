"""Command line of the viewer analytics."""

from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.core.job import AddFlag, OpenLog, job_main, refuse_alone, sets_key
from pipelines.viewers.request import Request

if TYPE_CHECKING:
    from pipelines.core.summary import RunSummary
    from pipelines.viewers.config import ViewersConfig

JOB = "viewer_analytics"


def main(doc: str | None) -> int:
    """Parse the arguments, run the job, print its summary."""
    return job_main(JOB, doc, "pipelines.viewers.config:ViewersConfig", Request, _add_flags, _run)


def _add_flags(add: AddFlag) -> None:
    add("--input", default="match", help="match, or a folder of recorded messages (%(default)s)")
    add("--viewers", metavar="N", help="base audience of the match (2000)",
        **sets_key("match.viewers", int))  # fmt: skip
    add("--lake", type=Path, default=Path("lake"), metavar="DIR",
        help="root of the tables (%(default)s)")  # fmt: skip
    add("--verify", action="store_true", help="count once more in Spark and compare row for row")
    add("--stack", action="store_true", help="read and write the topics of Kafka until stopped")
    add("--job", choices=("match", "taste"), default="match",
        help="with --stack: count the match, or keep tastes of viewers (%(default)s)")  # fmt: skip
    add("--seconds", type=float, metavar="N", help="with --stack: stop after so long")


def _run(config: "ViewersConfig", request: Request, open_log: OpenLog) -> "RunSummary":
    others = {"--seconds": request.seconds is not None, "--job taste": request.job == "taste"}
    refuse_alone("--stack", request.stack, others)
    from pipelines.viewers.pipeline import run

    return run(config, request, open_log())
