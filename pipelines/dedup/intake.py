"""Extract: open the input, check every row, normalise it, and stage the comparable records."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from pipelines.core.contracts import spark_schema
from pipelines.core.lake import Lake
from pipelines.core.lake_arrow import write_rows
from pipelines.core.privacy import Tokeniser
from pipelines.core.quality import QualityReport, validate
from pipelines.dedup.attributes import RecordStore, write_store
from pipelines.dedup.captures import CaptureLimits
from pipelines.dedup.checks import QUARANTINED, CheckPlan
from pipelines.dedup.config import DedupConfig
from pipelines.dedup.gate import gate_checks, rows_by_reason, run_counts
from pipelines.dedup.keys import KeyLayout
from pipelines.dedup.mapping import Mapping
from pipelines.dedup.records import CAPTURES, ID, STATUS, RecordStage, select_columns
from pipelines.dedup.row_stage import RowTask, stage_rows
from pipelines.dedup.sources import Source

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Groups:
    """Records of equal content: one representative goes on, the others hang on it.

    Attributes:
        hidden: sorted nodes behind a representative.
        leader: representative of each hidden node.
        leaders: sorted representatives of groups of two or more.
        sizes: records of each such group.
    """

    hidden: I64 = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    leader: I64 = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    leaders: I64 = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    sizes: I64 = field(default_factory=lambda: np.empty(0, dtype=np.int64))


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
        quality: result of the gate.
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
    quality: QualityReport
    completeness: dict[str, float]

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
) -> Intake:
    """Check, normalise and stage the rows of a source.

    Raises:
        GateError: the quality gate stops the run; nothing is published.
    """
    plan = check_plan(source, config, as_of)
    raw = select_columns(source.frame, source.mapping)
    mapping = source.mapping.split_full_name()
    layout = KeyLayout(mapping, config.signatures)
    limits = CaptureLimits(
        min_quality=config.captures.usable, max_minutiae=config.captures.max_minutiae
    )
    stage = RecordStage(source.mapping, mapping, tokeniser, limits)
    staged = stage_rows(spread(raw), RowTask(plan, stage), lake, run_id)
    reasons = rows_by_reason(staged.counts)
    write_quarantine(lake, staged.others, source, run_id)
    quality = validate(gate_checks(staged.counts, plan))
    quality.require(reasons)
    store = write_store(staged.records, mapping, folder)
    return Intake(
        store, folder, find_groups(store), mapping, layout, tokeniser,
        run_counts(staged.counts), reasons, quality, _completeness(store),
    )  # fmt: skip


def spread(frame: DataFrame) -> DataFrame:
    """A small input is often one file and so one task: give every core a share."""
    cores = frame.sparkSession.sparkContext.defaultParallelism
    return frame.repartition(cores) if frame.rdd.getNumPartitions() < cores else frame


def find_groups(store: RecordStore) -> Groups:
    """Records of equal content; the smallest node leads."""
    order = np.lexsort((store.nodes, store.content))
    first = np.append(True, store.content[order][1:] != store.content[order][:-1])
    starts = np.flatnonzero(first)
    sizes = np.diff(np.append(starts, len(order)))
    leader = np.repeat(store.nodes[order][starts], sizes)
    hidden, behind = store.nodes[order][~first], leader[~first]
    by_node = np.argsort(hidden)
    leaders = store.nodes[order][starts[sizes > 1]]
    by_leader = np.argsort(leaders)
    return Groups(hidden[by_node], behind[by_node], leaders[by_leader], sizes[sizes > 1][by_leader])


def write_quarantine(lake: Lake, others: pa.Table, source: Source, run_id: str) -> None:
    """Keep rows set aside, without their values: reason, token and where they came from."""
    rows = others.filter(pc.is_in(others["reason"], pa.array(QUARANTINED)))
    rows = rows.select(["reason", "record_token", "source"])
    rows = rows.rename_columns(["reason", "record_token", "location"])
    if rows.num_rows or lake.published("quarantine") is not None:
        schema = spark_schema("ops.QuarantinedRecord")
        constants = {"dataset": source.name, "run_id": run_id}
        write_rows(lake, "quarantine", rows, schema, constants=constants)


def _completeness(store: RecordStore) -> dict[str, float]:
    return {
        name: float((codes >= 0).mean()) if len(codes) else 0.0
        for name, codes in store.attributes.codes.items()
    }
