"""Which records an increment has to cluster anew; all others stay in the clusters they have.

What becomes of a component of match edges, with its decisions and under the guard, follows from
nothing outside it. So a component in which nothing is new is not looked at again.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipelines.core.packed import Records, column
from pipelines.dedup.attributes import RecordStore
from pipelines.dedup.components import component_numbers
from pipelines.dedup.edges import EDGE

I64 = npt.NDArray[np.int64]

CUT = np.dtype([("edge", EDGE), ("reason", "U16")])
"""A match edge that the guard has cut, and why."""


@dataclass(frozen=True)
class Before:
    """What the run before an increment has left of its clusters.

    Attributes:
        known: label and figures of each row of the union, see `known_clusters`.
        cuts: edges that the guard has cut, array of `CUT`.
        seeds: ends of all edges that came or went, and records that came; None where the edges are
            not those of the run before, so that every record is looked at.
    """

    known: Records
    cuts: Records
    seeds: I64 | None

    def with_rows(self, rows: I64, known: Records, cuts: Records, nodes: I64) -> "Before":
        """The same with some rows clustered anew.

        Args:
            rows: rows of whole components.
            known: what is known of them now.
            cuts: the cuts among them.
            nodes: nodes of the register.
        """
        whole = self.known.copy()
        whole[rows] = known
        elsewhere = ~np.isin(self.cuts["edge"]["a"], nodes[rows])
        return Before(whole, np.append(self.cuts[elsewhere], cuts), self.seeds)


def touched_part(matches: Records, store: RecordStore, seeds: I64 | None) -> tuple[I64, Records]:
    """Rows of the components with a seed, ascending, and their edges; without seeds all of them.

    Args:
        matches: match edges, array of `EDGE`.
        store: the records.
        seeds: see `Before`.
    """
    records = len(store.nodes)
    if seeds is None:
        return np.arange(records), matches
    a, b = (store.rows_of(column(matches, side)) for side in ("a", "b"))
    numbers = component_numbers(records, a, b)
    is_touched = np.zeros(records, dtype=bool)
    is_touched[numbers[store.rows_of(seeds)]] = True
    return np.flatnonzero(is_touched[numbers]), matches[is_touched[numbers[a]]]


def keep_cuts(folder: Path, stamp: str, cuts: Records) -> None:
    """Lay the cuts of the guard beside a record store, as `earlier_pairs.keep_edges` the edges."""
    np.save(folder / f"cuts-{stamp}.npy", cuts)


def kept_cuts(folder: Path, stamp: str) -> Records:
    """Cuts of `keep_cuts`; none where the edges were scored otherwise."""
    file = folder / f"cuts-{stamp}.npy"
    cuts: Records = np.load(file) if file.exists() else np.empty(0, dtype=CUT)
    return cuts
