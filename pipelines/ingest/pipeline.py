"""The ingest run: one topic into its bronze table, once or until it is stopped."""

import time
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from pipelines.core import endpoints
from pipelines.core.catalogue import load_catalogue
from pipelines.core.config import PROJECT_ROOT
from pipelines.core.delta_tables import version_of
from pipelines.core.errors import GateError
from pipelines.core.machine import git_state
from pipelines.core.messages import source_options
from pipelines.core.privacy import key_from_env
from pipelines.core.quality import QualityReport, preload, validate
from pipelines.core.runlog import RunLog
from pipelines.core.spark import RUN_ERRORS
from pipelines.core.summary import RunSummary, begin_summary
from pipelines.ingest.batches import BatchWriter
from pipelines.ingest.checks import load_rules, suite
from pipelines.ingest.compaction import Compaction, compact
from pipelines.ingest.config import IngestConfig
from pipelines.ingest.failures import explain_failure, is_transient, told_in_a_line
from pipelines.ingest.outcome import measure
from pipelines.ingest.patience import Patience
from pipelines.ingest.places import JOB, Places, find_places
from pipelines.ingest.progress import starting_offsets
from pipelines.ingest.report import write_report
from pipelines.ingest.report.quality import DATA_DOCS, make_section
from pipelines.ingest.request import Request
from pipelines.ingest.result import Tally
from pipelines.ingest.row_store import RowStore


def run(session: SparkSession, config: IngestConfig, request: Request, log: RunLog) -> RunSummary:
    """Store the messages of a topic; `check_dependencies` first, before the JVM starts.

    Raises:
        SangamError: see `jobs/ingest.py --help` for the exit codes.
    """
    places = find_places(request.topic, request.lake, load_catalogue())
    servers, tally = endpoints.kafka_servers(), Tally()
    rules = load_rules(places.subject, config.rules_file)
    summary = _summary(config, request, places)
    log.name(summary)
    if request.dry_run:
        summary.status = "dry_run"
        return summary
    preload()
    version = str(git_state(PROJECT_ROOT)["git_sha"] or "unknown")
    tokeniser = key_from_env(is_public_data=False)
    rows = RowStore(session, places, rules, tokeniser, summary.run_id)
    writer = BatchWriter(rows, servers, config, version, tally)
    with log.step("ingest") as step:
        _run_until_done(writer, request, log)
        step.rows = tally.read
    with log.step("compact"):
        files = compact(session, places, config)
    with log.step("gate"):
        checks = suite(rules, tally.found(), config.quarantine_limit)
        docs = request.report / DATA_DOCS if request.report else None
        quality = validate(checks, docs) if tally.found().decoded else QualityReport()
    _finish(summary, writer, files, log)
    if request.report:
        section = make_section(quality, tally)
        log.write_report(
            summary, request.report, lambda page: write_report(summary, tally, files, section, page)
        )
    if tally.stopped:
        raise GateError(tally.stopped)
    quality.require(tally.aside + tally.warned)
    return summary


def _summary(config: IngestConfig, request: Request, places: Places) -> RunSummary:
    inputs = {"topic": places.topic, "contract": places.subject}
    return begin_summary(JOB, config, request.as_of, places.topic, inputs)


def _run_until_done(writer: BatchWriter, request: Request, log: RunLog) -> None:
    """Run the query, again after a passing failure; each success gives the full time back.

    It ends early where the quality gate has stopped it; the tally then says why.
    """
    patience = Patience(writer.config)
    while True:
        try:
            patience.begin()
            _start(writer, request).awaitTermination()
            return
        except (*RUN_ERRORS, OSError) as error:  # the latter from Delta's own client of the store
            if writer.tally.stopped:
                return
            pause = patience.next_pause(writer.tally.batches)
            if pause is None or not is_transient(error):
                raise explain_failure(error, writer.places, writer.servers) from error
            log.warning(f"The stream stopped, going on in {pause:g} s: {told_in_a_line(error)}")
            time.sleep(pause)


def _start(writer: BatchWriter, request: Request) -> StreamingQuery:
    session, places, config = writer.session, writer.places, writer.config
    raw = session.readStream.format("kafka").options(
        **source_options(writer.servers, places.topic, config.connect_seconds),
        startingOffsets=starting_offsets(session, places),
        maxOffsetsPerTrigger=str(config.max_offsets),
    )
    stream = raw.load().writeStream.option("checkpointLocation", places.checkpoint)
    triggered = (
        stream.trigger(availableNow=True)
        if request.once
        else stream.trigger(processingTime=f"{config.trigger_seconds:g} seconds")
    )
    return triggered.queryName(f"ingest {places.topic}").foreachBatch(_handler(writer)).start()


def _handler(writer: BatchWriter) -> Any:
    """Store a batch, and look after the file sizes now and then."""

    def handle(raw: Any, batch_id: int) -> None:
        writer.write(raw, batch_id)
        if writer.tally.batches % writer.config.compact_every == 0:
            compact(writer.session, writer.places, writer.config)

    return handle


def _finish(summary: RunSummary, writer: BatchWriter, files: Compaction, log: RunLog) -> None:
    tally = writer.tally
    summary.counts = tally.counts()
    summary.metrics = measure(tally, files, log.seconds["ingest"])
    summary.tables = {writer.places.table: {"version": version_of(writer.places.delta)}}
    log.close(summary)
    summary.status = "failed" if tally.stopped else "done"
    summary.check_accounting()
