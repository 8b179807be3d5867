"""Command line of the credit job."""

from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.core.job import AddFlag, OpenLog, job_main, refuse_alone
from pipelines.credit.request import Request

if TYPE_CHECKING:
    from pipelines.core.summary import RunSummary
    from pipelines.credit.config import CreditConfig

JOB = "credit_score"
COMMANDS = ("run", "train", "score", "monitor", "backtest")


def main(doc: str | None) -> int:
    """Parse the arguments, run the job, print its summary."""
    return job_main(JOB, doc, "pipelines.credit.config:CreditConfig", Request, _add_flags, _run)


def _add_flags(add: AddFlag) -> None:
    add("command", nargs="?", choices=COMMANDS, default="run", help="what to do (%(default)s)")
    add(
        "--input",
        default="synthetic",
        help="synthetic[:N], german, folder, URI, kafka://TOPIC, features:DIR",
    )
    add("--lake", default="./lake-credit", metavar="DIR", help="root of the tables (%(default)s)")
    add("--scorecard", type=Path, metavar="FILE", help="score with this exported scorecard")


def _run(config: "CreditConfig", request: Request, open_log: OpenLog) -> "RunSummary":
    refuse_alone("score", request.command == "score", {"--scorecard": bool(request.scorecard)})
    from pipelines.core.spark import build_session
    from pipelines.credit.pipeline import run
    from pipelines.credit.steps import SESSION

    return run(build_session(JOB, SESSION), config, request, open_log())
