"""Transform: from the rows of a source to clusters, all records or new ones against the others."""

import hashlib
import json
from concurrent.futures import Executor, Future
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark import inheritable_thread_target

from pipelines.core.local_rows import Rows
from pipelines.core.packed import Records
from pipelines.dedup.decide import Band, DecideSettings
from pipelines.dedup.earlier_pairs import earlier_edges, keep_edges, kept_edges
from pipelines.dedup.edge_table import write_edges
from pipelines.dedup.edges import Scoring, pair_scorer
from pipelines.dedup.increment import Increment
from pipelines.dedup.increment_intake import take_in_increment
from pipelines.dedup.intake import Intake, take_in
from pipelines.dedup.key_source import KeySource
from pipelines.dedup.known_clusters import known_before
from pipelines.dedup.leaf_files import keep_plan
from pipelines.dedup.matching import (
    Candidates,
    collect_edges,
    compare_candidates,
    fit_model,
    make_candidates,
    make_comparison,
    make_keys,
    prepare_comparison,
    score_candidates,
)
from pipelines.dedup.model import Model, check_model, layout_of, load_model
from pipelines.dedup.pairs import Comparison
from pipelines.dedup.planning import PreFlight, partitions_for, plan_candidates
from pipelines.dedup.resolution import resolve
from pipelines.dedup.result import Run
from pipelines.dedup.tables import standing_decisions
from pipelines.dedup.task import Task
from pipelines.dedup.touched import Before, keep_cuts, kept_cuts
from pipelines.dedup.training import Marginals, measure_marginals

I64 = npt.NDArray[np.int64]

LARGE_LEAF = 4  # times the split size, beyond which a new plan is advised


def transform(task: Task, beside: Executor) -> Run:
    """Take in the rows, compare what may belong together, and cluster it.

    Args:
        task: what there is to do.
        beside: does what the next step does not wait for.
    """
    config, log, session = task.config, task.log, task.lake.session
    loading = _begin_model(task, beside)
    with log.step("records") as step:
        intake, increment = open_intake(task, beside)
        step.rows = intake.counts["out"]
    comparison = make_comparison(intake, config)
    given = None if loading is None else _end_model(loading, task, intake, comparison)
    with log.step("keys"):
        frequencies = prepare_comparison(intake, comparison, given)
        measured = intake.store, comparison, intake.weights, config
        known: Model | Future[Marginals] = given or beside.submit(measure_marginals, *measured)
        keys = make_keys(session, intake, _partitions(task, intake), increment)
    with log.step("plan"):
        preflight = _plan(task, intake, keys, given)
    with log.step("compare") as step:
        pairs = make_candidates(session, intake, keys, preflight.plan, increment)
        candidates, compared = compare_candidates(pairs, comparison, preflight.plan)
        step.rows = int(compared.counts["pairs"].sum())
        if increment is not None:
            _advise(candidates, preflight, task)
    with log.step("train"):
        if isinstance(known, Future):
            plan, learned = candidates.plan, known.result()
            known = fit_model(compared, learned, frequencies, intake, comparison, plan, config)
        model = known.with_plan(candidates.plan)
        keep_plan(str(task.folder), model.plan_id)
    with log.step("score"):
        scoring = _scoring(task, comparison, model)
        edges = score_candidates(compared, scoring)
        stamp = _stamp_of(task, intake, model, scoring.decisions)
        strong, seeds = _strong_edges(edges, task, intake, scoring, increment, stamp)
        written = _begin_edges(beside, task, edges, scoring, intake, model, increment)
    with log.step("cluster"):
        before = None if increment is None else _before(task, increment, stamp, seeds)
        resolution = resolve(strong, intake.store, intake.mapping, scoring.decisions,
                             pair_scorer(intake.store, scoring), config, before)  # fmt: skip
        keep_cuts(task.folder, stamp, resolution.guarded)
    return Run(task.source, intake, preflight, candidates, compared, model, scoring, edges,
               strong, resolution, written, increment)  # fmt: skip


def plan_only(task: Task, beside: Executor) -> tuple[Intake, PreFlight]:
    """Check the input and plan the candidates."""
    with task.log.step("records"):
        intake, _ = open_intake(task, beside)
        intake.gate.result()
    with task.log.step("plan"):
        keys = make_keys(task.lake.session, intake, partitions=2)
        return intake, plan_candidates(task.lake.session, intake, keys, task.config.candidates)


def open_intake(task: Task, beside: Executor) -> tuple[Intake, Increment | None]:
    """Take in the rows, beside those of earlier runs where the request says so."""
    what = (
        task.source, task.config, task.lake, task.tokeniser, task.request.as_of, task.folder,
        task.run_id,
    )  # fmt: skip
    if task.request.mode == "incremental":
        return take_in_increment(*what, is_local=task.is_local)
    return take_in(*what, beside), None


def _begin_model(task: Task, beside: Executor) -> Future[Model] | None:
    """Begin to read the model that was given; a full run without one trains its own."""
    path = _given_path(task)
    return None if path is None else beside.submit(load_model, path)


