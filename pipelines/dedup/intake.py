"""Extract: open the input, check every row, normalise it, and stage the comparable records."""

from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.contracts import spark_schema
from pipelines.core.lake import Lake
from pipelines.core.lake_arrow import write_rows
from pipelines.core.lake_format import Mode
from pipelines.core.local_rows import LocalRows, Rows
from pipelines.core.privacy import Tokeniser
from pipelines.core.quality import QualityReport, validate
from pipelines.dedup.attributes import RecordStore, write_store
from pipelines.dedup.captures import CaptureLimits
from pipelines.dedup.checks import QUARANTINED, CheckPlan
from pipelines.dedup.config import DedupConfig
from pipelines.dedup.gate import explained, gate_checks, rows_by_reason, run_counts
from pipelines.dedup.groups import Groups, find_groups
from pipelines.dedup.keys import KeyLayout
from pipelines.dedup.mapping import Mapping
from pipelines.dedup.records import CAPTURES, ID, STATUS, RecordStage, select_columns
from pipelines.dedup.row_groups import GroupReader
from pipelines.dedup.row_stage import RowTask, Staged, stage_rows
from pipelines.dedup.sources import Source

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Intake:
    """What the rest of the run works on.

    Attributes:
        store: the records' compared fields, mapped from `folder`.
        groups: records of equal content.
        mapping: compared fields after normalisation.
        layout: keys of the mapping.
        tokeniser: makes the tokens.
        counts: in, out, rejected, ... of the run.
        reasons: rows by reject reason or flag.
        gate: its result, or the `GateError` that stops the run.
        completeness: share of records with a value, by field.
    """

    store: RecordStore
    folder: Path
    groups: Groups
    mapping: Mapping
    layout: KeyLayout
    tokeniser: Tokeniser
    counts: dict[str, int]
    reasons: dict[str, int]
    gate: Future[QualityReport]
    completeness: dict[str, float]

    @property
    def quality(self) -> QualityReport:
        """Result of the gate.

        Raises:
            GateError: the quality gate stops the run.
        """
        return self.gate.result()

    @property
    def weights(self) -> npt.NDArray[np.float64]:
        """Records each row of the store stands for: 0 behind a representative."""
        weights = np.ones(len(self.store.nodes))
        weights[self.store.rows_of(self.groups.hidden)] = 0.0
        weights[self.store.rows_of(self.groups.leaders)] = self.groups.sizes
        return weights


def check_plan(source: Source, config: DedupConfig, as_of: date) -> CheckPlan:
    """Row checks of a source."""
    fields = source.mapping.fields
    return CheckPlan(
        fields={name: spec.comparator for name, spec in fields.items()},
        id_column=ID,
        as_of=as_of,
        formats={name: spec.format for name, spec in fields.items() if spec.format},
        status_column=STATUS,
        captures_column=CAPTURES,
        quarantine_limit=config.quarantine_limit,
    )


def take_in(
    source: Source,
    config: DedupConfig,
    lake: Lake,
    tokeniser: Tokeniser,
    as_of: date,
    folder: Path,
    run_id: str,
    beside: Executor,
) -> Intake:
    """Check, normalise and stage the rows of a source; `beside` holds them against the gate.

    Raises:
        GateError: the gate stops a run without records; of others it tells in `Intake.quality`.
    """
    task = row_task(source, config, tokeniser, as_of)
    staged = stage_rows(*open_rows(source, task), lake, run_id)
    gate = beside.submit(pass_gate, staged, task)
    write_quarantine(lake, staged.others, source, run_id)
    if not staged.records.num_rows:
        gate.result()
    store = write_store(staged.records, task.stage.mapping, folder)
    layout = KeyLayout(task.stage.mapping, config.signatures)
    return Intake(
        store, folder, find_groups(store), task.stage.mapping, layout, tokeniser,
        run_counts(staged.counts, source.dlq), rows_by_reason(staged.counts), gate,
        completeness_of(store),
    )  # fmt: skip


def row_task(source: Source, config: DedupConfig, tokeniser: Tokeniser, as_of: date) -> RowTask:
    """What tasks do with the rows of a source."""
    limits = CaptureLimits(
        min_quality=config.captures.usable, max_minutiae=config.captures.max_minutiae
    )
    mapping = source.mapping.split_full_name()
    stage = RecordStage(source.mapping, mapping, tokeniser, limits)
    return RowTask(check_plan(source, config, as_of), stage)


def open_rows(source: Source, task: RowTask, is_local: bool = False) -> tuple[Rows, RowTask]:
    """The rows, and the task that takes them in.

    Tasks read Parquet files themselves where there are row groups for all of them. Of another input
    Spark reads the columns of the mapping; a small one, often one file and so one task, is
    spread out.
    """
    session = source.session
    cores = session.sparkContext.defaultParallelism
    if source.files:
        reader = GroupReader.of(source.files, source.mapping, Path(source.name).name)
        if reader is not None and is_local:
            return LocalRows.range(0, len(reader.groups), 1, 1), replace(task, read=reader)
        if reader is not None and len(reader.groups) >= cores:
            groups = session.range(0, len(reader.groups), 1, cores)
            return groups, replace(task, read=reader)
    frame = select_columns(source.frame, source.mapping)
    few = frame.rdd.getNumPartitions() < cores
    return frame.repartition(cores) if few else frame, task


def pass_gate(staged: Staged, task: RowTask) -> QualityReport:
    """Check the figures of the rows of a source.

    Raises:
        GateError: the quality gate stops the run.
    """
    quality = validate(gate_checks(staged.counts, task.plan))
    quality.require(explained(rows_by_reason(staged.counts)))
    return quality


def write_quarantine(
    lake: Lake, others: pa.Table, source: Source, run_id: str, mode: Mode = "replace"
) -> None:
    """Keep rows set aside, without their values: reason, token and where they came from."""
    rows = others.filter(pc.is_in(others["reason"], pa.array(QUARANTINED)))
    rows = rows.select(["reason", "record_token", "source"])
    rows = rows.rename_columns(["reason", "record_token", "location"])
    if rows.num_rows or lake.published("quarantine") is not None:
        schema = spark_schema("ops.QuarantinedRecord")
        constants = {"dataset": source.name, "run_id": run_id}
        write_rows(lake, "quarantine", rows, schema, mode, constants)


def completeness_of(store: RecordStore) -> dict[str, float]:
    """Share of records with a value, by field."""
    return {
        name: float((codes >= 0).mean()) if len(codes) else 0.0
        for name, codes in store.attributes.codes.items()
    }
