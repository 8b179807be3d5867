"""From pattern counts to a model: exact equality shares, random pairs, term frequencies, EM."""

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.packed import Records
from pipelines.dedup.attributes import RecordStore, random_pairs, value_shares
from pipelines.dedup.candidates import PAIR
from pipelines.dedup.comparators import radix, unpack_patterns
from pipelines.dedup.compare import NEW_YEAR, dates_of
from pipelines.dedup.config import DedupConfig
from pipelines.dedup.dependence import Dependence, measure_dependence
from pipelines.dedup.em import PatternCounts, Training, level_shares, train
from pipelines.dedup.mapping import TEXT
from pipelines.dedup.model import TermFrequencies
from pipelines.dedup.pairs import Comparison, compare_records, count_patterns, write_shares

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Marginals:
    """What the records tell by themselves, before any candidate is known.

    Attributes:
        shares: level shares of random pairs, by comparator.
        drawn: patterns of random pairs.
        dependence: fields on which strangers agree together.
    """

    shares: list[F64]
    drawn: PatternCounts
    dependence: tuple[Dependence, ...]


def measure_frequencies(
    store: RecordStore, comparison: Comparison, weights: F64
) -> dict[str, TermFrequencies]:
    """Value shares of the text fields outside groups, over the records `weights` counts."""
    found = {}
    for name, spec in comparison.mapping.fields.items():
        if spec.group is None and spec.comparator in TEXT:
            vocabulary = store.attributes.vocabularies[name]
            codes = store.attributes.codes[name]
            shares = value_shares(codes, weights, len(vocabulary.words))
            common = np.flatnonzero(shares * weights.sum() > 1.5)
            found[name] = TermFrequencies(
                dict(zip(vocabulary.take(common), shares[common].tolist(), strict=True)),
                1.0 / (weights.sum() + 1.0),
                float((shares**2).sum()),
            )
    return found


def store_frequencies(
    store: RecordStore, folder: Path, frequencies: MappingOf[str, TermFrequencies]
) -> None:
    """Write the model's shares beside the store, in the order of its vocabularies."""
    for name, tf in frequencies.items():
        words = store.attributes.vocabularies[name].words
        known = pa.array(list(tf.shares), pa.large_string())
        at = pc.index_in(words, known).fill_null(len(known))
        shares = np.append(list(tf.shares.values()), tf.unseen)[np.asarray(at)]
        write_shares(folder, name, shares, tf.expected)


def pattern_counts(counts: Records, comparison: Comparison) -> PatternCounts:
    """Unpacked levels and weights of merged pattern counts."""
    comparators = comparison.comparators
    levels = unpack_patterns(counts["pattern"], comparators, radix(comparators))
    return PatternCounts(levels, counts["weight"].astype(np.float64))


def compare_random(
    store: RecordStore, comparison: Comparison, rows: I64, pairs: int, seed: int
) -> PatternCounts:
    """Patterns of random pairs among some rows of the store."""
    left, right = random_pairs(len(rows), pairs, seed)
    drawn = np.zeros(len(left), dtype=PAIR)
    drawn["a"], drawn["b"] = store.nodes[rows[left]], store.nodes[rows[right]]
    return pattern_counts(count_patterns(compare_records(drawn, store, comparison)), comparison)


def without_mates(patterns: PatternCounts, first_capture: int) -> PatternCounts:
    """Random pairs less those of one person: one chance mate would halve the worth of an iris.

    Two captures that agree at level 3 or above are a mate beyond doubt, whatever the rest says.
    """
    agreeing = (patterns.levels[:, first_capture:] >= 3).sum(axis=1)
    kept = agreeing < 2
    return PatternCounts(patterns.levels[kept], patterns.counts[kept])


def with_exact_equality(shares: F64, exact: MappingOf[int, float]) -> F64:
    """Replace sampled shares of equality levels by exact ones, the rest rescaled."""
    fixed = shares.copy()
    others = np.ones(len(shares), dtype=bool)
    others[list(exact)] = False
    for level, share in exact.items():
        fixed[level] = share
    rest = fixed[others].sum()
    if rest > 0:
        fixed[others] *= (1.0 - sum(exact.values())) / rest
    return fixed


def exact_equality(
    store: RecordStore, comparison: Comparison, weights: F64
) -> list[dict[int, float]]:
    """Per comparator, the exact share of random pairs on each equality level."""
    exact = []
    for name, spec in comparison.mapping.fields.items():
        codes, vocabulary = store.attributes.codes[name], store.attributes.vocabularies[name]
        present = codes >= 0
        counts = np.bincount(codes[present], weights[present], minlength=len(vocabulary.words))
        pairs = max(counts.sum() * (counts.sum() - 1) / 2, 1.0)
        equal = counts * (counts - 1) / 2 / pairs
        if spec.comparator == "date_of_birth":
            estimated = dates_of(vocabulary) % 10_000 == NEW_YEAR
            exact.append({4: float(equal[estimated].sum()), 5: float(equal[~estimated].sum())})
        elif spec.comparator in ("address_1", "address_2"):
            exact.append({})  # compared crossed too: the random pairs see both readings
        else:
            top = {"gender": 1, "phone": 2, "house": 2, "code": 2}.get(spec.comparator, 4)
            exact.append({top: float(equal.sum())})
    return exact


def measure_marginals(
    store: RecordStore, comparison: Comparison, weights: F64, config: DedupConfig
) -> Marginals:
    """Measure what training needs of the records; it waits for no candidates.

    Args:
        store: attributes of the records, their value shares beside them.
        comparison: how pairs are compared.
        weights: per row of the store, records it stands for; 0 for rows behind a representative.
        config: settings of EM, seeds and caps.
    """
    rows = np.flatnonzero(weights > 0)
    people = comparison.without_captures()
    drawn = compare_random(store, people, rows, config.em.random_pairs, config.seed)
    shares = level_shares(drawn, people.comparators)
    if comparison.captures is not None:
        few = compare_random(store, comparison, rows, config.em.random_captures, config.seed)
        few = without_mates(few, len(shares))
        shares += level_shares(few, comparison.comparators)[len(shares) :]
    for column, exact in enumerate(exact_equality(store, comparison, weights)):
        if exact:
            shares[column] = with_exact_equality(shares[column], exact)
    dependence = measure_dependence(
        store.attributes.codes, comparison.mapping, weights, config.em.dependence_records,
        config.em.dependence_prior,
    )  # fmt: skip
    return Marginals(shares, drawn, dependence)


def train_model(
    candidates: Records, marginals: Marginals, comparison: Comparison, records: int,
    config: DedupConfig,
) -> Training:  # fmt: skip
    """Learn the weights from the pattern counts of the candidates.

    Args:
        candidates: merged counts of `PATTERN`.
        marginals: what the records tell by themselves.
        comparison: how pairs are compared.
        records: records in the file.
        config: settings of EM and caps.
    """
    return train(
        pattern_counts(candidates, comparison), marginals.shares, marginals.drawn, records,
        comparison.comparators, config.em, config.score, dependence=marginals.dependence,
    )  # fmt: skip
