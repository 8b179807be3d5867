"""Load: the table `candidate_edges`, which waits for no clusters."""

from collections.abc import Iterable, Iterator

import pyarrow as pa

from pipelines.core.contracts import spark_schema
from pipelines.core.lake import Lake
from pipelines.core.lake_arrow import append_tasks, exchange_rows, write_tasks
from pipelines.core.local_rows import Rows
from pipelines.core.packed import unpack
from pipelines.dedup.attributes import open_store
from pipelines.dedup.earlier_pairs import TABLE, part_pairs
from pipelines.dedup.edges import EDGE, Scoring, edge_rows
from pipelines.dedup.increment import Increment


def write_edges(
    lake: Lake, edges: Rows, scoring: Scoring, names: tuple[str, ...], increment: Increment | None,
    model_id: str, run_id: str,
) -> None:  # fmt: skip
    """Write `candidate_edges` from the packed edges; those of an increment are added.

    Args:
        lake: the lake.
        edges: packed rows of kind `edge`.
        scoring: how they were scored.
        names: key families by number.
        increment: takes away the pairs of nodes that are gone.
        model_id: the model.
        run_id: this run.
    """

    def expand(batches: Iterable[pa.RecordBatch], _: list[bytes]) -> Iterator[pa.RecordBatch]:
        store = open_store(scoring.comparison.folder)
        for batch in batches:
            records = unpack([batch], EDGE)
            if len(records):
                yield from edge_rows(records, store, scoring, names).to_batches()

    constants = {"run_id": run_id, "model_id": model_id, "confidence": None}
    schema = spark_schema("identity.SimilarityPair")
    if increment is None:
        write_tasks(lake, TABLE, edges, expand, schema, constants)
        return
    store = open_store(scoring.comparison.folder)
    parted = part_pairs(lake, store, scoring, increment.gone, names, run_id)
    if parted is not None:
        there, is_left, again = parted
        more = edge_rows(again, store, scoring, names)
        exchange_rows(lake, TABLE, there, is_left, more, schema, constants)
    append_tasks(lake, TABLE, edges, expand, schema, constants)
