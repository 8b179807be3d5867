"""The steps of a run, each a thin layer over the file that does the work."""

from functools import reduce
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.core.errors import ConfigError
from pipelines.credit import extract as intake
from pipelines.credit.applications import NOT_THIN, applicants_on, join_features
from pipelines.credit.challenger import compare_models, train_challenger
from pipelines.credit.features import FeatureInputs, build_features, require_one_row_each
from pipelines.credit.intake import Tally
from pipelines.credit.lake import APPLICATIONS, DAYS, FEATURES, SCORES, TRADELINES
from pipelines.credit.metrics import count_scores
from pipelines.credit.monitoring import find_drift, find_unfairness, score_counts
from pipelines.credit.portfolio import require_unique, score_portfolio
from pipelines.credit.result import Run
from pipelines.credit.samples import Sample
from pipelines.credit.scorecard import Scorecard, load_scorecard
from pipelines.credit.scorer import card_scores
from pipelines.credit.scoring import invalid_rows, score_applications, write_scores
from pipelines.credit.training import collect_sample, register, registered
from pipelines.credit.training import train as fit

SESSION = {
    # A generated method above 8,000 bytecodes is never compiled by HotSpot and runs interpreted:
    # better to leave whole-stage code generation for the plain operators.
    "spark.sql.codegen.hugeMethodLimit": "8000",
    # Adaptive execution joins small partitions; large inputs need tasks that fit a small heap.
    "spark.sql.shuffle.partitions": "64",
    # The workers read files as big as their memory; this allocator costs them a fifth less.
    "spark.executorEnv.ARROW_DEFAULT_MEMORY_POOL": "mimalloc",
}


def extract(state: Run, trains: bool, scores: bool) -> None:
    """Accept the input's rows into the lake."""
    source, lake, config, run_id = state.source, state.lake, state.config, state.summary.run_id
    settings = (source, lake, config, run_id, state.intake)
    with state.log.step("extract") as step:
        past = intake.training_snapshots(source, state.as_of) if trains else []
        state.intake.snapshots = [*past, *([state.as_of] if scores else [])]
        if not state.intake.snapshots:
            raise ConfigError(
                f"train: no outcome in `outcomes` was known by {state.as_of}, so nothing to train"
                " on; give a later --as-of, or older outcomes"
            )
        intake.take_days(*settings, state.as_of)
        intake.take_tradelines(*settings)
        intake.take_applications(*settings, state.as_of, state.intake.snapshots)
        state.quarantined += state.intake.quarantined
        step.rows = sum(tally.read for tally in state.intake.tallies.values())


def features(state: Run) -> None:
    """Features of the applicants of every snapshot, each from the days before it."""
    lake, days = state.lake, state.lake.staged_or_published(DAYS)
    lines, applications = lake.staged_or_published(TRADELINES), lake.seen(APPLICATIONS)
    assert days is not None  # noqa: S101 - extract wrote both
    assert applications is not None  # noqa: S101
    with state.log.step("features") as step:
        counts, parts = {}, []
        for day in state.intake.snapshots:
            who, counts[day] = applicants_on(lake, day, applications)
            inputs = FeatureInputs(days, who, lines, counts[day])
            parts.append(build_features(inputs, day, state.config, state.summary.run_id))
        rows = reduce(DataFrame.unionByName, parts)
        written = lake.replace_days(FEATURES, rows, "as_of_date", state.intake.snapshots)
        step.rows = sum(counts.values())
        for day, count in counts.items():
            found = lake.day_rows(FEATURES, written.version, day, ["customer_id"])
            require_one_row_each(found["customer_id"], count)


def at_day(state: Run, table: str) -> DataFrame:
    """Rows of a table at the business day of the run.

    Raises:
        ConfigError: the table does not exist.
    """
    rows = state.lake.staged_or_published(table)
    if rows is None:
        raise ConfigError(f"lake {state.lake.root}: there is no table {table}; run `score` first")
    return rows.where(F.col("as_of_date") == F.lit(state.as_of))


def train(state: Run) -> None:
    """Fit, check, register and export a scorecard."""
    outcomes = intake.known_outcomes(state.source)
    assert outcomes is not None  # noqa: S101 - there are training snapshots
    past = [day for day in state.intake.snapshots if day < state.as_of]
    with state.log.step("train") as step:
        state.training = fit(state.lake, outcomes, past, state.as_of, state.config)
        card = state.training.card
        state.card = register(state.lake, card, state.as_of, state.summary.run_id)
        if "://" not in state.lake.root:
            state.card.save(Path(state.lake.root) / "scorecards")
        step.rows = len(state.training.sample)
    state.findings.out_of_fold = count_scores(state.training.unseen, state.training.sample.is_bad)


def score(state: Run) -> None:
    """Score the applications of the business day by `state.card`."""
    assert state.card is not None  # noqa: S101 - it was trained or chosen before
    applications, found = at_day(state, APPLICATIONS), at_day(state, FEATURES)
    with state.log.step("score") as step:
        scores, invalid = score_applications(
            applications, found, state.card, state.as_of, state.summary.run_id
        )
        count = applications.count()
        _write_scores(state, scores, invalid, count)
        step.rows = count


