"""Which leaves the fresh records of an increment stand in: only there are new pairs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import SparkSession

from pipelines.core.packed import Records, column
from pipelines.dedup.entries import key_entries
from pipelines.dedup.key_files import chunks_of, open_keys, write_cuts
from pipelines.dedup.key_source import KeySource, Plan, is_member
from pipelines.dedup.keys import RecordKeys
from pipelines.dedup.leaf_files import holds_plan, keep_plan, make_leaf_table, write_entries
from pipelines.dedup.leaf_walk import few_leaf_keys
from pipelines.dedup.membership import HashSet, touches

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Fresh:
    """Restricts candidates to pairs with a fresh record.

    Attributes:
        nodes: the fresh records, sorted.
        leaves: keys of the leaves they stand in.
    """

    nodes: I64
    leaves: HashSet

    @classmethod
    def of(cls, nodes: I64, source: KeySource, plan: Plan) -> "Fresh":
        """Find the leaves of some records under a plan, and write them to the table of leaves.

        Raises:
            ValueError: the plan is still being made.
        """
        if plan.cuts is None:
            raise ValueError("the cuts of this plan are not known yet")
        keys = open_keys(source.folder)
        rows = np.flatnonzero(is_member(keys.nodes, nodes))
        run = RecordKeys(keys.prefixes[rows], keys.tails[rows])
        entries = key_entries(run, source.layout, plan.depth, 0, np.zeros(len(rows), dtype=bool))
        entries["row"] = rows[entries["row"]]
        tails = source.tails(entries, plan.depth)
        leaves = few_leaf_keys(column(entries, "key"), source.nodes(entries), tails, plan.cuts)
        write_entries(source.folder, entries, leaves)
        return cls(nodes, HashSet(np.unique(leaves)))

    def among(self, pairs: Records) -> Records:
        """Pairs with a fresh end."""
        chosen: Records = pairs[touches((pairs["a"], pairs["b"]), self.nodes)]
        return chosen


def know_leaves(session: SparkSession, source: KeySource, plan: Plan, is_local: bool) -> None:
    """See to it that the table of leaves is there: a lost store, or another plan, has none.

    Raises:
        ValueError: the plan is still being made.
    """
    if holds_plan(source.folder, plan.plan_id):
        return
    if plan.cuts is None:
        raise ValueError("the cuts of this plan are not known yet")
    make_leaf_table(source.folder)
    write_cuts(source.folder, plan.cuts)
    depth = plan.depth

    def walk(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for start in batch.column("id").to_pylist():
                entries = source.entries(start, depth)
                write_entries(source.folder, entries, source.leaf_keys(entries, depth))
            yield batch

    chunks = chunks_of(session, len(open_keys(source.folder).nodes), is_local)
    chunks.mapInArrow(walk, "id bigint").collect()
    keep_plan(source.folder, plan.plan_id)
