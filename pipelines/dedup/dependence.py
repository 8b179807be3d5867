"""Fields that agree together among strangers: measured, and joined into a tree (Chow and Liu 1968).

Strangers of one town agree on locality and pincode too, and a father's name repeats the surname. A
model that multiplies such fields takes neighbours and namesakes for matches, and the more so the
larger the register: their number grows with the square of it, that of duplicates does not.
"""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numba as nb
import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import minimum_spanning_tree

from pipelines.dedup.hashing import U64
from pipelines.dedup.mapping import Mapping
from pipelines.dedup.signatures import mix

I32 = npt.NDArray[np.int32]
Codes = Sequence[I32]

_ANCHORS = ("date_of_birth", "given_name")  # comparators that tell a match from a stranger


@dataclass(frozen=True)
class Dependence:
    """Two fields that strangers agree on together, `bits` more often than by chance (log2)."""

    first: str
    second: str
    bits: float


def measure_dependence(
    values: MappingOf[str, I32], mapping: Mapping, weights: npt.NDArray[np.float64], sample: int,
    prior: int,
) -> tuple[Dependence, ...]:  # fmt: skip
    """The strongest tree of dependences between the fields that people of one place share.

    All pairs of a sample of records count, by grouping equal values. Pairs that also agree on birth
    date or given name may be matches and are left out.

    Args:
        values: codes of each field by record, -1 missing.
        mapping: compared fields.
        weights: 0 for rows behind a representative.
        sample: records counted at most.
        prior: pairs as expected by chance that are added to what was seen.

    Returns:
        Empty where no birth date and no given name is compared.
    """
    rows = np.flatnonzero(weights > 0)[:sample]
    codes = {name: values[name][rows] for name in mapping.fields}
    anchors = {spec.comparator: codes[name] for name, spec in mapping.fields.items()}
    names = [name for name, spec in mapping.fields.items() if spec.household or spec.group]
    apart = [anchors[kind] for kind in _ANCHORS if kind in anchors]
    if not apart:
        return ()
    information = np.zeros((len(names), len(names)))
    found: dict[tuple[int, int], Dependence] = {}
    for i, j in combinations(range(len(names)), 2):
        bits, information[i, j] = _lift([codes[names[i]], codes[names[j]]], apart, prior)
        found[i, j] = Dependence(names[i], names[j], bits)
    tree = minimum_spanning_tree(csr_array(-information)).nonzero()
    edges = (found[int(i), int(j)] for i, j in zip(*tree, strict=True))
    return tuple(edge for edge in edges if edge.bits > 0)


def _lift(ends: Codes, apart: Codes, prior: int) -> tuple[float, float]:
    """How much more often both fields agree than by chance (log2), and what it tells, in bits."""
    present = (ends[0] >= 0) & (ends[1] >= 0)
    first, second = (values[present] for values in ends)
    apart = [values[present] for values in apart]
    pairs = max(len(first) * (len(first) - 1) / 2, 1.0)
    both, one, other = (
        max(_pairs_apart(chosen, apart), 0.0) for chosen in ([first, second], [first], [second])
    )
    expected = one * other / pairs
    bits = float(np.log2((both + prior) / (expected + prior)))
    return max(bits, 0.0), max(both / pairs * bits, 0.0)


def _pairs_apart(agreeing: Codes, apart: Codes) -> float:
    """Pairs that agree on some fields and on none of the others, by inclusion and exclusion."""
    total = 0.0
    for size in range(len(apart) + 1):
        for chosen in combinations(apart, size):
            total += (-1) ** size * _pairs_equal([*agreeing, *chosen])
    return total


def _pairs_equal(columns: Codes) -> float:
    """Pairs of rows that agree on all columns; a missing value agrees with none."""
    words = np.empty(len(columns[0]), dtype=np.uint64)
    present = words[: _fold_present(np.stack(columns), words)]
    present.sort()
    return float(_pairs_in_runs(present))


@nb.njit(cache=True, nogil=True)
def _fold_present(columns: I32, words: U64) -> int:
    """One hash for each row without a missing value; returns how many there are."""
    found = 0
    for row in range(columns.shape[1]):
        word, is_present = np.uint64(0), True
        for column in range(columns.shape[0]):
            value = columns[column, row]
            is_present &= value >= 0
            word = mix(word ^ np.uint64(value))
        if is_present:
            words[found] = word
            found += 1
    return found


@nb.njit(cache=True, nogil=True)
def _pairs_in_runs(words: U64) -> int:
    """Pairs of equal neighbours in sorted words."""
    pairs, start = 0, 0
    for i in range(1, len(words) + 1):
        if i == len(words) or words[i] != words[start]:
            pairs += (i - start) * (i - start - 1) // 2
            start = i
    return pairs
