"""Command line of the dedup job."""

from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path

from pipelines.core.cli import job_parser, main_guard

JOB = "dedup"
# Between two steps few rows travel, each of them many records: code for rows, and plans made anew
# by what was seen of them, cost more than they spare.
PLANS = {"spark.sql.adaptive.enabled": "false", "spark.sql.codegen.wholeStage": "false"}


def main(doc: str | None) -> int:
    """Parse the arguments, run the job, print its summary."""
    parser = job_parser(JOB, doc, "pipelines.dedup.config:DedupConfig")
    add = parser.add_argument
    add("--input", default="febrl3", help="febrl1..febrl4, synthetic:N, a path or a URI")
    add("--mapping", type=Path, metavar="FILE", help="YAML: which columns take part, and how")
    add("--truth", metavar="FILE_OR_COLUMN", help="entity of each record, for evaluation only")
    add("--lake", default="./lake", metavar="DIR", help="root of the Delta tables (%(default)s)")
    add("--model", type=Path, metavar="FILE", help="score with a saved model, train nothing")
    add("--replan", action="store_true", help="with --model: cut the candidate buckets anew")
    add("--mode", choices=("full", "incremental"), default="full",
        help="all records, or new ones against those in the lake (%(default)s)")  # fmt: skip
    add("--decisions", type=Path, metavar="FILE", help="CSV with decisions of reviewers")
    arguments = parser.parse_args()
    return main_guard(lambda: _run(arguments), arguments.debug)


def _run(arguments: Namespace) -> None:
    from pipelines.core.config import load_config
    from pipelines.dedup.config import DedupConfig

    config, _ = load_config(DedupConfig, JOB, arguments.config, arguments.sets)
    from pipelines.core.quality import preload
    from pipelines.core.runlog import RunLog
    from pipelines.core.spark import build_session
    from pipelines.core.summary import print_table
    from pipelines.dedup.pipeline import run
    from pipelines.dedup.request import Request

    as_of = arguments.as_of or datetime.now(UTC).date()
    request = Request(
        arguments.input, arguments.mapping, arguments.truth, arguments.lake, arguments.model,
        arguments.decisions, as_of, arguments.dry_run, arguments.report, arguments.mode,
        arguments.replan,
    )  # fmt: skip
    preload()  # while the JVM starts
    session = build_session(JOB, PLANS)
    log = RunLog(JOB, "", as_of, style=arguments.log)
    summary = run(session, config, request, log)
    print_table(summary, arguments.log)
