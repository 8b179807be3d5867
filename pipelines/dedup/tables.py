"""Load: every table of a run in Delta, published together by the row of `runs`."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from pipelines.core.contracts import conform, spark_schema
from pipelines.core.lake import Lake
from pipelines.core.packed import unpack
from pipelines.core.privacy import Tokeniser
from pipelines.core.runlog import RunLog
from pipelines.core.summary import RunSummary
from pipelines.dedup.attributes import open_store
from pipelines.dedup.decision_file import read_decisions
from pipelines.dedup.decisions import DECISION_SCHEMA, merge_decisions, resolve_decisions
from pipelines.dedup.edges import EDGE, edge_rows
from pipelines.dedup.merge_log import next_versions
from pipelines.dedup.resolution import build_golden
from pipelines.dedup.reviews import update_queue

if TYPE_CHECKING:
    from pipelines.dedup.pipeline import Run


@dataclass(frozen=True)
class History:
    """What earlier runs left in the lake: current cluster rows and the review queue."""

    clusters: pd.DataFrame | None
    queue: pa.Table | None
    edges: DataFrame | None


def read_history(lake: Lake) -> History:
    """History of a lake; all None before the first run."""

    def published(table: str) -> DataFrame | None:
        return None if lake.published(table) is None else lake.read(table)

    clusters, queue = published("clusters"), published("review_queue")
    return History(
        None if clusters is None else clusters.where("valid_to_run IS NULL").toPandas(),
        None if queue is None else queue.toArrow(),
        published("candidate_edges"),
    )


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
        known.append(history.edges.select(*tokens).toArrow())
    resolved = resolve_decisions(found, pa.concat_tables(known, promote_options="default"))
    for row, reason in resolved.rejected[["row", "reason"]].itertuples(index=False):
        log.warning(f"--decisions {file}: line {row} is left out: {reason}")
    return merge_decisions(history.queue, resolved, run_id)


def publish(result: "Run", history: History, lake: Lake, summary: RunSummary, log: RunLog) -> None:
    """Write the result tables at the same time, then the `runs` row that makes them visible."""
    resolution, intake, run_id = result.resolution, result.intake, summary.run_id
    golden = build_golden(resolution, intake.store, intake.mapping)
    queue = update_queue(resolution.reviews, history.queue, result.scoring.decisions, run_id)
    change = next_versions(
        history.clusters, resolution.clusters, resolution.links, resolution.cuts,
        run_id, result.model.model_id,
    )  # fmt: skip
    frames = {
        "candidate_edges": edges_table(result, run_id, lake),
        "golden_records": _frame(lake, "identity.GoldenRecord", golden, run_id),
        "review_queue": _frame(lake, "identity.MergeDecision", queue, run_id),
    }
    if history.clusters is None:
        frames["clusters"] = _frame(lake, "identity.DuplicateCluster", change.open, run_id)
    lake.write_all(frames)
    if history.clusters is not None and len(change.open) + len(change.close):
        rows = _typed(pd.concat([change.close, change.open]))
        versions = _frame(lake, "identity.DuplicateCluster", rows, None)
        lake.merge("clusters", versions, ["cluster_id", "record_token", "valid_from_run"])
    listed, digests = lake.listing()
    summary.counts = dict(intake.counts)
    summary.tables = {name: {"version": listed[name], "digest": digests[name]} for name in listed}
    if any(lake.published(name) != version for name, version in listed.items()):
        lake.write("runs", runs_row(result, lake, summary, log, listed, digests), "append")


def edges_table(result: "Run", run_id: str, lake: Lake) -> DataFrame:
    """Rows of `candidate_edges` from the packed edges."""
    scoring, names, model_id = result.scoring, family_names(result), result.model.model_id

    def expand(batches: Any) -> Any:
        store = open_store(scoring.comparison.folder)
        for batch in batches:
            records = unpack([batch], EDGE)
            if len(records):
                yield from edge_rows(records, store, scoring, names).to_batches()

    schema = spark_schema("identity.SimilarityPair")
    kept = [field for field in schema if field.name not in ("run_id", "model_id", "confidence")]
    rows = result.edges.mapInArrow(expand, type(schema)(kept))
    rows = rows.withColumns(
        {
            "run_id": F.lit(run_id),
            "model_id": F.lit(model_id),
            "confidence": F.lit(None).cast("double"),
        }
    )
    return conform(rows, "identity.SimilarityPair")


def family_names(result: "Run") -> tuple[str, ...]:
    """Names of the key families by number."""
    return result.intake.layout.names


def runs_row(
    result: "Run", lake: Lake, summary: RunSummary, log: RunLog,
    versions: dict[str, int], digests: dict[str, str],
) -> DataFrame:  # fmt: skip
    """The row that publishes a run."""
    row = {
        "run_id": summary.run_id,
        "started_at": datetime.now(UTC),
        "as_of": summary.as_of,
        "config_hash": summary.config_hash,
        "model_id": result.model.model_id,
        "plan_id": result.model.plan_id,
        "inputs": summary.inputs,
        "counts": summary.counts,
        "pairs_predicted": result.preflight.predicted or result.candidates.made,
        "pairs_made": result.candidates.made,
        "pairs_skipped": result.candidates.skipped,
        "seconds": log.seconds,
        "metrics": {},
        "table_versions": versions,
        "table_digests": digests,
    }
    return lake.session.createDataFrame([row], spark_schema("identity.DedupStats"))


def _typed(rows: pd.DataFrame) -> pd.DataFrame:
    """Cluster rows that closed and opened together; text columns hold text or None."""
    text = rows.columns.difference(["size", "score_bits", "weakest_bridge_bits", "density"])
    rows = rows.astype({"size": "int32"})
    rows[text] = rows[text].astype(object).where(rows[text].notna(), None)
    return rows


def _frame(
    lake: Lake, contract: str, table: pa.Table | pd.DataFrame, run_id: str | None
) -> DataFrame:
    """A small result as a frame of its contract; columns without any value get their type."""
    if not isinstance(table, pa.Table):
        table = pa.Table.from_pandas(table, preserve_index=False)
    frame = lake.session.createDataFrame(table)
    if run_id is not None:
        frame = frame.withColumn("run_id", F.lit(run_id))
    empty = [f.name for f in frame.schema if isinstance(f.dataType, T.NullType)]
    types = spark_schema(contract)
    frame = frame.withColumns({name: F.col(name).cast(types[name].dataType) for name in empty})
    return conform(frame, contract)
