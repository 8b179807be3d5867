"""Load, incremental: tables whose rows change here and there.

Clusters that the increment left alone keep their rows in `clusters` and `golden_records`.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.contracts import spark_schema
from pipelines.core.lake import Lake
from pipelines.core.lake_arrow import exchange_rows
from pipelines.dedup.known_clusters import TABLE as CLUSTERS
from pipelines.dedup.merge_log import next_versions
from pipelines.dedup.resolution import build_golden

if TYPE_CHECKING:
    from pipelines.dedup.result import Run

GOLDEN = "golden_records"


def write_changed_clusters(result: "Run", lake: Lake, run_id: str) -> None:
    """Version the changed clusters and replace their golden records, both at once."""
    resolution = result.resolution
    there = lake.arrow(CLUSTERS)
    tokens = pa.array(resolution.clusters["record_token"].to_numpy(), pa.string())
    is_met = pc.and_(pc.is_in(there["record_token"], tokens), pc.is_null(there["valid_to_run"]))
    previous = there.filter(is_met)
    with ThreadPoolExecutor(1, "golden") as beside:
        golden = beside.submit(_write_golden, result, previous["cluster_id"], lake, run_id)
        change = next_versions(
            previous.to_pandas(), resolution.clusters, resolution.links, resolution.cuts, run_id,
            result.model.model_id,
        )  # fmt: skip
        closed = pa.array(change.close["record_token"].to_numpy(), pa.string())
        gone = pc.and_(is_met, pc.is_in(there["record_token"], closed))
        rows = pa.Table.from_pandas(pd.concat([change.close, change.open]), preserve_index=False)
        exchange_rows(lake, CLUSTERS, there, gone, rows, spark_schema("identity.DuplicateCluster"))
        golden.result()


def _write_golden(result: "Run", earlier: pa.ChunkedArray, lake: Lake, run_id: str) -> None:
    resolution = result.resolution
    there = lake.arrow(GOLDEN)
    made = build_golden(resolution, result.intake.store, result.intake.mapping)
    now = pa.array(resolution.clusters["cluster_id"].to_numpy(), pa.string())
    gone = pc.is_in(there["cluster_id"], pa.chunked_array([*earlier.chunks, now]))
    schema = spark_schema("identity.GoldenRecord")
    exchange_rows(lake, GOLDEN, there, gone, made, schema, {"run_id": run_id})
