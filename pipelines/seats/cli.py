"""Command line of the seat allocation job."""

from typing import TYPE_CHECKING

from pipelines.core.errors import ConfigError
from pipelines.core.job import AddFlag, OpenLog, job_main
from pipelines.seats.request import Request

if TYPE_CHECKING:
    from pipelines.core.summary import RunSummary
    from pipelines.seats.config import SeatsConfig

JOB = "seat_allocation"
INPUTS = "synthetic[:N], a folder, a .psv file, ledger, kafka://rail.booking_requests.v1[?day=D]"


def main(doc: str | None) -> int:
    """Parse the arguments, run the job, print its summary."""
    return job_main(JOB, doc, "pipelines.seats.config:SeatsConfig", Request, _add_flags, _run)


def _add_flags(add: AddFlag) -> None:
    add("--input", default="synthetic", help=INPUTS)
    add("--lake", default="./lake-rail", metavar="DIR", help="root of the tables (%(default)s)")
    add("--intake", action="store_true", help="apply new events in micro-batches to the ledger")
    add("--follow", type=float, metavar="SECONDS",
        help="with --intake from Kafka: go on until nothing has come for so long")  # fmt: skip


def _run(config: "SeatsConfig", request: Request, open_log: OpenLog) -> "RunSummary":
    if request.follow and not (request.intake and request.input.startswith("kafka://")):
        raise ConfigError(
            "--follow waits for messages: give --intake and --input kafka://rail.booking_requests.v1"
        )
    from pipelines.core.spark import build_session
    from pipelines.seats.follow import follow
    from pipelines.seats.pipeline import run

    session = build_session(JOB, {"spark.python.daemon.module": "pipelines.seats.daemon"})
    if request.follow:
        return follow(session, config, request, open_log)
    return run(session, config, request, open_log())
