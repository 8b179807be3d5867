"""Load: every table of a run in Delta, published together by the row of `runs`."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.contracts import spark_schema
from pipelines.core.delta_tables import read_arrow
from pipelines.core.lake import Lake
from pipelines.core.lake_arrow import (
    merge_driver_rows,
    publish_run,
    write_rows,
)
from pipelines.core.lake_format import RUNS
from pipelines.core.privacy import Tokeniser
from pipelines.core.runlog import RunLog
from pipelines.core.summary import RunSummary
from pipelines.dedup.changes import find_changes
from pipelines.dedup.decision_file import read_decisions
from pipelines.dedup.decisions import DECISION_SCHEMA, merge_decisions, resolve_decisions
from pipelines.dedup.increment_tables import GOLDEN, write_changed_clusters
from pipelines.dedup.merge_log import next_versions
from pipelines.dedup.resolution import build_golden
from pipelines.dedup.reviews import update_queue

if TYPE_CHECKING:
    from pipelines.dedup.result import Run

CLUSTER_KEY = ("cluster_id", "record_token", "valid_from_run")


@dataclass(frozen=True)
class History:
    """What earlier runs left in the lake: current cluster rows, the queue, pairs, the model."""

    clusters: pa.Table | None
    queue: pa.Table | None
    edges: pa.Table | None
    model: Path | None = None


def read_history(lake: Lake, with_edges: bool, with_clusters: bool = True) -> History:
    """History of a lake; all None before the first run.

    Args:
        lake: the lake.
        with_edges: read the tokens of all stored pairs too; decisions of a file need them.
        with_clusters: read the clusters; an increment asks for its own.
    """

    def published(table: str, columns: Sequence[str] | None = None) -> pa.Table | None:
        return None if lake.published(table) is None else lake.arrow(table, columns)

    clusters = published("clusters") if with_clusters else None
    if clusters is not None:
        clusters = clusters.filter(pc.field("valid_to_run").is_null())
    edges = published("candidate_edges", ["token_a", "token_b"]) if with_edges else None
    return History(clusters, published("review_queue"), edges, _last_model(lake))


def _last_model(lake: Lake) -> Path | None:
    """Model file of the newest run; a lake in a bucket keeps none."""
    if "://" in lake.root or not lake.exists(RUNS):
        return None
    runs = read_arrow(lake.place(RUNS), lake.version(RUNS), ["started_at", "model_id"])
    newest = runs.sort_by("started_at")["model_id"][-1].as_py()
    return model_file(lake.root, newest)


def model_file(root: str, model_id: str) -> Path:
    """Where a model lies beside the tables."""
    return Path(root) / "models" / model_id / "model.json"


def standing_decisions(
    history: History, file: Path | None, tokeniser: Tokeniser, run_id: str, log: RunLog
) -> pa.Table:
    """Decisions of earlier runs and of the file; the newest one of a pair holds.

    Decisions of the file on pairs that no run has seen are left out with a warning.
    """
    if file is None:
        return merge_decisions(history.queue, None, run_id)
    found = read_decisions(file, tokeniser)
    tokens = ["token_a", "token_b"]
    known = [DECISION_SCHEMA.empty_table().select(tokens)]
    if history.queue is not None:
        known.append(history.queue.select(tokens))
    if history.edges is not None:
        known.append(history.edges)
    resolved = resolve_decisions(found, pa.concat_tables(known, promote_options="default"))
    for row, reason in resolved.rejected[["row", "reason"]].itertuples(index=False):
        log.warning(f"--decisions {file}: line {row} is left out: {reason}")
    return merge_decisions(history.queue, resolved, run_id)


def publish(result: "Run", history: History, lake: Lake, summary: RunSummary, log: RunLog) -> None:
    """Write the result tables at the same time, then the `runs` row that makes them visible."""
    run_id = summary.run_id
    queue = update_queue(result.resolution.reviews, history.queue, result.scoring.decisions, run_id)
    _write(lake, "review_queue", "identity.MergeDecision", queue, run_id)
    if result.increment is None:
        _write_clusters(result, history, lake, run_id)
    else:
        write_changed_clusters(result, lake, run_id)
    result.written.result()
    summary.counts = dict(result.intake.counts)
    told = {
        "model_id": result.model.model_id,
        "plan_id": result.model.plan_id,
        "pairs_predicted": result.preflight.predicted or result.candidates.made,
        "pairs_made": result.candidates.made,
        "pairs_skipped": result.candidates.skipped,
        "seconds": log.seconds,
    }
    publish_run(lake, summary, spark_schema("identity.DedupStats"), told)


def _write_clusters(result: "Run", history: History, lake: Lake, run_id: str) -> None:
    """Write golden records and clusters of a full run."""
    resolution = result.resolution
    changes = find_changes(history.clusters, resolution.clusters, resolution.labels)
    before = changes.previous
    with ThreadPoolExecutor(1, "golden") as beside:
        golden = beside.submit(_write_golden, result, lake, run_id)
        change = next_versions(
            None if before is None else before.to_pandas(), changes.current, resolution.links,
            resolution.cuts, run_id, result.model.model_id,
        )  # fmt: skip
        if before is None:
            _write(lake, "clusters", "identity.DuplicateCluster", change.open, run_id)
        elif len(change.open) + len(change.close):
            versions = pd.concat([change.close, change.open])
            rows = pa.Table.from_pandas(versions, preserve_index=False)
            schema = spark_schema("identity.DuplicateCluster")
            merge_driver_rows(lake, "clusters", rows, schema, CLUSTER_KEY, before)
        golden.result()


def _write_golden(result: "Run", lake: Lake, run_id: str) -> None:
    golden = build_golden(result.resolution, result.intake.store, result.intake.mapping)
    _write(lake, GOLDEN, "identity.GoldenRecord", golden, run_id)


def _write(
    lake: Lake, table: str, contract: str, rows: pa.Table | pd.DataFrame, run_id: str
) -> None:
    """Replace a small table by rows that the driver holds."""
    if not isinstance(rows, pa.Table):
        rows = pa.Table.from_pandas(rows, preserve_index=False)
    if "run_id" in rows.column_names:
        rows = rows.drop_columns("run_id")
    write_rows(lake, table, rows, spark_schema(contract), constants={"run_id": run_id})
