"""Where tasks find the keys of records, and which of them a run asks for."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.core.packed import Records, column
from pipelines.dedup.attributes import open_store
from pipelines.dedup.capture_keys import capture_entries
from pipelines.dedup.entries import CAPTURE_ENTRY, key_entries
from pipelines.dedup.hashing import U64
from pipelines.dedup.key_files import CHUNK, open_cuts, open_keys
from pipelines.dedup.keys import KeyLayout, RecordKeys
from pipelines.dedup.leaf_walk import leaf_keys, way_down
from pipelines.dedup.membership import HashSet
from pipelines.dedup.splitting import Tails

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Plan:
    """How deep prefixes start and which bucket nodes are cut.

    Attributes:
        depth: hash values in a prefix.
        split_size: buckets above it were cut when the plan was made.
        cuts: sorted keys of cut nodes, or None while the plan is being made.
    """

    depth: int
    split_size: int
    cuts: U64 | None = None


@dataclass(frozen=True)
class KeySource:
    """Where tasks find the records and how they make keys.

    Attributes:
        folder: the record store.
        layout: which keys there are.
        hidden: sorted nodes that stand behind a representative with equal content.
        partitions: target partitions of the entries.
    """

    folder: str
    layout: KeyLayout
    hidden: I64
    partitions: int

    def entries(
        self, start: int, depth: int, every: int = 1, among: HashSet | None = None
    ) -> Records:
        """Entries of one run of records at a start depth; see `key_entries`."""
        keys, rows = open_keys(self.folder), slice(start, start + CHUNK)
        nodes = keys.nodes[rows]
        skipped = is_member(nodes, self.hidden) | (nodes < 0)
        run = RecordKeys(keys.prefixes[rows], keys.tails[rows])
        return key_entries(run, self.layout, depth, start, skipped, every, among)

    def tails(self, entries: Records, depth: int) -> Tails:
        """What cuts the buckets of some entries."""
        table, positions = open_keys(self.folder).tails, self.layout.cutting_bytes(depth)
        return Tails(table, positions, column(entries, "row"), column(entries, "column"))

    def leaf_keys(self, entries: Records, depth: int) -> U64:
        """Keys of the leaves that entries stand in, under a plan whose cuts were written."""
        tails, cuts = self.tails(entries, depth), open_cuts(self.folder)
        return leaf_keys(column(entries, "key"), self.nodes(entries), tails, cuts)

    def nodes(self, entries: Records) -> I64:
        """Node of each entry."""
        nodes: I64 = open_keys(self.folder).nodes[entries["row"]]
        return nodes

    def capture_entries(self, start: int, wanted: U64) -> Records:
        """Entries of one run of records by their captures."""
        store = open_store(self.folder)
        if store.templates is None:
            return np.empty(0, dtype=CAPTURE_ENTRY)
        rows = slice(start, start + CHUNK)
        nodes = np.asarray(store.nodes[rows])
        entries = capture_entries(nodes, store.templates.take(rows), self.layout, wanted)
        return entries[~is_member(column(entries, "node"), self.hidden)]


@dataclass(frozen=True)
class Fresh:
    """Restricts candidates to pairs with a fresh record.

    Attributes:
        nodes: the fresh records, sorted.
        starts: keys of their buckets before splitting.
        leaves: keys of the leaves they stand in.
        inner: sorted keys of the cut nodes above these leaves; whoever leaves them meets no
            fresh record.
    """

    nodes: I64
    starts: HashSet
    leaves: HashSet
    inner: U64

    @classmethod
    def of(cls, nodes: I64, source: KeySource, plan: Plan) -> "Fresh":
        """Find the buckets of some records under a plan.

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
        start, tails = column(entries, "key"), source.tails(entries, plan.depth)
        leaves, inner = way_down(start, source.nodes(entries), tails, plan.cuts)
        return cls(nodes, HashSet(np.unique(start)), HashSet(np.unique(leaves)), inner)

    def among(self, pairs: Records) -> Records:
        """Pairs with a fresh end."""
        chosen: Records = pairs[
            is_member(pairs["a"], self.nodes) | is_member(pairs["b"], self.nodes)
        ]
        return chosen


def is_member(values: I64, sorted_set: I64) -> npt.NDArray[np.bool_]:
    """Which values stand in a sorted array."""
    if not len(sorted_set):
        return np.zeros(len(values), dtype=bool)
    at = np.searchsorted(sorted_set, values).clip(max=len(sorted_set) - 1)
    found: npt.NDArray[np.bool_] = sorted_set[at] == values
    return found
