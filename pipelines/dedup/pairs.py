"""The comparison stage: distinct pairs of a partition get their agreement pattern.

A compared pair is 40 bytes: the two nodes, the families that saw it, its packed pattern, its
term-frequency bits (personal and household fields) and its weight. Patterns are counted on the
way, so training sees counts only.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.errors import ConfigError
from pipelines.core.local_rows import Rows
from pipelines.core.packed import Records, pack, unpack
from pipelines.dedup.attributes import RecordStore, open_store
from pipelines.dedup.candidates import PAIR, distinct_pairs
from pipelines.dedup.capture_levels import CaptureComparison
from pipelines.dedup.comparators import Comparator, comparators_of, pack_patterns, radix
from pipelines.dedup.compare import Attributes, compare_pairs
from pipelines.dedup.config import TermFrequencySettings
from pipelines.dedup.mapping import TEXT, Mapping
from pipelines.dedup.score import term_frequency_bits

I8 = npt.NDArray[np.int8]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

COMPARED = np.dtype(
    [("a", "<i8"), ("b", "<i8"), ("families", "<u4"), ("pattern", "<i8"), ("tf", "<f4", (2,)),
     ("weight", "<f4")]
)  # fmt: skip
PATTERN = np.dtype([("pattern", "<i8"), ("weight", "<f8"), ("pairs", "<i8")])

IDENTICAL = 31  # family bit of pairs with equal content
CHUNK = 400_000


@dataclass(frozen=True)
class Comparison:
    """Everything a task needs to compare pairs.

    Attributes:
        folder: the record store.
        mapping: compared fields.
        captures: how captures are compared, or None.
        tf: term-frequency settings.
        votes: families that need more than one shared key: family number to number of votes.
        group_sizes: records behind each representative, by sorted node; others stand for one.
    """

    folder: str
    mapping: Mapping
    captures: CaptureComparison | None
    tf: TermFrequencySettings
    votes: tuple[tuple[int, int], ...] = ()
    representatives: I64 = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    group_sizes: I64 = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    link_only: bool = False

    @property
    def comparators(self) -> tuple[Comparator, ...]:
        """Fields in pattern order."""
        return comparators_of(self.mapping, self.captures.positions if self.captures else ())

    def without_captures(self) -> "Comparison":
        """The demographic part."""
        return replace(self, captures=None)


def compare_stage(pairs: Rows, comparison: Comparison) -> Rows:
    """Packed rows of kind `compared` and `pattern` from rows of kind `pair`; others go through."""
    return pairs.mapInArrow(compare_task(comparison), pairs.schema)


def compare_task(
    comparison: Comparison,
) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Function of one partition: distinct pairs, compared in chunks."""

    def emit(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        store = open_store(comparison.folder)
        held = []
        for batch in batches:
            is_pair = pc.equal(batch.column("kind"), "pair")
            held.append(batch.filter(is_pair))
            if held[-1].num_rows < batch.num_rows:
                yield batch.filter(pc.invert(is_pair))
        pairs = enough_votes(distinct_pairs(unpack(held, PAIR)), comparison.votes)
        held.clear()
        if comparison.link_only:
            pairs = pairs[between_sources(pairs, store)]
        patterns = []
        for start in range(0, len(pairs), CHUNK):
            compared = compare_records(pairs[start : start + CHUNK], store, comparison)
            patterns.append(count_patterns(compared))
            yield pack("compared", compared)
        if patterns:
            yield pack("pattern", np.concatenate(patterns))

    return emit


def enough_votes(pairs: Records, votes: tuple[tuple[int, int], ...]) -> Records:
    """Drop pairs seen only by a family that asks for more shared keys than the pair has."""
    for family, needed in votes:
        alone = pairs["families"] == np.uint32(1) << np.uint32(family)
        pairs = pairs[~alone | (pairs["votes"] >= needed)]
    return pairs


def between_sources(pairs: Records, store: RecordStore) -> npt.NDArray[np.bool_]:
    """Pairs whose records come from different sources.

    Raises:
        ConfigError: the records do not say where they come from.
    """
    if store.sources is None:
        raise ConfigError("link_only: the records have no column source; give each input a source")
    source_a, source_b = (store.sources[store.rows_of(pairs[side])] for side in ("a", "b"))
    return np.not_equal(source_a, source_b)


def compare_records(pairs: Records, store: RecordStore, comparison: Comparison) -> Records:
    """Compare distinct pairs whose records stand in the store."""
    left, right = store.rows_of(pairs["a"]), store.rows_of(pairs["b"])
    levels = compare_pairs(store.attributes, comparison.mapping, left, right)
    out = np.zeros(len(pairs), dtype=COMPARED)
    out["a"], out["b"], out["families"] = pairs["a"], pairs["b"], pairs["families"]
    out["tf"] = tf_bits(store.attributes, comparison, levels, left, right)
    if comparison.captures and store.templates is not None:
        captures = comparison.captures.levels(store.templates, left, right)
        levels = np.hstack([levels, captures])
    out["pattern"] = pack_patterns(levels, radix(comparison.comparators))
    out["weight"] = pair_weights(pairs, comparison)
    return out


def tf_bits(
    attributes: Attributes, comparison: Comparison, levels: I8, left: I64, right: I64
) -> F64:
    """Term-frequency bits of the text fields outside groups, per pair.

    Returns:
        [pairs, 2]: sum over the personal fields, and over those a household shares.
    """
    total = np.zeros((len(left), 2))
    for column, (name, spec) in enumerate(comparison.mapping.fields.items()):
        if spec.group is None and spec.comparator in TEXT:
            shares = open_shares(comparison.folder, name)
            agreeing = np.flatnonzero(levels[:, column] >= 2)
            codes = attributes.codes[name]
            frequency = np.maximum(shares[codes[left[agreeing]]], shares[codes[right[agreeing]]])
            level = np.where(levels[agreeing, column] > 4, -1, levels[agreeing, column])
            total[agreeing, int(spec.household)] += term_frequency_bits(
                frequency, float(shares[-1]), level, 4, comparison.tf
            )
    return total


def write_shares(folder: Path, field: str, shares: F64, expected: float) -> None:
    """Store the share of each value of a field; the last entry is the expected agreement."""
    np.save(folder / f"shares-{field}.npy", np.append(shares, expected))


def open_shares(folder: str, field: str) -> F64:
    """Shares of a field as `write_shares` stored them."""
    shares: F64 = np.load(Path(folder) / f"shares-{field}.npy", mmap_mode="r")
    return shares


def pair_weights(pairs: Records, comparison: Comparison) -> F64:
    """Record pairs that a representative pair stands for; a star stands for half its size each."""
    identical = pairs["families"] >> np.uint32(IDENTICAL) & np.uint32(1) == 1
    sizes = [_group_size(pairs[side], comparison) for side in ("a", "b")]
    return np.where(identical, np.maximum(*sizes) / 2.0, sizes[0] * sizes[1])


def _group_size(nodes: I64, comparison: Comparison) -> I64:
    known = comparison.representatives
    sizes = np.ones(len(nodes), dtype=np.int64)
    if len(known):
        at = np.searchsorted(known, nodes).clip(max=len(known) - 1)
        found = known[at] == nodes
        sizes[found] = comparison.group_sizes[at[found]]
    return sizes


def count_patterns(compared: Records) -> Records:
    """Weighted counts per pattern, an array of `PATTERN`, sorted by pattern."""
    place, patterns = pd.factorize(compared["pattern"])  # few values: no sort of all pairs
    counts = np.empty(len(patterns), dtype=PATTERN)
    counts["pattern"], counts["pairs"] = patterns, np.bincount(place, minlength=len(patterns))
    counts["weight"] = np.bincount(place, weights=compared["weight"], minlength=len(patterns))
    return np.sort(counts, order="pattern")


def merge_counts(parts: Records) -> Records:
    """Add up counts of several partitions, sorted by pattern; sums of halves are exact."""
    patterns, inverse = np.unique(parts["pattern"], return_inverse=True)
    merged = np.empty(len(patterns), dtype=PATTERN)
    merged["pattern"] = patterns
    merged["weight"] = np.bincount(inverse, weights=parts["weight"], minlength=len(patterns))
    merged["pairs"] = np.bincount(inverse, weights=parts["pairs"], minlength=len(patterns))
    return merged
