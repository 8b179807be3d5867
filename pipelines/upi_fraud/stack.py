"""The fraud run on Kafka: decisions at once, the ledger exactly once, until stopped."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from pipelines.core import endpoints
from pipelines.core.errors import ConfigError
from pipelines.core.flink import build_environment, checkpoints_in, flink_options
from pipelines.core.flink_tables import guarded_source, raw_sink, routed_sink
from pipelines.core.kafka import topic_spans
from pipelines.core.machine import git_state
from pipelines.core.privacy import key_from_env
from pipelines.core.runlog import RunLog
from pipelines.core.summary import RunSummary
from pipelines.upi_fraud.build import DeciderPlan
from pipelines.upi_fraud.config import UpiConfig
from pipelines.upi_fraud.decider import TOPIC, Kind
from pipelines.upi_fraud.follow import TOPICS
from pipelines.upi_fraud.hot_path import HOT_OPTIONS, decide_stream
from pipelines.upi_fraud.network_stack import run_network
from pipelines.upi_fraud.outcome import make_summary
from pipelines.upi_fraud.reconcile import number_in, read_records, reconcile
from pipelines.upi_fraud.running import running, wait
from pipelines.upi_fraud.topics import MILLIS, open_reference

if TYPE_CHECKING:
    from pipelines.upi_fraud.flink import Tables
    from pipelines.upi_fraud.request import Request

JOB = "upi-decide"
_GROUP = "sangam-upi-decide"
_DECIDED = f"kind IN ({Kind.APPROVED:d}, {Kind.VERIFY:d}, {Kind.ALERT:d})"
ANSWERS = (
    ("decisions", "upi.decisions.v1", _DECIDED),
    ("alerts", "upi.alerts.v1", f"kind = {Kind.ALERT:d}"),
)
"""Table, topic and condition of what is shown at once."""
BOOKS = {
    "upi.ledger.v1": _DECIDED,
    "upi.rejections.v1": f"kind IN ({Kind.REJECTED:d}, {Kind.COPY:d})",
    f"{TOPIC}.late": f"kind = {Kind.LATE:d}",
    f"{TOPIC}.dlq": f"kind = {Kind.DEAD:d}",
}
"""Topics that hold each outcome once, and which; all in the same transaction."""
_HEADERS = (
    f"CASE WHEN kind = {Kind.LATE:d} THEN MAP['sangam-lateness-ms',"
    " ENCODE(CAST(lateness_ms AS STRING), 'UTF-8')] ELSE CAST(NULL AS MAP<STRING, BYTES>) END"
)


def run_stack(config: UpiConfig, request: "Request", log: RunLog) -> RunSummary:
    """Decide what comes in until the process is stopped, or (`once`) until all has an outcome.

    Raises:
        ConfigError: the addresses of the stack or the token key are not set.
        DependencyError: Kafka cannot be reached, or the job failed.
        GateError: the counts of the topics do not add up.
    """
    servers = endpoints.kafka_servers()
    tokeniser = key_from_env(is_public_data=False)
    summary = make_summary(config, request, {"topic": TOPIC})
    log.name(summary)
    with log.step("open"):
        spans = topic_spans(servers, TOPIC)
    if request.dry_run:
        summary.status, summary.counts = "dry_run", {"read": number_in(spans)}
        log.close(summary)
        return summary
    if request.job == "network":
        with log.step("network"):
            summary.metrics = run_network(config, tokeniser, servers, request.once, log)
        summary.counts = {"read": number_in(spans)}
        log.close(summary)
        if request.report is not None:
            summary.write_run_json(request.report)
        return summary
    model = str(request.model.resolve()) if request.model is not None else None
    version = str(git_state(Path(__file__).parents[2])["git_sha"])
    plan = DeciderPlan(config, request.profile, tokeniser, version, servers=servers, model=model)
    with log.step("decide"), running(_submit(config, plan, servers)) as job:
        wait(
            job, lambda: request.once and reconcile(servers, spans).is_whole(spans),
            min(2.0, config.flink.checkpoint_seconds), log,
        )  # fmt: skip
    with log.step("reconcile"):
        found = reconcile(servers, spans)
    summary.counts, summary.metrics = found.counts(number_in(spans)), found.metrics()
    spent = log.seconds["decide"]
    summary.metrics["decisions_per_second"] = summary.counts["read"] / spent if spent else None
    summary.check_accounting()
    log.close(summary)
    if request.report is not None:
        page = partial(_write_page, servers, found.reasons, summary)
        log.write_report(summary, request.report, page)
    return summary


def _write_page(servers: str, reasons: Mapping[str, int], summary: RunSummary, path: Path) -> None:
    """Page of what the topics hold."""
    from pipelines.upi_fraud.report import write_stack_report

    decisions = read_records(servers, "upi.ledger.v1", "upi.Decision")
    flags = read_records(servers, TOPICS[1], "upi.Flag")
    summary.metrics |= {
        "degraded": sum(one["is_degraded"] for one in decisions),
        "window_inexact": sum(not one["is_window_exact"] for one in decisions),
        "flags": len(flags),
    }
    write_stack_report(decisions, flags, reasons, summary, path)


def _submit(config: UpiConfig, plan: DeciderPlan, servers: str) -> Any:
    """Start the job; returns its client."""
    options = flink_options(JOB, config.flink, config.state_uri) | HOT_OPTIONS
    if config.state_uri is None:
        options |= checkpoints_in(Path(mkdtemp(prefix="sangam-upi-decide-")))
    if config.restore_from is not None:
        options["execution.state-recovery.path"] = checkpoint_of(config)
    tables = build_environment(options)
    open_topics(tables, config, servers)
    decide_stream(tables, config, plan)
    inserts = tables.create_statement_set()
    columns = f"message_key, message_value, TO_TIMESTAMP_LTZ(time_ms, 3), {_HEADERS}"
    for table, _, condition in ANSWERS:
        inserts.add_insert_sql(
            f"INSERT INTO {table} SELECT {columns} FROM outcomes WHERE {condition}"  # noqa: S608 (our own names)
        )
    routes = " ".join(f"WHEN {condition} THEN '{topic}'" for topic, condition in BOOKS.items())
    inserts.add_insert_sql(
        f"INSERT INTO books SELECT {columns}, CASE {routes} END FROM outcomes"  # noqa: S608
    )
    return inserts.execute().get_job_client()


def checkpoint_of(config: UpiConfig) -> str:
    """Checkpoint or savepoint that the configuration asks for.

    Raises:
        ConfigError: `newest` without a folder of complete checkpoints.
    """
    if config.restore_from != "newest":
        return str(config.restore_from)
    uri = str(config.state_uri)
    if not uri.startswith("file://"):
        raise ConfigError(f"restore_from: `newest` needs a state_uri file://..., not {uri}.")
    folder = Path(uri.removeprefix("file://"), "checkpoints")
    found = sorted(folder.glob("*/chk-*/_metadata"), key=lambda file: file.stat().st_mtime)
    if not found:
        raise ConfigError(f"restore_from: no complete checkpoint in {folder}.")
    return found[-1].parent.as_uri()


def open_topics(tables: "Tables", config: UpiConfig, servers: str) -> None:
    """Declare the topics that are read and written."""
    tables.execute_sql(
        guarded_source("transactions", TOPIC, servers, _GROUP, config.network.disorder_s)
    )
    tables.execute_sql(
        "CREATE TEMPORARY VIEW messages AS SELECT kafka_partition, kafka_offset, message_key,"  # noqa: S608
        f" message_value, {MILLIS} AS time_ms,"
        " COALESCE(DECODE(kafka_headers['sangam-attempt'], 'UTF-8'), '') AS attempt"
        " FROM transactions"
    )
    open_reference(tables, servers, _GROUP)
    for table, topic, _ in ANSWERS:
        tables.execute_sql(raw_sink(table, topic, servers, "prompt", JOB, config.flink))
    tables.execute_sql(routed_sink("books", list(BOOKS), servers, JOB, config.flink))
