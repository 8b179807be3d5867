"""The dedup run: extract, transform, load, each step in a file of its own."""

import hashlib
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pyspark.sql import DataFrame, SparkSession

from pipelines.core.config import config_hash
from pipelines.core.endpoints import object_store
from pipelines.core.lake import Lake
from pipelines.core.packed import Records
from pipelines.core.privacy import key_from_env
from pipelines.core.quality import preload
from pipelines.core.runlog import RunLog
from pipelines.core.summary import RunSummary, make_run_id
from pipelines.dedup.config import DedupConfig
from pipelines.dedup.decide import Band, DecideSettings
from pipelines.dedup.edges import Scoring
from pipelines.dedup.evaluate import Evaluation
from pipelines.dedup.intake import Intake, take_in
from pipelines.dedup.matching import (
    Candidates,
    Compared,
    collect_edges,
    compare_candidates,
    fit_model,
    make_candidates,
    make_comparison,
    make_keys,
    pair_scorer,
    prepare_frequencies,
    score_candidates,
)
from pipelines.dedup.model import Model, load_model
from pipelines.dedup.outcome import entities_of, evaluate_run, measure, measure_visible
from pipelines.dedup.planning import PreFlight, partitions_for, plan_candidates
from pipelines.dedup.resolution import Resolution, resolve
from pipelines.dedup.sources import Source, open_source
from pipelines.dedup.tables import History, publish, read_history, standing_decisions

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Request:
    """What the user asked for on the command line.

    Attributes:
        input: febrl1..febrl4, synthetic:N, a path or a URI.
        mapping: mapping file of an unknown table.
        truth: file or column with entity ids.
        lake: root of the Delta tables.
        model: score with this saved model instead of training.
        decisions: CSV with decisions of reviewers.
        as_of: business date.
        dry_run: plan only, write nothing.
        report: folder of report.html and run.json.
    """

    input: str = "febrl3"
    mapping: Path | None = None
    truth: str | None = None
    lake: str = "./lake"
    model: Path | None = None
    decisions: Path | None = None
    as_of: date = field(default_factory=date.today)
    dry_run: bool = False
    report: Path | None = None


@dataclass
class Run:
    """Results of the steps of a run, for the tables, the metrics and the report."""

    source: Source
    intake: Intake
    preflight: PreFlight
    candidates: Candidates
    compared: Compared
    model: Model
    scoring: Scoring
    edges: DataFrame
    strong: Records
    resolution: Resolution

    def strong_by_token(self) -> dict[tuple[str, str], np.void]:
        """Edges of band REVIEW and MATCH by the tokens of their ends."""
        store = self.intake.store
        sides = [store.tokens.take(store.rows_of(self.strong[s])).to_pylist() for s in ("a", "b")]
        return dict(zip(zip(*sides, strict=True), self.strong, strict=True))


def run(session: SparkSession, config: DedupConfig, request: Request, log: RunLog) -> RunSummary:
    """Deduplicate one input.

    Raises:
        SangamError: see `jobs/dedup.py --help` for the exit codes.
    """
    preload()
    scratch = Path(tempfile.mkdtemp(prefix="sangam-"))
    lake_root = str(scratch / "lake") if request.dry_run else request.lake
    try:
        with log.step("open"):
            source = open_source(session, request.input, config, request.mapping, request.truth)
        store = object_store("dedup") if lake_root.startswith("s3a://") else None
        lake = Lake(session, lake_root, store=store)
        summary = _summary(config, request, source)
        if request.dry_run:
            return _dry_run(source, config, lake, request, scratch, log, summary)
        with log.step("history"):
            history = read_history(lake, with_edges=request.decisions is not None)
        result = _transform(source, config, lake, request, scratch, log, history, summary.run_id)
        with log.step("tables"):
            publish(result, history, lake, summary, log)
        summary.inputs["model"] = str(_save_model(result, request.lake, request.report))
        with log.step("evaluate"):
            entity = entities_of(result)
            evaluation = evaluate_run(result, entity) if source.truth is not None else None
            summary.metrics |= measure(result, evaluation) | measure_visible(result, entity)
        summary.seconds = {name: round(spent, 3) for name, spent in log.seconds.items()}
        summary.total_seconds = log.elapsed
        summary.metrics["seconds"] = log.elapsed
        summary.check_accounting()
        if request.report:
            _write_report(result, summary, evaluation, entity, request.report, log)
        return summary
    finally:
        session.catalog.clearCache()
        shutil.rmtree(scratch, ignore_errors=True)


