"""The slow path on Kafka, a job of its own: its backpressure never delays a decision."""

from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from pipelines.core.flink import build_environment, checkpoints_in, flink_options
from pipelines.core.flink_tables import guarded_source, raw_sink
from pipelines.core.kafka import topic_spans
from pipelines.core.privacy import Tokeniser
from pipelines.core.runlog import RunLog
from pipelines.upi_fraud.config import UpiConfig
from pipelines.upi_fraud.decider import TOPIC
from pipelines.upi_fraud.follow import TOPICS
from pipelines.upi_fraud.network import findings_query, open_views
from pipelines.upi_fraud.reconcile import number_in
from pipelines.upi_fraud.running import running, wait
from pipelines.upi_fraud.topics import MILLIS, open_reference

if TYPE_CHECKING:
    from pipelines.upi_fraud.flink import Tables

JOB = "upi-network"
_GROUP = "sangam-upi-network"
_FLAGS = TOPICS[1]
_STATE_HOURS = 25
"""How long an id is remembered to leave out its copies, and a day of edges: the longest window."""

_FILTERS = {
    "is_fan_in": "merchant_id IS NULL",
    "is_pass_in": "merchant_id IS NULL",
    "is_pass_out": "TRUE",
    "is_shared": "device IS NOT NULL",
    "is_collusion": "merchant_id IS NOT NULL",
}
_EDGES = f"""
CREATE TEMPORARY VIEW arriving AS
SELECT e.transaction_id, e.payer, e.payee, e.paise, e.device, e.merchant_id,
  t.kafka_time AS event_at, PROCTIME() AS moment
FROM transactions AS t, LATERAL TABLE(read_edge(t.message_key, t.message_value, t.kafka_partition,
  t.kafka_offset, {MILLIS})) AS e(transaction_id, payer, payee, paise, device, merchant_id)
"""  # noqa: S608 (names of our own)
_FIRST = """
CREATE TEMPORARY VIEW edges AS
SELECT payer, payee, paise, device, merchant_id, event_at FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY transaction_id ORDER BY moment) AS place FROM arriving
) WHERE place = 1
"""
"""Copies are left out; the hot path tells who sent another payment under the same id."""


def run_network(
    config: UpiConfig, tokeniser: Tokeniser, servers: str, is_bounded: bool, log: RunLog
) -> dict[str, float | int | None]:
    """Look for patterns until stopped, or (`is_bounded`) to the newest offsets.

    Args:
        config: settings.
        tokeniser: key of the run, the one of the hot path.
        servers: Kafka.
        is_bounded: end at the newest offsets.
        log: is told when the job fails and starts again.

    Returns:
        The number of flags written meanwhile.
    """
    before = number_in(topic_spans(servers, _FLAGS))
    job = _submit(config, tokeniser, servers, is_bounded)
    if is_bounded:
        job.get_job_execution_result().result()
    else:
        with running(job):
            wait(job, lambda: False, 2.0, log)
    return {"flags": number_in(topic_spans(servers, _FLAGS)) - before}


def _submit(config: UpiConfig, tokeniser: Tokeniser, servers: str, is_bounded: bool) -> Any:
    from pipelines.upi_fraud.network_flink import FlagFindings, flag_findings, read_edge

    options = flink_options(JOB, config.flink, _state_of(config))
    if config.state_uri is None:
        options |= checkpoints_in(Path(mkdtemp(prefix="sangam-upi-network-")))
    options["table.exec.state.ttl"] = f"{_STATE_HOURS} h"
    tables = build_environment(options)
    _open_edges(tables, config, servers, is_bounded, read_edge(config, tokeniser))
    findings = tables.to_data_stream(tables.sql_query(findings_query(config.network)))
    open_reference(tables, servers, _GROUP, is_bounded)
    reference = tables.to_data_stream(tables.from_path("reference_messages"))
    flags = flag_findings(findings, reference, FlagFindings(config, servers))
    tables.create_temporary_view("found_flags", flags)
    tables.execute_sql(raw_sink("flags", _FLAGS, servers, "prompt", JOB, config.flink))
    return tables.execute_sql(
        "INSERT INTO flags SELECT message_key, message_value, TO_TIMESTAMP_LTZ(time_ms, 3),"
        " CAST(NULL AS MAP<STRING, BYTES>) FROM found_flags"
    ).get_job_client()


def _state_of(config: UpiConfig) -> str | None:
    """A folder of its own beside that of the hot path."""
    return None if config.state_uri is None else f"{config.state_uri}/network"


def _open_edges(
    tables: "Tables", config: UpiConfig, servers: str, is_bounded: bool, read_edge: Any
) -> None:
    disorder = config.network.disorder_s
    tables.execute_sql(guarded_source("transactions", TOPIC, servers, _GROUP, disorder, is_bounded))
    tables.create_temporary_function("read_edge", read_edge)
    tables.execute_sql(_EDGES)
    tables.execute_sql(_FIRST)
    open_views(tables, config.network, _FILTERS)