def _end_model(loading: Future[Model], task: Task, intake: Intake, comparison: Comparison) -> Model:
    """The model that was given, held to what this run compares."""
    model, layout = loading.result(), layout_of(intake.mapping, task.config)
    check_model(model, _given_path(task), comparison.comparators, layout)
    return model


def _given_path(task: Task) -> Path | None:
    """The model of the command line; an increment goes on with that of the last run."""
    path = task.request.model
    return path or task.history.model if task.request.mode == "incremental" else path


def _plan(task: Task, intake: Intake, keys: KeySource, model: Model | None) -> PreFlight:
    """Choose how candidate buckets are cut, or go on with the plan of the model.

    Raises:
        GateError: the rows do not pass the quality gate, or no plan fits the budget.
    """
    intake.gate.result()
    planned = None if task.request.replan else model
    preflight = plan_candidates(task.lake.session, intake, keys, task.config.candidates, planned)
    if preflight.warning:
        task.log.warning(preflight.warning)
    return preflight


def _advise(candidates: Candidates, preflight: PreFlight, task: Task) -> None:
    """Say when the plan of earlier runs has become too coarse for what has come since."""
    limit = LARGE_LEAF * preflight.plan.split_size
    if candidates.largest > limit or candidates.made > preflight.budget:
        task.log.warning(
            f"replan advised: a bucket holds {candidates.largest} records (plan: "
            f"{preflight.plan.split_size}) and {candidates.made:,} pairs were made (budget: "
            f"{preflight.budget:,}); a full run with --model and --replan cuts the buckets anew"
        )


def _partitions(task: Task, intake: Intake) -> int:
    cores = task.lake.session.sparkContext.defaultParallelism
    if task.is_local:
        return cores
    records, keys = len(intake.store.nodes), len(intake.layout.family_of_key)
    return partitions_for(records, keys, cores, task.config.partitions)


def _decide_settings(task: Task) -> DecideSettings:
    return DecideSettings(
        match_posterior=task.config.score.match_posterior,
        review_posterior=task.config.score.review_posterior,
        decisive_quality=task.config.captures.decisive,
        sibling_rule=task.source.mapping.sibling_rule,
    )


def _scoring(task: Task, comparison: Comparison, model: Model) -> Scoring:
    """How pairs are scored, under the decisions of reviewers that hold."""
    decisions = standing_decisions(
        task.history, task.request.decisions, task.tokeniser, task.run_id, task.log
    )
    return Scoring(comparison, model.weights, _decide_settings(task), decisions)


def _begin_edges(
    beside: Executor, task: Task, edges: Rows, scoring: Scoring, intake: Intake, model: Model,
    increment: Increment | None,
) -> Future[None]:  # fmt: skip
    """Begin to write the table of the edges, which waits for no clusters."""
    write = inheritable_thread_target(task.lake.session)(write_edges)
    return beside.submit(
        write, task.lake, edges, scoring, intake.layout.names, increment, model.model_id,
        task.run_id,
    )  # fmt: skip


def _stamp_of(task: Task, intake: Intake, model: Model, decisions: pa.Table) -> str:
    """Says what the bands of pairs follow from, besides their records."""
    config = task.config.model_dump(mode="json", exclude={"local_rows"})  # where, not what
    plain = [
        model.model_id, config, intake.mapping.model_dump(mode="json"),
        decisions.select(["review_id", "decision"]).to_pylist(),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]


def _strong_edges(
    edges: Rows, task: Task, intake: Intake, scoring: Scoring, increment: Increment | None,
    stamp: str,
) -> tuple[Records, I64 | None]:  # fmt: skip
    """Edges of band REVIEW and MATCH of all records, kept for the next increment.

    Returns:
        The edges, and of an increment the seeds of `touched.Before`.
    """
    strong, seeds = collect_edges(edges, Band.REVIEW), None
    if increment is not None:
        strong, seeds = _with_earlier(strong, task, intake, scoring, increment, stamp)
    keep_edges(task.folder, strong, stamp)
    return strong, seeds


def _with_earlier(
    strong: Records, task: Task, intake: Intake, scoring: Scoring, increment: Increment, stamp: str
) -> tuple[Records, I64 | None]:
    """The strong edges of an increment and, in one order with them, those of earlier runs."""
    known = kept_edges(increment.union.folder, stamp, increment.gone)
    if known is None:
        names, seeds = intake.layout.names, None
        earlier = earlier_edges(task.lake, intake.store, scoring, increment.gone, names)
    else:
        earlier, left = known
        ends = [strong["a"], strong["b"], left["a"], left["b"]]
        seeds = np.unique(np.concatenate([*ends, increment.fresh]))
    both = np.concatenate([strong, earlier])
    ordered: Records = both[np.lexsort((both["b"], both["a"]))]
    return ordered, seeds


def _before(task: Task, increment: Increment, stamp: str, seeds: I64 | None) -> Before:
    known = known_before(task.lake, increment.union)
    return Before(known, kept_cuts(increment.union.folder, stamp), seeds)
