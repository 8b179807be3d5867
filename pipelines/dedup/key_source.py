"""Where tasks find the keys of records, and the plan by which their buckets are cut."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from pipelines.core.packed import Records, column
from pipelines.dedup.attributes import open_store
from pipelines.dedup.capture_keys import capture_entries
from pipelines.dedup.entries import CAPTURE_ENTRY, entries_among, key_entries
from pipelines.dedup.hashing import U64
from pipelines.dedup.key_files import CHUNK, open_cuts, open_keys
from pipelines.dedup.keys import KeyLayout, RecordKeys
from pipelines.dedup.leaf_files import open_leaves
from pipelines.dedup.leaf_walk import leaf_keys
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

    @cached_property
    def plan_id(self) -> str:
        """Digest of the plan, 16 hex digits."""
        cuts = self.cuts if self.cuts is not None else np.empty(0, np.uint64)
        digest = hashlib.sha256(f"{self.depth}/{self.split_size}".encode())
        digest.update(np.ascontiguousarray(cuts).data)  # a hundred megabytes: not copied
        return digest.hexdigest()[:16]


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

    def entries(self, start: int, depth: int, every: int = 1) -> Records:
        """Entries of one run of records at a start depth; see `key_entries`."""
        keys, rows = open_keys(self.folder), slice(start, start + CHUNK)
        run = RecordKeys(keys.prefixes[rows], keys.tails[rows])
        return key_entries(run, self.layout, depth, start, self._skips(keys.nodes[rows]), every)

    def entries_among(self, start: int, leaves: HashSet) -> Records:
        """Entries of one run of records that stand in some leaves, their keys those of the leaves.

        The table of leaves must have been written.
        """
        table = open_leaves(self.folder)[start : start + CHUNK]
        entries = entries_among(table, start, leaves)
        chosen: Records = entries[~self._skips(self.nodes(entries))]
        return chosen

    def _skips(self, nodes: I64) -> npt.NDArray[np.bool_]:
        """Records that stand in no bucket: behind an equal one, or no longer of the store."""
        return is_member(nodes, self.hidden) | (nodes < 0)

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


def is_member(values: I64, sorted_set: I64) -> npt.NDArray[np.bool_]:
    """Which values stand in a sorted array."""
    if not len(sorted_set):
        return np.zeros(len(values), dtype=bool)
    at = np.searchsorted(sorted_set, values).clip(max=len(sorted_set) - 1)
    found: npt.NDArray[np.bool_] = sorted_set[at] == values
    return found
