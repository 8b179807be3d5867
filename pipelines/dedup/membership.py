"""Which of many 64-bit hashes stand in a set of few."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from pipelines.dedup.hashing import U64

BITS = 24  # of a table that says no to nearly all strangers at one look


@dataclass(frozen=True)
class HashSet:
    """A set of hashes.

    Attributes:
        values: the hashes, sorted and distinct.
    """

    values: U64

    @cached_property
    def _table(self) -> npt.NDArray[np.bool_]:
        table = np.zeros(1 << BITS, dtype=bool)
        table[self.values >> np.uint64(64 - BITS)] = True
        return table

    def has(self, hashes: U64) -> npt.NDArray[np.bool_]:
        """Whether each hash is in the set, [hashes]."""
        found: npt.NDArray[np.bool_] = self._table[hashes >> np.uint64(64 - BITS)]
        likely = hashes[found]
        at = np.searchsorted(self.values, likely).clip(max=max(len(self.values) - 1, 0))
        found[found] = self.values[at] == likely
        return found
