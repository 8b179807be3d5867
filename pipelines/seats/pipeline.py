"""The run: extract, transform, load, each step in a file of its own."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import date
from pathlib import Path

import pandas as pd
from pyspark.sql import DataFrame, SparkSession

from pipelines.core.errors import ConfigError, SangamError
from pipelines.core.privacy import key_from_env
from pipelines.core.quality import preload, validate
from pipelines.core.runlog import RunLog
from pipelines.core.summary import RunSummary, begin_summary
from pipelines.seats.arrange import Ages
from pipelines.seats.checks import Limits
from pipelines.seats.config import SeatsConfig
from pipelines.seats.execution import Allotted, TaskSettings, allot
from pipelines.seats.intake import run_intake
from pipelines.seats.ledger import PUBLISHED, ledger_events
from pipelines.seats.outcome import add_up, gate_checks, measure, reasons_of, run_counts
from pipelines.seats.planning import is_plan_file, run_planning
from pipelines.seats.plans import read_plans
from pipelines.seats.request import Request
from pipelines.seats.result import Run
from pipelines.seats.sources import Source, open_source
from pipelines.seats.stage import key_events, partition_events, stage_events, train_lookup
from pipelines.seats.tables import (
    DayLake,
    drop_files,
    publish,
    stage_tables,
    task_files,
    write_quarantine,
)
from pipelines.seats.times import end_of_day
from pipelines.seats.turn import only_intake
from pipelines.seats.verify import KEY, require, verify_tables
from pipelines.seats.warm import warm_kernel


def run(session: SparkSession, config: SeatsConfig, request: Request, log: RunLog) -> RunSummary:
    """Allot the seats of the input.

    Raises:
        SangamError: see `jobs/seat_allocation.py --help` for the exit codes.
    """
    preload()
    with log.step("warm up"):
        warm_kernel()
    scratch = Path(tempfile.mkdtemp(prefix="sangam-"))
    lake_root = str(scratch / "lake") if request.dry_run else request.lake
    try:
        if is_plan_file(request.input):
            return run_planning(session, config, request, lake_root, log)
        with only_intake(lake_root) if request.intake else nullcontext():
            return _run_days(session, config, request, lake_root, log)
    finally:
        session.catalog.clearCache()
        shutil.rmtree(scratch, ignore_errors=True)


def _run_days(
    session: SparkSession, config: SeatsConfig, request: Request, lake_root: str, log: RunLog
) -> RunSummary:
    """Everything but planning lines: allot the days of the input, or apply it to the ledger."""
    with log.step("open"):
        source = open_source(
            session, request.input, config, lake_root if request.intake else request.lake,
            is_intake=request.intake, is_dry_run=request.dry_run,
        )  # fmt: skip
        as_of = request.as_of or _last_day(source)
        plans = read_plans(source.trains, config, end_of_day(as_of))
    days = tuple(sorted({train.service_date for train in plans.trains}))
    lake = DayLake(session, lake_root, files=None, days=days)
    summary = _summary(config, as_of, source)
    log.name(summary)
    result = Run(source, plans, lake)
    if request.intake:
        run_intake(source, plans, lake, config, task_settings(config, source), summary, log)
    else:
        _allot(result, config, as_of, summary, log)
    if request.dry_run:
        summary.status, summary.tables = "dry_run", {}
    elif not request.intake:
        with log.step("publish"):
            publish(lake, summary)
    log.close(summary)
    if request.report and not request.dry_run:
        if request.intake:
            summary.write_run_json(request.report)
        else:
            _write_report(result, config, summary, request.report, log)
    return summary


def _last_day(source: Source) -> date:
    """Last service date among the trains.

    Raises:
        ConfigError: there is no train.
    """
    days: list[date] = source.trains["service_date"].to_pylist()
    if not days:
        raise ConfigError(
            f"--input {source.name}: there is no train in it; give a row for each train and date"
        )
    return max(days)


def _summary(config: SeatsConfig, as_of: date, source: Source) -> RunSummary:
    inputs = {source.name: source.digest, **source.reached}
    return begin_summary("seat_allocation", config, as_of, source.digest, inputs)


def _allot(result: Run, config: SeatsConfig, as_of: date, summary: RunSummary, log: RunLog) -> None:
    """Check, decide, write, verify: everything but the publication."""
    start = log.elapsed
    source, lake = result.source, result.lake
    limits = Limits(config.rules.group_limit, end_of_day(as_of))
    with log.step("check"):
        events, records = _open_events(result, limits)
    with log.step("allot") as step:
        allotted = _run_kernel(events, records, result, config, summary.run_id)
        numbers = add_up(allotted.counts)
        numbers = {**numbers, "read": numbers["read"] + source.dead, "dlq": source.dead}
        step.rows = numbers["read"]
    with _dropping(allotted, lake):
        summary.counts, result.reasons = run_counts(numbers), reasons_of(numbers)
        summary.check_accounting()
        checks = gate_checks(summary.counts, result.reasons, config.max_reject_share)
        result.quality = validate(checks)
        if summary.counts["quarantined"]:
            write_quarantine(lake, allotted.quarantine, source.name, summary.run_id)
        result.quality.require(result.reasons)
    with log.step("tables"):
        stage_tables(allotted.parts, lake)
    with log.step("verify"):
        result.violations = verify_tables(lake, result.plans)
        require(result.violations)
    result.classes = _class_figures(lake)
    bookings = sum(number for name, number in numbers.items() if name.startswith("status:"))
    summary.metrics = measure(result.classes, bookings, log.elapsed - start)
    summary.metrics["double_sold"] = result.violations["double_sold"]


def _open_events(result: Run, limits: Limits) -> tuple[DataFrame, int]:
    """Checked events, and about how many records they stand for."""
    source, session = result.source, result.lake.session
    if source.ledger is None:
        return stage_events(source.requests, source.cancellations, result.plans, limits)
    sold = ledger_events(source.ledger, train_lookup(session, result.plans))
    keys = key_events(session, len(result.plans.plans))
    return sold.drop(PUBLISHED).unionByName(keys), source.ledger.count()


def task_settings(config: SeatsConfig, source: Source) -> TaskSettings:
    """Constants of the run, for its tasks."""
    rules = config.rules
    return TaskSettings(
        Ages(rules.senior_age, rules.child_age, rules.lower_berth_age_female),
        key_from_env(source.is_public),
        source.ledger is not None,
        config.numbering_variants,
        config.efficiency_epsilon,
    )


def _run_kernel(
    events: DataFrame, records: int, result: Run, config: SeatsConfig, run_id: str
) -> Allotted:
    """Run all tasks; enough partitions for the size of the day and every core busy."""
    session = events.sparkSession
    cores = session.sparkContext.defaultParallelism
    wanted = config.partitions or max(2 * cores, -(-records // config.rows_per_partition))
    settings = task_settings(config, result.source)
    plans = session.sparkContext.broadcast(result.plans)
    files = task_files(result.lake, run_id)
    return allot(partition_events(events, wanted), plans, settings, files)


@contextmanager
def _dropping(allotted: Allotted, lake: DayLake) -> Iterator[None]:
    """Remove the files of a run that a gate stops."""
    try:
        yield
    except SangamError:
        drop_files(allotted.parts, lake)
        raise


def _class_figures(lake: DayLake) -> pd.DataFrame:
    """Figures per class, with its segments summed up."""
    names = ("demand", "places", "allocated")
    rows = lake.staged_rows("rail_segment_metrics", [*KEY, *names])
    seats = rows.group_by(list(KEY)).aggregate([(name, "sum") for name in names]).to_pandas()
    seats = seats.rename(columns={f"{name}_sum": f"seat_{name}" for name in names})
    classes = lake.staged_rows("rail_class_metrics").drop_columns("run_id").to_pandas()
    joined = classes.merge(seats, "inner", list(KEY))
    return joined.sort_values(list(KEY)).reset_index(drop=True)


def _write_report(
    result: Run, config: SeatsConfig, summary: RunSummary, folder: Path, log: RunLog
) -> None:
    from pipelines.seats.report import write_report
    from pipelines.seats.report_input import report_input

    log.write_report(
        summary, folder, lambda page: write_report(report_input(result, config, summary), page)
    )
