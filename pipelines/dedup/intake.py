"""Extract: open the input, check every row, normalise it, and stage the comparable records."""

import shutil
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from pipelines.core.arrow_files import to_arrow
from pipelines.core.contracts import conform
from pipelines.core.lake import Lake
from pipelines.core.privacy import Tokeniser
from pipelines.core.quality import REASON, QualityReport, validate
from pipelines.dedup.attributes import RecordStore, open_store, write_store
from pipelines.dedup.captures import CaptureLimits
from pipelines.dedup.checks import QUARANTINED, CheckPlan, split_rows, tag_rows
from pipelines.dedup.config import DedupConfig
from pipelines.dedup.gate import gate_checks, row_figures, rows_by_reason, run_counts
from pipelines.dedup.keys import KeyLayout
from pipelines.dedup.mapping import Mapping
from pipelines.dedup.records import (
    CAPTURES,
    ID,
    STATUS,
    RecordStage,
    prepare_records,
    select_columns,
)
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
    counts, store = _stage(raw, plan, stage, lake, folder, run_id, ids_repeat=False)
    if counts["ids"] < len(store.nodes):
        open_store.cache_clear()
        shutil.rmtree(folder)
        counts, store = _stage(raw, plan, stage, lake, folder, run_id, ids_repeat=True)
    reasons = rows_by_reason(counts)
    quality = validate(gate_checks(counts, plan))
    quality.require(reasons)
    if any(reasons.get(code) for code in QUARANTINED):
        _, others = split_rows(tag_rows(raw, plan))
        lake.write("quarantine", quarantine_rows(others, stage, source, run_id))
    return Intake(
        store, folder, find_groups(store), mapping, layout, tokeniser,
        run_counts(counts), reasons, quality, _completeness(store),
    )  # fmt: skip


def _stage(
    raw: DataFrame,
    plan: CheckPlan,
    stage: RecordStage,
    lake: Lake,
    folder: Path,
    run_id: str,
    ids_repeat: bool,
) -> tuple[dict[str, int], RecordStore]:
    """Check, normalise and write the records in one pass; `ids` counts the distinct ids."""
    seen = Observation("row checks")
    tagged = tag_rows(raw, plan, ids_repeat).observe(seen, *row_figures(plan))
    good, _ = split_rows(spread(tagged))
    records = prepare_records(good, stage).withColumn("run_id", F.lit(run_id))
    lake.write("enrolments", records)
    counts = dict(seen.get)
    store = collect_store(lake, stage.mapping, folder)
    counts["ids"] = len(np.unique(store.nodes))
    return counts, store


def spread(frame: DataFrame) -> DataFrame:
    """A small input is often one file and so one task: give every core a share."""
    cores = frame.sparkSession.sparkContext.defaultParallelism
    return frame.repartition(cores) if frame.rdd.getNumPartitions() < cores else frame


def collect_store(lake: Lake, mapping: Mapping, folder: Path) -> RecordStore:
    """Bring the compared fields to the machine's disk as memory-mapped columns."""
    columns = ["node_id", "record_token", "content_hash", "source", "enrolled_at", *mapping.fields]
    enrolments = lake.read("enrolments", lake.version("enrolments"))
    if CAPTURES in enrolments.columns:
        columns.append(CAPTURES)
    return write_store(to_arrow(enrolments, columns), mapping, folder)


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


def quarantine_rows(
    others: DataFrame, stage: RecordStage, source: Source, run_id: str
) -> DataFrame:
    """Rows set aside, without their values: reason, token and where they came from."""
    tokeniser = stage.tokeniser

    def tokenise(batches: Any) -> Any:
        import pyarrow as pa

        for batch in batches:
            tokens, _ = tokeniser.token_columns(batch.column(ID))
            yield pa.RecordBatch.from_arrays(
                [batch.column(REASON), tokens, batch.column("_source")],
                names=["reason", "record_token", "location"],
            )

    rows = others.where(F.col(REASON).isin(*QUARANTINED)).select(ID, REASON, "_source")
    rows = rows.mapInArrow(tokenise, "reason string, record_token string, location string")
    rows = rows.withColumns({"dataset": F.lit(source.name), "run_id": F.lit(run_id)})
    return conform(rows, "ops.QuarantinedRecord")


def _completeness(store: RecordStore) -> dict[str, float]:
    return {
        name: float((codes >= 0).mean()) if len(codes) else 0.0
        for name, codes in store.attributes.codes.items()
    }
