"""The credit run: extract, transform, load, each step in a file of its own."""

import shutil
import tempfile
from pathlib import Path

from pyspark.sql import SparkSession

from pipelines.core.errors import ConfigError
from pipelines.core.quality import preload
from pipelines.core.runlog import RunLog
from pipelines.core.summary import RunSummary, begin_summary
from pipelines.credit import steps
from pipelines.credit.backtest import backtest
from pipelines.credit.config import CreditConfig
from pipelines.credit.lake import CreditLake
from pipelines.credit.outcome import measure
from pipelines.credit.request import Request
from pipelines.credit.result import Run
from pipelines.credit.sources import Source, open_source
from pipelines.credit.tables import publish


def run(session: SparkSession, config: CreditConfig, request: Request, log: RunLog) -> RunSummary:
    """Train, score and watch applications for loans.

    Raises:
        SangamError: see `jobs/credit_score.py --help` for the exit codes.
    """
    preload()
    scratch = Path(tempfile.mkdtemp(prefix="sangam-"))
    try:
        if request.input.startswith("german"):
            from pipelines.credit.german import run_german

            return run_german(session, config, request, log)
        with log.step("open"):
            source = open_source(session, request.input, config, request.dry_run)
        lake = CreditLake(session, str(scratch / "lake") if request.dry_run else request.lake)
        state = _begin(lake, config, request, source, log)
        if request.command == "backtest":
            backtest(state)
        else:
            _steps(state)
        return _finish(state)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _begin(
    lake: CreditLake, config: CreditConfig, request: Request, source: Source, log: RunLog
) -> Run:
    as_of = request.as_of or source.as_of
    if as_of is None:
        raise ConfigError("--as-of YYYY-MM-DD is needed: which day's applications are meant?")
    inputs = {source.name: source.digest}
    summary = begin_summary(
        "credit_score", config, as_of, source.digest, inputs, variant=request.command
    )
    log.name(summary)
    return Run(lake, config, request, source, as_of, log, summary)


def _steps(state: Run) -> None:
    """The steps of a command in order; `run` takes them all."""
    command = state.request.command
    trains, scores = command in ("run", "train"), command in ("run", "score")
    if state.source.portfolio:
        if command != "score":
            raise ConfigError(
                f"--input {state.source.name}: finished features are for `score`: say so"
            )
        if not state.request.dry_run:
            steps.score_finished(state)
        return
    if command == "score" and (state.request.scorecard or not state.request.dry_run):
        state.card = steps.choose_card(state)  # before minutes of work that need one
    if trains or scores:
        steps.extract(state, trains, scores)
        steps.features(state)
    if state.request.dry_run:
        return
    if trains:
        steps.train(state)
    if scores:
        steps.score(state)
    if command in ("run", "monitor"):
        steps.monitor(state)


def _finish(state: Run) -> RunSummary:
    summary, log, request = state.summary, state.log, state.request
    summary.metrics = measure(state)
    if request.dry_run:
        summary.status = "dry_run"
    else:
        with log.step("tables"):
            publish(state)
    log.close(summary)
    if request.report and not request.dry_run:
        from pipelines.credit.report import write_report

        log.write_report(summary, request.report, lambda page: write_report(state, page))
    return summary
