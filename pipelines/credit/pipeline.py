"""The credit run: extract, transform, load, each step in a file of its own."""

import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

from pyspark.sql import DataFrame, SparkSession

from pipelines.core.config import config_hash
from pipelines.core.errors import ConfigError
from pipelines.core.quality import preload
from pipelines.core.runlog import RunLog
from pipelines.core.summary import RunSummary, make_run_id
from pipelines.credit import steps
from pipelines.credit.backtest import backtest
from pipelines.credit.config import CreditConfig
from pipelines.credit.extract import Intake
from pipelines.credit.lake import CreditLake
from pipelines.credit.outcome import Findings, measure
from pipelines.credit.scorecard import Scorecard
from pipelines.credit.scoring import ScoreTally
from pipelines.credit.sources import Source, open_source
from pipelines.credit.tables import publish
from pipelines.credit.training import Training

Command = Literal["run", "train", "score", "monitor", "backtest"]


@dataclass(frozen=True)
class Request:
    """What the user asked for on the command line.

    Attributes:
        command: run (all of the next three), train, score, monitor or backtest.
        input: synthetic[:N], german, a folder or a URI.
        lake: root of the Delta tables.
        scorecard: score with this exported scorecard.
        as_of: business day; generated data brings its own.
        dry_run: check inputs and print the plan only.
        report: folder of report.html and run.json.
    """

    command: Command = "run"
    input: str = "synthetic"
    lake: str = "./lake-credit"
    scorecard: Path | None = None
    as_of: date | None = None
    dry_run: bool = False
    report: Path | None = None


@dataclass
class Run:
    """A run on its way: what it works on, and what its steps found.

    Attributes:
        lake, config, request, source, as_of, log: what it works on.
        summary: what `run.json` will hold.
        intake: counts of the inputs.
        training, card, scores, findings: results of the steps, None before them.
        features_built: customers with features at `as_of`.
    """

    lake: CreditLake
    config: CreditConfig
    request: Request
    source: Source
    as_of: date
    log: RunLog
    summary: RunSummary
    intake: Intake = field(default_factory=Intake)
    training: Training | None = None
    card: Scorecard | None = None
    scores: ScoreTally | None = None
    findings: Findings = field(default_factory=Findings)
    quarantined: list[DataFrame] = field(default_factory=list)


def open_run(request: Request, style: Literal["text", "json"]) -> tuple[SparkSession, RunLog]:
    """Session and log of a run."""
    from pipelines.core.spark import build_session
    from pipelines.credit.generate import AS_OF

    as_of = request.as_of or AS_OF
    return build_session("credit_score", steps.SESSION), RunLog(
        "credit_score", "", as_of, style=style
    )


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
            source = open_source(session, request.input, config)
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
    hashed = config_hash(config)
    summary = RunSummary(
        "credit_score",
        make_run_id(f"credit_score-{request.command}", hashed, as_of, source.digest),
        as_of,
        config=config.model_dump(mode="json"),
        config_hash=hashed,
        inputs={source.name: source.digest},
    )
    return Run(lake, config, request, source, as_of, log, summary)


def _steps(state: Run) -> None:
    """The steps of a command in order; `run` takes them all."""
    command = state.request.command
    trains, scores = command in ("run", "train"), command in ("run", "score")
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
    summary.seconds = {name: round(spent, 3) for name, spent in log.seconds.items()}
    summary.total_seconds = log.elapsed
    summary.metrics["seconds"] = log.elapsed
    summary.warnings = list(log.warnings)
    summary.check_accounting()
    if request.report and not request.dry_run:
        from pipelines.credit.report import write_run_report

        with log.step("report"):
            write_run_report(state, request.report / "report.html")
        summary.seconds["report"] = round(log.seconds["report"], 3)
        summary.write_run_json(request.report)
    return summary
