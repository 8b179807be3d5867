"""The dedup run: extract, transform, load, each step in a file of its own."""

import hashlib
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pyspark.sql import SparkSession

from pipelines.core.errors import ConfigError
from pipelines.core.lake import Lake
from pipelines.core.privacy import key_from_env
from pipelines.core.runlog import RunLog
from pipelines.core.spark import start_workers
from pipelines.core.summary import RunSummary, begin_summary
from pipelines.dedup.config import DedupConfig
from pipelines.dedup.evaluate import Evaluation
from pipelines.dedup.kept_store import keep_store, store_folder
from pipelines.dedup.known_clusters import TABLE as CLUSTERS
from pipelines.dedup.known_clusters import keep_known
from pipelines.dedup.outcome import entities_of, evaluate_run, measure
from pipelines.dedup.request import Request
from pipelines.dedup.result import Run
from pipelines.dedup.row_stage import TABLE
from pipelines.dedup.sources import Source, open_source
from pipelines.dedup.tables import model_file, publish, read_history
from pipelines.dedup.task import Task
from pipelines.dedup.transform import plan_only, transform

I64 = npt.NDArray[np.int64]


def run(session: SparkSession, config: DedupConfig, request: Request, log: RunLog) -> RunSummary:
    """Deduplicate one input.

    Raises:
        SangamError: see `jobs/dedup.py --help` for the exit codes.
    """
    if request.dry_run and request.mode == "incremental":
        raise ConfigError("--dry-run plans a full run; an incremental one keeps the plan it has")
    if request.replan and (request.model is None or request.mode == "incremental"):
        raise ConfigError("--replan goes with --model FILE and a full run")
    if request.mode == "full":
        start_workers(session)
    scratch = Path(tempfile.mkdtemp(prefix="sangam-"))
    try:
        with log.step("open"):
            source = open_source(
                session, request.input, config, request.mapping, request.truth, request.dry_run
            )
        summary = _summary(config, request, source)
        log.name(summary)
        task = _task(session, source, config, request, scratch, log, summary.run_id)
        if request.mode == "incremental" and not task.is_local:
            start_workers(session)
        try:
            return _plan(task, summary) if request.dry_run else _run(task, summary)
        finally:
            shutil.rmtree(task.folder, ignore_errors=True)  # unless it was kept, under another name
    finally:
        session.catalog.clearCache()
        shutil.rmtree(scratch, ignore_errors=True)


def _task(
    session: SparkSession, source: Source, config: DedupConfig, request: Request, scratch: Path,
    log: RunLog, run_id: str,
) -> Task:  # fmt: skip
    root = str(scratch / "lake") if request.dry_run else request.lake
    lake = Lake(session, root)
    with log.step("history"):
        history = read_history(lake, request.decisions is not None, request.mode == "full")
    folder = store_folder(lake, scratch)
    tokeniser = key_from_env(source.is_public)
    return Task(source, config, request, lake, history, tokeniser, folder, run_id, log)


def _run(task: Task, summary: RunSummary) -> RunSummary:
    request, log = task.request, task.log
    with ThreadPoolExecutor(1, "beside") as beside:
        result = transform(task, beside)
        with log.step("tables"):
            publish(result, task.history, task.lake, summary, log)
    summary.inputs["model"] = str(_save_model(result, request.lake, request.report))
    with log.step("evaluate"):
        entity = entities_of(result)
        evaluation = evaluate_run(result, entity) if task.source.truth is not None else None
        summary.metrics |= measure(result, evaluation)
    log.close(summary)
    if request.report:
        _write_report(result, summary, evaluation, entity, request.report, log)
    version = task.lake.published(TABLE)
    if version is not None:
        known = task.lake.published(CLUSTERS)
        assert known is not None  # noqa: S101 (published with the records)
        keep_known(task.folder, known, result.resolution.known)
        keep_store(task.lake, task.folder, version, result.intake.layout)
    return summary


def _plan(task: Task, summary: RunSummary) -> RunSummary:
    """Plan in a scratch lake; nothing else is written."""
    with ThreadPoolExecutor(1, "beside") as beside:
        intake, preflight = plan_only(task, beside)
    summary.status, summary.counts = "dry_run", intake.counts
    summary.metrics = {
        "pairs_predicted": preflight.predicted,
        "pairs_budget": preflight.budget,
        "start_depth": preflight.plan.depth,
        "split_size": preflight.plan.split_size,
    }
    return summary


def _summary(config: DedupConfig, request: Request, source: Source) -> RunSummary:
    files = [
        file.read_bytes() for file in (request.decisions, request.model) if file and file.exists()
    ]
    said = [source.digest.encode(), request.mode.encode(), *files]
    inputs = hashlib.sha256(b"".join(said)).hexdigest()
    return begin_summary("dedup", config, request.as_of, inputs, {source.name: source.digest})


def _save_model(result: Run, lake: str, report: Path | None) -> Path | None:
    """Keep the model beside the tables: its frequency table holds names, as they do."""
    path = model_file(lake, result.model.model_id)
    if "://" not in lake:
        if not path.exists():  # its name follows from its content
            result.model.save(path)
        return path
    if report is None:
        return None
    result.model.save(report / "model.json")
    return report / "model.json"


def _write_report(
    result: Run, summary: RunSummary, evaluation: Evaluation | None, entity: I64, folder: Path,
    log: RunLog,
) -> None:  # fmt: skip
    from pipelines.dedup.report import write_report
    from pipelines.dedup.report_input import report_input

    log.write_report(
        summary, folder,
        lambda page: write_report(report_input(result, summary, evaluation, entity), page),
    )  # fmt: skip