def score_finished(state: Run) -> None:
    """Score a table of finished features; each of its rows is an application."""
    state.card, folder = choose_card(state), state.source.portfolio
    assert folder is not None  # noqa: S101 - the caller looked
    with state.log.step("score") as step:
        scores, invalid, count = score_portfolio(
            state.lake.session, folder, state.source.tables["features"], state.card, state.as_of,
            state.summary.run_id,
        )  # fmt: skip
        _write_scores(state, scores, invalid, count)
        require_unique(at_day(state, SCORES))
        state.intake.tallies["applications"] = Tally("applications", count, 0, count)
        step.rows = count


def _write_scores(state: Run, scores: DataFrame, invalid: DataFrame, expected: int) -> None:
    state.scores = write_scores(state.lake, scores, invalid, expected, state.as_of)
    if state.scores.invalid:
        state.quarantined.append(invalid_rows(invalid, state.summary.run_id))


def choose_card(state: Run) -> Scorecard:
    """The scorecard of `--scorecard`, else the newest registered one.

    Raises:
        ConfigError: there is none.
    """
    if state.request.scorecard is not None:
        card = load_scorecard(state.request.scorecard)
        if card.is_benchmark_only:
            raise ConfigError(
                f"{state.request.scorecard}: BENCHMARK_ONLY, it may not score; train one"
            )
        return card
    versions = registered(state.lake, "main")
    if not versions:
        raise ConfigError(
            f"lake {state.lake.root}: no scorecard is registered; run `train`, or give --scorecard"
        )
    return versions[max(versions)]


def _scoring_card(state: Run, scores: DataFrame) -> Scorecard:
    """The scorecard that made the scores.

    Raises:
        ConfigError: nothing was scored, or its scorecard is not registered.
    """
    row = scores.select("scorecard_id", "scorecard_version").first()
    known = registered(state.lake, row["scorecard_id"]) if row else {}
    if row is None or row["scorecard_version"] not in known:
        raise ConfigError(
            f"{state.as_of}: there are no scores of a registered scorecard; run `score` first"
        )
    return known[row["scorecard_version"]]


def monitor(state: Run) -> None:
    """Drift, fairness, and with outcomes performance, of the scores of the business day."""
    scores, found = at_day(state, SCORES), state.findings
    state.card = state.card or _scoring_card(state, scores)
    rows = join_features(
        at_day(state, APPLICATIONS).drop("run_id", "as_of_date"), at_day(state, FEATURES)
    ).where(F.col("thin_file_reason") == NOT_THIN)
    with state.log.step("monitor"):
        found.drift = find_drift(rows, scores, state.card, state.config)
        outcomes = intake.known_outcomes(state.source)
        if outcomes is not None:
            outcomes = outcomes.where(F.col("as_of_date") == F.lit(state.as_of))
            found.holdout = score_counts(scores, outcomes)
        attributes = state.source.get("fairness")
        if attributes is not None:
            found.fairness = find_unfairness(
                rows, scores, attributes, state.card, state.config.fairness
            )
        if state.source.truth is not None:
            found.ceiling = _ceiling(state, scores)
    if state.training and outcomes is not None and state.config.challenger.is_trained:
        with state.log.step("challenger"):
            _challenge(state, rows, outcomes)


def _ceiling(state: Run, scores: DataFrame) -> float | None:
    """Expected AUC of the true probabilities over the scored applications."""
    from pipelines.credit.synthetic.truth import known_ceiling

    truth = state.source.truth
    assert truth is not None  # noqa: S101 - generated data only
    scored = scores.where("raw_score IS NOT NULL").select("application_id")
    rows = truth.join(scored, "application_id", how="left_semi").toArrow()
    return known_ceiling(rows["probability"].to_numpy()) if rows.num_rows else None


def _challenge(state: Run, rows: DataFrame, outcomes: DataFrame) -> None:
    """Train the challenger on the champion's sample and compare both on the business day."""
    from pipelines.credit.catalog import CATALOG

    training, settings, config = state.training, state.config.challenger, state.config
    assert training is not None  # noqa: S101 - the caller looked
    labels = outcomes.where("is_default IS NOT NULL").select("application_id", "is_default")
    labelled = rows.join(labels, "application_id", how="inner")
    held = config.model_copy(
        update={"fit": config.fit.model_copy(update={"sample_rows": settings.rows})}
    )
    test: Sample = collect_sample(labelled, labelled.count(), CATALOG, held)
    if not 0 < test.is_bad.sum() < len(test):
        return
    challenger = train_challenger(training.sample, CATALOG, settings, config.seed)
    raw = card_scores(training.card, test)
    state.findings.comparison = compare_models(
        raw, challenger.predict(test), test.is_bad, settings.resamples, config.seed
    )
