"""The comparators: how many levels each has, which level means agreement, and how patterns pack.

A level of -1 means missing on either side: no evidence, weight 0. Level 0 means "differs".
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.dedup.mapping import EXACT, Mapping

I8 = npt.NDArray[np.int8]
I64 = npt.NDArray[np.int64]

NULL = np.int8(-1)

LABELS = {
    "text": ("differs", "initial fits", "same sound or close", "one letter apart", "equal"),
    "given_name": (
        "differs", "initial fits", "same sound or close", "one letter apart", "equal",
        "given name and surname exchanged", "one name in the other's place",
    ),
    "date_of_birth": (
        "differs", "two parts equal or close", "same year, one estimated",
        "one digit apart or day and month exchanged", "equal, estimated", "equal",
    ),
    "gender": ("differs", "equal"),
    "exact": ("differs", "one character apart", "equal"),
    "capture": ("differs", "weak", "fair", "good", "strong"),
}  # fmt: skip

# The least level that counts as agreement of a field inside its group.
_AGREES = {"text": 3, "given_name": 3, "date_of_birth": 3, "gender": 1, "exact": 2, "capture": 3}


@dataclass(frozen=True)
class Comparator:
    """One compared field or capture position; members of a household share a `household` field."""

    name: str
    kind: str
    group: str | None = None
    household: bool = False

    @property
    def levels(self) -> int:
        """Number of levels, missing not counted."""
        return len(LABELS[self.kind])

    @property
    def agrees(self) -> int:
        """Least level that counts as agreement."""
        return _AGREES[self.kind]


def comparators_of(mapping: Mapping, positions: Sequence[str] = ()) -> tuple[Comparator, ...]:
    """Comparators of a mapping, demographics first, then the capture positions in use."""
    fields = tuple(
        Comparator(name, _kind(spec.comparator), spec.group, spec.household)
        for name, spec in mapping.fields.items()
    )
    return fields + tuple(
        Comparator(position, "capture", "irises" if position.endswith("IRIS") else "fingers")
        for position in positions
    )


def _kind(comparator: str) -> str:
    if comparator in EXACT:
        return "exact"
    return comparator if comparator in ("given_name", "date_of_birth", "gender") else "text"


def radix(comparators: Sequence[Comparator]) -> I64:
    """Place values of the comparators in a packed pattern; the product must fit 63 bits."""
    sizes = [c.levels + 1 for c in comparators]
    places = np.array([1, *np.cumprod(np.array(sizes, dtype=object))], dtype=object)
    if places[-1] >= 2**63:
        raise ValueError(f"{len(sizes)} comparators do not fit one pattern word")
    return places[:-1].astype(np.int64)


def pack_patterns(levels: I8, places: I64) -> I64:
    """Pack levels [pairs, comparators] into one integer per pair."""
    packed = np.zeros(len(levels), dtype=np.int64)
    for column, place in enumerate(places):
        packed += (levels[:, column].astype(np.int64) + 1) * place
    return packed


def unpack_patterns(packed: I64, comparators: Sequence[Comparator], places: I64) -> I8:
    """Inverse of `pack_patterns`, [patterns, comparators]."""
    sizes = np.array([c.levels + 1 for c in comparators], dtype=np.int64)
    levels: I64 = (packed[:, None] // places[None, :]) % sizes[None, :] - 1
    return levels.astype(np.int8)
