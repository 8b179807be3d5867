"""Extract, incremental: new rows beside the records that earlier runs have left."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow.compute as pc
from pyspark.sql import types as T

from pipelines.core.errors import ConfigError
from pipelines.core.lake import Lake
from pipelines.core.lake_arrow import merge_driver_rows, write_rows
from pipelines.core.privacy import Tokeniser
from pipelines.dedup.attributes import open_store, write_store
from pipelines.dedup.config import DedupConfig
from pipelines.dedup.gate import rows_by_reason, run_counts
from pipelines.dedup.groups import find_groups
from pipelines.dedup.increment import Increment, find_increment, settle_copies
from pipelines.dedup.intake import (
    Intake,
    completeness_of,
    open_rows,
    pass_gate,
    row_task,
    write_quarantine,
)
from pipelines.dedup.kept_store import find_kept
from pipelines.dedup.key_files import write_keys
from pipelines.dedup.keys import KeyLayout
from pipelines.dedup.records import RecordStage
from pipelines.dedup.row_stage import OTHER, TABLE, Staged, stage_rows
from pipelines.dedup.sources import Source
from pipelines.dedup.union import Union, write_union, write_union_keys


def take_in_increment(
    source: Source, config: DedupConfig, lake: Lake, tokeniser: Tokeniser, as_of: date,
    folder: Path, run_id: str, is_local: bool = False,
) -> tuple[Intake, Increment]:  # fmt: skip
    """Check and normalise new rows, and join them with the records of the lake.

    Raises:
        ConfigError: the lake holds no run to add to, or records with other fields.
        GateError: the quality gate stops the run; nothing is published.
    """
    task = row_task(source, config, tokeniser, as_of)
    mapping, layout = task.stage.mapping, KeyLayout(task.stage.mapping, config.signatures)
    base = _open_base(lake, task.stage, layout, folder.parent / "earlier")
    aside = Lake(lake.session, str(folder.parent / "increment"))
    arrived = stage_rows(*open_rows(source, task, is_local), aside, run_id)
    staged, kept = settle_copies(arrived, base)
    with ThreadPoolExecutor(2, "union") as beside:
        gate = beside.submit(pass_gate, arrived, task)  # rows known already are no fault of a slice
        earlier_groups = beside.submit(find_groups, open_store(str(base)))
        write_quarantine(lake, staged.others, source, run_id, "append")
        _add_enrolments(lake, aside, staged, task.stage, is_replacing=not kept.all())
        union = Union.of(base, kept, staged.records)
        folder.mkdir(parents=True)
        keys = beside.submit(write_union_keys, union, mapping, layout, folder)
        store = write_union(union, mapping, folder)
        groups = find_groups(store)
        keys.result()
    intake = Intake(
        store, folder, groups, mapping, layout, tokeniser, run_counts(staged.counts, source.dlq),
        rows_by_reason(staged.counts), gate, completeness_of(store),
    )  # fmt: skip
    increment = find_increment(union, store, earlier_groups.result(), groups)
    return intake, replace(increment, is_local=is_local)


def _open_base(lake: Lake, stage: RecordStage, layout: KeyLayout, folder: Path) -> Path:
    """The store of the published records: kept by the last run, else made from their table."""
    version = lake.published(TABLE)
    if version is None:
        raise ConfigError(
            f"--mode incremental: no run has published records in {lake.root}; run the job on them "
            "without it first"
        )
    kept = find_kept(lake, version, layout)
    if kept is not None:
        return kept
    columns = [*OTHER, *stage.fields]
    if stage.source_mapping.captures:
        columns.append("captures")
    known = lake.arrow(TABLE).schema.names
    missing = sorted(set(columns) - set(known))
    if missing:
        raise ConfigError(
            f"--mode incremental: the records in {lake.root} have no field {', '.join(missing)}; "
            "use the mapping they were read with"
        )
    records = lake.arrow(TABLE, columns)
    write_store(records, stage.mapping, folder)
    write_keys(lake.session, str(folder), records.num_rows, layout)
    return folder


def _add_enrolments(
    lake: Lake, aside: Lake, staged: Staged, stage: RecordStage, is_replacing: bool
) -> None:
    """Add the new records to their table, in the place of earlier rows of the same id."""
    rows = aside.arrow(TABLE)
    rows = rows.filter(
        pc.is_in(rows["record_token"], staged.records["record_token"].combine_chunks())
    )
    schema = stage.spark_schema().add("run_id", T.StringType())
    if is_replacing:
        merge_driver_rows(lake, TABLE, rows, schema, ("record_token",))
    elif rows.num_rows:
        write_rows(lake, TABLE, rows, schema, "append")
    else:
        lake.stage(TABLE, lake.current()[TABLE])
