"""The fraud run without a broker: payments, slow path, hot path, decisions, figures."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.flink import build_environment, checkpoints_in, flink_options
from pipelines.core.flink_jvm import compile_quickly
from pipelines.core.machine import git_state
from pipelines.core.privacy import key_from_env
from pipelines.core.runlog import RunLog
from pipelines.core.summary import RunSummary
from pipelines.core.wire import Wire
from pipelines.upi_fraud.build import DeciderPlan
from pipelines.upi_fraud.config import UpiConfig
from pipelines.upi_fraud.evaluate import amounts_only, evaluate
from pipelines.upi_fraud.files import (
    FILE_OPTIONS,
    open_files,
    read_outcomes,
    write_messages,
    write_reference,
)
from pipelines.upi_fraud.flags import make_flags
from pipelines.upi_fraud.garbage import collect_rarely
from pipelines.upi_fraud.hot_path import HOT_OPTIONS, decide_stream
from pipelines.upi_fraud.intake import Intake
from pipelines.upi_fraud.network import find_patterns, read_edges
from pipelines.upi_fraud.outcome import (
    DECIDED,
    count_outcomes,
    make_summary,
    measure,
    write_files,
)
from pipelines.upi_fraud.reference import Reference
from pipelines.upi_fraud.replay import check_replay
from pipelines.upi_fraud.request import Request
from pipelines.upi_fraud.result import Run
from pipelines.upi_fraud.sources import Source, open_source


def run(config: UpiConfig, request: Request, log: RunLog) -> RunSummary:
    """Decide all payments of the input.

    Raises:
        SangamError: see `jobs/upi_fraud.py --help` for the exit codes.
    """
    if request.stack:
        from pipelines.upi_fraud.stack import run_stack

        return run_stack(config, request, log)
    compile_quickly()
    collect_rarely()
    scratch = Path(tempfile.mkdtemp(prefix="sangam-"))
    try:
        with log.step("open") as step:
            source = open_source(request.input, request.truth, config)
            step.rows = source.payments.num_rows
        summary = make_summary(config, request, {source.name: source.digest})
        log.name(summary)
        summary.counts["read"] = source.payments.num_rows
        if request.dry_run:
            summary.status, summary.counts = "dry_run", {"read": source.payments.num_rows}
            log.close(summary)
            return summary
        result = _decide(source, config, request, scratch, log)
        count_outcomes(result, summary)
        with log.step("write"):
            write_files(result, request.lake, summary)
        with log.step("replay"):
            result.replayed = check_replay(source, result.plan, result.decisions)
        with log.step("evaluate"):
            if source.truth is not None:
                result.quality = evaluate(result.decisions, source.truth, config.costs)
                plain = amounts_only(result.decisions)
                result.baseline = evaluate(plain, source.truth, config.costs)
        measure(result, summary, log)
        log.close(summary)
        if request.report is not None:
            _write_report(result, config, summary, request.report, log)
        return summary
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _decide(source: Source, config: UpiConfig, request: Request, scratch: Path, log: RunLog) -> Run:
    """Slow path as one bounded batch, then the hot path with its flags."""
    tokeniser = key_from_env(source.is_public)
    intake = Intake(config.intake_limits(), tokeniser)
    flags = _slow_path(source, config, intake, scratch, log)
    plan = DeciderPlan(
        config, request.profile, tokeniser, str(git_state(Path(__file__).parents[2])["git_sha"]),
        str(scratch / "reference.parquet"), model=str(request.model) if request.model else None,
    )  # fmt: skip
    write_messages(source.payments, scratch / "messages.parquet")
    records = [(0, one["merchant_id"], one) for one in source.merchants]
    records += [(1, f"{one['kind']}|{one['subject']}", one) for one in flags]
    write_reference(records, scratch / "reference.parquet")
    with log.step("decide") as step:
        options = flink_options("upi-decide", config.flink) | HOT_OPTIONS | FILE_OPTIONS
        tables = build_environment(options | checkpoints_in(scratch / "checkpoints"))
        open_files(tables, scratch)
        decide_stream(tables, config, plan)
        tables.execute_sql("INSERT INTO outcome_files SELECT * FROM outcomes").wait()
        step.rows = source.payments.num_rows
    with log.step("read decisions"):
        outcomes = read_outcomes(scratch)
        wire = Wire("upi.Decision")
        chosen = outcomes.filter(pc.is_in(outcomes["kind"], pa.array(DECIDED, pa.int32())))
        decisions = [wire.decode(value) for value in chosen["message_value"].to_pylist()]
    return Run(source, plan, intake.notes, flags, outcomes, decisions)


def _slow_path(
    source: Source, config: UpiConfig, intake: Intake, scratch: Path, log: RunLog
) -> list[dict[str, Any]]:
    with log.step("edges"):
        edges = read_edges(source.raws(), intake)
    with log.step("network"):
        options = flink_options("upi-network", config.flink)
        tables = build_environment(options | checkpoints_in(scratch / "checkpoints"))
        found = find_patterns(tables, edges, config.network, scratch)
    known = Reference(config.reference.activation_ms).add_all(source.merchants)
    return make_flags(found, config.network, known)


def _write_report(
    result: Run, config: UpiConfig, summary: RunSummary, folder: Path, log: RunLog
) -> None:
    from pipelines.upi_fraud.report import write_report

    log.write_report(summary, folder, lambda page: write_report(result, config, summary, page))
