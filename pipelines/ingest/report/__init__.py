"""The self-contained HTML report of an ingest run."""

from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.core.report import Block, Kpi, Note, Report, Section, Table
from pipelines.core.report_parts import (
    counts_section,
    manifest_of,
    setup_section,
    show_count,
    steps_section,
)
from pipelines.core.summary import RunSummary

if TYPE_CHECKING:
    from pipelines.ingest.compaction import Compaction
    from pipelines.ingest.result import Tally

MEANING = {
    "E_SHORT": "shorter than the frame",
    "E_MAGIC": "the first byte is not 0",
    "E_SCHEMA_ID": "the schema id is in no lock.json",
    "E_SUBJECT": "a record of another contract",
    "E_BODY": "the body does not fit its schema",
    "E_TRAILING": "bytes are left over after the record",
    "E_TIME": "the record timestamp is not event_time",
}


def write_report(
    summary: RunSummary, tally: "Tally", files: "Compaction", quality: Section, path: Path
) -> Path:
    """Write the page of a run and return its path; `quality` is the section of the gate."""
    return build_report(summary, tally, files, quality).write(path)


def build_report(
    summary: RunSummary, tally: "Tally", files: "Compaction", quality: Section
) -> Report:
    """The page of a run."""
    dead = tally.dead.total()
    topic = str(summary.inputs["topic"])
    return Report(
        job="ingest",
        title=f"{show_count(tally.stored)} of {show_count(tally.read)} messages stored",
        subtitle=f"{topic}: each message once, {show_count(dead)} dead letters.",
        kpis=_kpis(summary, tally),
        sections=[
            counts_section(summary.counts, {**tally.dead, **tally.aside}),
            quality,
            _letters_section(tally, topic),
            _files_section(summary, files),
            steps_section(summary.seconds),
            setup_section(summary.config, manifest_of(summary)),
        ],
        facts=(("run", summary.run_id), ("as of", summary.as_of.isoformat()), ("topic", topic)),
    )


def _kpis(summary: RunSummary, tally: "Tally") -> list[Kpi]:
    rate = summary.metrics.get("records_per_second")
    return [
        Kpi("stored", show_count(tally.stored), "rows in bronze", is_lead=True),
        Kpi("dead letters", show_count(tally.dead.total()), "kept byte for byte", is_lead=True),
        Kpi("rate", f"{show_count(rate)}/s", "start of the query included"),
        Kpi("batches", show_count(tally.batches), f"{tally.repeated} repeated after a stop"),
    ]


def _letters_section(tally: "Tally", topic: str) -> Section:
    if not tally.dead:
        blocks: list[Block] = [Note("No message was refused.")]
        return Section("letters", "Dead letters", "Every message could be decoded", blocks)
    rows = [(code, MEANING.get(code, ""), show_count(n)) for code, n in tally.dead.most_common()]
    table = Table(("code", "meaning", "messages"), rows, "llr")
    lead = f"`python -m pipelines dlq list --topic {topic}` shows them."
    title = f"{show_count(tally.dead.total())} messages are in {topic}.dlq"
    return Section("letters", "Dead letters", title, [table], lead)


def _files_section(summary: RunSummary, files: "Compaction") -> Section:
    rows = [
        ("files", show_count(summary.metrics["files"])),
        ("below half the wanted size", show_count(summary.metrics["small_files"])),
        ("replaced by compaction", show_count(files.removed)),
        ("written by compaction", show_count(files.added)),
    ]
    title = f"The table has {show_count(summary.metrics['files'])} files"
    return Section("files", "Files", title, [Table(("what", "files"), rows, "lr")])
