"""The run: make or open the messages, one Flink job over them, decisions, tables, report."""

import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from pipelines.core.flink_jvm import compile_quickly, compile_what_lasts
from pipelines.core.runlog import RunLog
from pipelines.core.summary import RunSummary, begin_summary
from pipelines.viewers import tables
from pipelines.viewers.config import ViewersConfig
from pipelines.viewers.corrections import (
    CORRECTED,
    FINAL,
    correct_metrics,
    correct_sessions,
    find_touched,
    needed_messages,
)
from pipelines.viewers.counting import JOB, run_lanes
from pipelines.viewers.decide import raise_alerts, rank_trending
from pipelines.viewers.fairplay import sleepless_viewers
from pipelines.viewers.interactions import cast_of_titles
from pipelines.viewers.outcome import (
    Metrics,
    count_by,
    count_copies,
    measure,
    run_counts,
    with_ms,
    within_lateness,
)
from pipelines.viewers.preferences import read_preferences
from pipelines.viewers.request import Request
from pipelines.viewers.result import Run
from pipelines.viewers.sources import Source, open_source

NATIONAL_VIEWERS = 50_000_000
"""Audience that the given limits are for; a match of another size scales them."""

WINDOW = {"window_start_at": "window_start_ms", "window_end_at": "window_end_ms"}
SPAN = {"started_at": "started_ms", "ended_at": "ended_ms"}


def run(config: ViewersConfig, request: Request, log: RunLog) -> RunSummary:
    """Analyse a match.

    Raises:
        SangamError: see `jobs/viewer_analytics.py --help` for the exit codes.
    """
    if request.stack:
        return _follow(config, request, log)
    scratch = Path(tempfile.mkdtemp(prefix="sangam-"))
    try:
        with log.step("open") as step:
            source = open_source(request.input, config, scratch)
            step.rows = source.records
        config = fit_limits(config, request.input)
        summary = _summary(config, request, source)
        log.name(summary)
        if request.dry_run:
            summary.status, summary.counts = "dry_run", {"read": source.records}
            log.close(summary)
            return summary
        result = _analyse(source, config, summary, request.lake, scratch, log)
        if request.verify:
            _verify(result, config, summary, log)
        log.close(summary)
        if request.report:
            _write_report(result, config, summary, request.report, log)
        return summary
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _follow(config: ViewersConfig, request: Request, log: RunLog) -> RunSummary:
    if request.job == "taste":
        from pipelines.viewers.follow_tastes import follow_tastes

        return follow_tastes(config, request, log)
    from pipelines.viewers.follow import follow

    return follow(config, request, log)


def _summary(config: ViewersConfig, request: Request, source: Source) -> RunSummary:
    last = datetime.fromtimestamp(source.horizon_ms / 1000, UTC).date()
    inputs = {source.name: source.digest}
    return begin_summary(JOB, config, request.as_of or last, source.digest, inputs)


def _verify(result: Run, config: ViewersConfig, summary: RunSummary, log: RunLog) -> None:
    from pipelines.viewers.verify import verify

    with log.step("verify"):
        summary.metrics["spark_differences"] = verify(result, config)


def fit_limits(config: ViewersConfig, given: str) -> ViewersConfig:
    """National limits at the size of the synthetic match; recorded messages take them as set."""
    if given != "match" or config.alerts.scale != 1.0:
        return config
    scale = config.match.viewers / NATIONAL_VIEWERS
    return config.model_copy(update={"alerts": config.alerts.model_copy(update={"scale": scale})})