def _summary(config: DedupConfig, request: Request, source: Source) -> RunSummary:
    hashed = config_hash(config)
    files = [
        file.read_bytes() for file in (request.decisions, request.model) if file and file.exists()
    ]
    inputs = hashlib.sha256(b"".join([source.digest.encode(), *files])).hexdigest()
    return RunSummary(
        "dedup",
        make_run_id("dedup", hashed, request.as_of, inputs),
        request.as_of,
        config=config.model_dump(mode="json"),
        config_hash=hashed,
        inputs={source.name: source.digest},
    )


def _transform(
    source: Source, config: DedupConfig, lake: Lake, request: Request, scratch: Path, log: RunLog,
    history: History, run_id: str,
) -> Run:  # fmt: skip
    with log.step("records") as step:
        tokeniser = key_from_env(source.is_public)
        intake = take_in(source, config, lake, tokeniser, request.as_of, scratch / "store", run_id)
        step.rows = len(intake.store.nodes)
    cores = lake.session.sparkContext.defaultParallelism
    partitions = partitions_for(
        len(intake.store.nodes), len(intake.layout.family_of_key), cores, config.partitions
    )
    comparison = make_comparison(intake, config)
    model = load_model(request.model, comparison.comparators) if request.model else None
    with log.step("keys"):
        source_keys = make_keys(lake.session, intake, partitions)
    with log.step("plan"):
        preflight = plan_candidates(lake.session, intake, source_keys, config.candidates, model)
        if preflight.warning:
            log.warning(preflight.warning)
    with log.step("candidates") as step:
        candidates = make_candidates(lake.session, intake, source_keys, preflight.plan)
        step.rows = candidates.made
    with log.step("compare") as step:
        prepare_frequencies(intake, comparison, model)
        compared = compare_candidates(candidates, comparison)
        step.rows = int(compared.counts["pairs"].sum())
    with log.step("train"):
        model = model or fit_model(compared, intake, comparison, candidates.plan, config)
    with log.step("score"):
        decisions = standing_decisions(history, request.decisions, tokeniser, run_id, log)
        scoring = Scoring(comparison, model.weights, _decide_settings(config, source), decisions)
        edges = score_candidates(compared, scoring)
        strong = collect_edges(edges, Band.REVIEW)
    with log.step("cluster"):
        scorer = pair_scorer(intake, comparison, scoring)
        resolution = resolve(strong, intake.store, intake.mapping, decisions, scorer, config)
    return Run(
        source, intake, preflight, candidates, compared, model, scoring, edges, strong, resolution
    )


def _decide_settings(config: DedupConfig, source: Source) -> DecideSettings:
    return DecideSettings(
        match_posterior=config.score.match_posterior,
        review_posterior=config.score.review_posterior,
        decisive_quality=config.captures.decisive,
        sibling_rule=source.mapping.sibling_rule,
    )


def _dry_run(
    source: Source, config: DedupConfig, lake: Lake, request: Request, scratch: Path, log: RunLog,
    summary: RunSummary,
) -> RunSummary:  # fmt: skip
    """Check the input and plan the candidates in a scratch lake; nothing else is written."""
    with log.step("records"):
        tokeniser = key_from_env(source.is_public)
        intake = take_in(
            source, config, lake, tokeniser, request.as_of, scratch / "store", summary.run_id
        )
    with log.step("plan"):
        source_keys = make_keys(lake.session, intake, partitions=2)
        preflight = plan_candidates(lake.session, intake, source_keys, config.candidates)
    summary.status, summary.counts = "dry_run", intake.counts
    summary.metrics = {
        "pairs_predicted": preflight.predicted,
        "pairs_budget": preflight.budget,
        "start_depth": preflight.plan.depth,
        "split_size": preflight.plan.split_size,
    }
    return summary


def _save_model(result: Run, lake: str, report: Path | None) -> Path | None:
    """Keep the model beside the tables: its frequency table holds names, as they do."""
    folder = report if "://" in lake else Path(lake) / "models" / result.model.model_id
    if folder is None:
        return None
    result.model.save(folder / "model.json")
    return folder / "model.json"


def _write_report(
    result: Run, summary: RunSummary, evaluation: Evaluation | None, entity: I64, folder: Path,
    log: RunLog,
) -> None:  # fmt: skip
    from pipelines.dedup.report import write_report
    from pipelines.dedup.report_input import report_input

    with log.step("report"):
        write_report(report_input(result, summary, evaluation, entity), folder / "report.html")
    summary.seconds["report"] = round(log.seconds["report"], 3)
    summary.write_run_json(folder)
