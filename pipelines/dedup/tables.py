"""Load: every table of a run in Delta, published together by the row of `runs`."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from pipelines.core.contracts import conform, spark_schema
from pipelines.core.lake import Lake
from pipelines.core.packed import unpack
from pipelines.core.runlog import RunLog
from pipelines.core.summary import RunSummary
from pipelines.dedup.attributes import open_store
from pipelines.dedup.decisions import merge_decisions
from pipelines.dedup.edges import EDGE, edge_rows
from pipelines.dedup.merge_log import next_versions
from pipelines.dedup.resolution import build_golden
from pipelines.dedup.reviews import update_queue

if TYPE_CHECKING:
    from pipelines.dedup.pipeline import Run


def publish(result: "Run", lake: Lake, summary: RunSummary, log: RunLog) -> None:
    """Write the result tables at the same time, then the `runs` row that makes them visible."""
    frames = {
        "candidate_edges": edges_table(result, summary.run_id, lake),
        "clusters": clusters_table(result, summary.run_id, lake),
        "golden_records": _frame(
            lake, "identity.GoldenRecord", build_golden(result.resolution, result.intake.store, result.intake.mapping), summary.run_id
        ),
        "review_queue": _frame(
            lake, "identity.MergeDecision",
            update_queue(result.resolution.reviews, None, merge_decisions(None, None, ""), summary.run_id),
            summary.run_id,
        ),
    }  # fmt: skip
    written = lake.write_all(frames)
    versions, digests = lake.listing()
    summary.counts = dict(result.intake.counts)
    summary.tables = {name: {"version": versions[name], "digest": digests[name]} for name in versions}
    if any(one.is_new for one in written.values()):
        lake.write("runs", runs_row(result, lake, summary, log, versions, digests), "append")


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
        {"run_id": F.lit(run_id), "model_id": F.lit(model_id), "confidence": F.lit(None).cast("double")}
    )
    return conform(rows, "identity.SimilarityPair")


def family_names(result: "Run") -> tuple[str, ...]:
    """Names of the key families by number."""
    return result.intake.layout.names


def clusters_table(result: "Run", run_id: str, lake: Lake) -> DataFrame:
    """Rows of `clusters`: what this run opens and closes, and what stays."""
    change = next_versions(
        None, result.resolution.clusters, result.resolution.links, result.resolution.cuts,
        run_id, result.model.model_id,
    )  # fmt: skip
    return _frame(lake, "identity.DuplicateCluster", change.open, run_id)


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
        "pairs_predicted": result.preflight.predicted if result.preflight else result.candidates.made,
        "pairs_made": result.candidates.made,
        "pairs_skipped": result.candidates.skipped,
        "seconds": log.seconds,
        "metrics": {},
        "table_versions": versions,
        "table_digests": digests,
    }
    return lake.session.createDataFrame([row], spark_schema("identity.DedupStats"))


def _frame(lake: Lake, contract: str, table: pa.Table | pd.DataFrame, run_id: str) -> DataFrame:
    """A small result as a frame of its contract; columns without any value get their type."""
    arrow = table if isinstance(table, pa.Table) else pa.Table.from_pandas(table, preserve_index=False)
    frame = lake.session.createDataFrame(arrow).withColumn("run_id", F.lit(run_id))
    empty = [f.name for f in frame.schema if isinstance(f.dataType, T.NullType)]
    types = spark_schema(contract)
    frame = frame.withColumns({name: F.col(name).cast(types[name].dataType) for name in empty})
    return conform(frame, contract)