def _analyse(
    source: Source,
    config: ViewersConfig,
    summary: RunSummary,
    lake: Path,
    scratch: Path,
    log: RunLog,
) -> Run:
    """Count, correct, decide, check the counts, publish."""
    result = Run(source)
    if source.records <= config.short_run_messages:
        compile_quickly()
    else:
        compile_what_lasts()
    staged = tables.staging(lake, summary.run_id)
    with log.step("count") as step:
        run_lanes(source, config, staged, scratch)
        step.rows = source.records
    _read(result, staged)
    with log.step("correct"):
        corrected = correct(result, config, scratch)
    with log.step("decide"):
        result.alerts = raise_alerts(result.metrics, config)
        last = int(result.metrics["window_end_ms"].max())
        result.trending = rank_trending(result.sessions, config.trending_half_life_seconds, last)
        sleepless = sleepless_viewers(result.sessions, config.fair_play)
        result.suspects = pd.concat([result.suspects, sleepless], ignore_index=True)
    with log.step("tastes"):
        result.preferences = read_preferences(source.interactions, cast_of_titles())
    with log.step("reconcile"):
        _reconcile(result, config, summary)
    summary.metrics = _measure(result, config, log.seconds["count"])
    summary.metrics["corrected_rows"] = corrected
    with log.step("publish"):
        for name in ("metrics", "sessions", "alerts", "trending", "suspects", *_tastes(result)):
            tables.stage(staged, name, tables.without_ms(getattr(result, name)))
        summary.tables = tables.publish(lake, staged, summary.run_id)
    return result


def _reconcile(result: Run, config: ViewersConfig, summary: RunSummary) -> None:
    lateness = int(config.windows.lateness_seconds * 1000)
    copies = count_copies(result.source.folder)
    summary.counts = run_counts(
        result.source.records, copies, result.rejected, result.late, lateness
    )
    result.reasons = count_by(result.rejected, "code")
    summary.check_accounting()


def _tastes(result: Run) -> tuple[str, ...]:
    """The table of tastes, where anybody recorded interactions."""
    return ("preferences",) if len(result.preferences) else ()


def _measure(result: Run, config: ViewersConfig, seconds: float) -> Metrics:
    lengths = config.windows.slice_seconds * 1000, config.windows.minute_seconds * 1000
    found = measure(result.metrics, result.sessions, result.source.records, seconds, *lengths)
    fired = result.alerts[result.alerts["state"] == "FIRING"]
    is_step = fired["alert_type"] == "MILESTONE"
    return {
        **found,
        "alerts": int((~is_step).sum()),
        "milestones": int(is_step.sum()),
        "quality_commands": sum(result.commands.values()),
        "suspects": len(result.suspects),
        "taste_profiles": len(result.preferences),
    }


def _read(result: Run, staged: Path) -> None:
    """What Flink wrote; every row of metrics is final until late events correct it."""
    result.metrics = with_ms(tables.read_staged(staged, "metrics"), WINDOW)
    result.metrics = result.metrics.assign(revision=0, phase=FINAL)
    result.sessions = with_ms(tables.read_staged(staged, "sessions"), SPAN)
    result.rejected = tables.read_staged(staged, "rejected")
    result.late = tables.read_staged(staged, "late")
    result.suspects = tables.read_staged(staged, "suspects").to_pandas()
    result.commands = count_by(tables.read_staged(staged, "quality_commands"), "reason")


def correct(result: Run, config: ViewersConfig, scratch: Path) -> int:
    """Count again what late events touch; returns how many rows of metrics changed."""
    given = config.windows
    late = within_lateness(result.late, int(given.lateness_seconds * 1000))
    if not late.num_rows:
        return 0
    moments = late["kafka_time"].to_numpy().astype("datetime64[ms]").astype("int64").tolist()
    events = zip(late["message_key"].to_pylist(), moments, strict=True)
    touched = find_touched(events, given)
    staged = tables.staging(scratch, "again")
    patient = given.model_copy(
        update={"disorder_seconds": given.disorder_seconds + given.lateness_seconds}
    )
    again_config = config.model_copy(update={"windows": patient})
    run_lanes(result.source, again_config, staged, scratch, needed_messages(touched, given))
    again = with_ms(tables.read_staged(staged, "metrics"), WINDOW)
    result.metrics = correct_metrics(result.metrics, again, touched, given)
    sessions = with_ms(tables.read_staged(staged, "sessions"), SPAN)
    result.sessions = correct_sessions(result.sessions, sessions, touched)
    return int((result.metrics["phase"] == CORRECTED).sum())


def _write_report(
    result: Run, config: ViewersConfig, summary: RunSummary, folder: Path, log: RunLog
) -> None:
    from pipelines.viewers.report import write_report
    from pipelines.viewers.report_input import report_input

    log.write_report(
        summary, folder, lambda page: write_report(report_input(result, config, summary), page)
    )
