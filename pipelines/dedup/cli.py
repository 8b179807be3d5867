"""Command line of the dedup job."""

from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.core.job import AddFlag, OpenLog, job_main
from pipelines.dedup.request import Request

if TYPE_CHECKING:
    from pipelines.core.summary import RunSummary
    from pipelines.dedup.config import DedupConfig

JOB = "dedup"
# Between two steps few rows travel, each of them many records: code for rows, and plans made anew
# by what was seen of them, cost more than they spare.
PLANS = {"spark.sql.adaptive.enabled": "false", "spark.sql.codegen.wholeStage": "false"}


def main(doc: str | None) -> int:
    """Parse the arguments, run the job, print its summary."""
    return job_main(JOB, doc, "pipelines.dedup.config:DedupConfig", Request, _add_flags, _run)


def _add_flags(add: AddFlag) -> None:
    add("--input", default="febrl3", help="febrl1..febrl4, synthetic:N, a path or a URI")
    add("--mapping", type=Path, metavar="FILE", help="YAML: which columns take part, and how")
    add("--truth", metavar="FILE_OR_COLUMN", help="entity of each record, for evaluation only")
    add("--lake", default="./lake", metavar="DIR", help="root of the Delta tables (%(default)s)")
    add("--model", type=Path, metavar="FILE", help="score with a saved model, train nothing")
    add("--replan", action="store_true", help="with --model: cut the candidate buckets anew")
    add("--mode", choices=("full", "incremental"), default="full",
        help="all records, or new ones against those in the lake (%(default)s)")  # fmt: skip
    add("--decisions", type=Path, metavar="FILE", help="CSV with decisions of reviewers")


def _run(config: "DedupConfig", request: Request, open_log: OpenLog) -> "RunSummary":
    from pipelines.core.quality import preload
    from pipelines.core.spark import build_session
    from pipelines.dedup.pipeline import run

    preload()  # while the JVM starts
    session = build_session(JOB, PLANS)
    return run(session, config, request, open_log())
