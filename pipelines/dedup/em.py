"""Training without labels: expectation maximisation on agreement-pattern counts (Winkler 1988).

The prior counts matches over ALL pairs of the file, not over the candidates, and u is learned on
random pairs; learned on candidates, both are wrong in a way no threshold repairs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.core.errors import GateError
from pipelines.dedup.comparators import Comparator
from pipelines.dedup.config import EmSettings, ScoreSettings
from pipelines.dedup.score import Clamp, Weights, group_agreement, group_columns, posterior

F64 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int8]

LEAST_U = 1e-9
MOST_DUPLICATES_PER_RECORD = 25.0


@dataclass(frozen=True)
class PatternCounts:
    """Agreement patterns with how many pairs show them.

    Attributes:
        levels: [patterns, comparators], -1 missing.
        counts: pairs per pattern, [patterns].
    """

    levels: I8
    counts: F64


@dataclass(frozen=True)
class Training:
    """Outcome of EM: the weights, rounds used, and expected matches among the candidates."""

    weights: Weights
    rounds: int
    matches: float


def level_shares(patterns: PatternCounts, comparators: Sequence[Comparator]) -> list[F64]:
    """Share of each level among the pairs where the field is present."""
    shares = []
    for column, comparator in enumerate(comparators):
        counts = _level_counts(patterns, patterns.counts, column, comparator.levels)
        shares.append(counts / max(counts.sum(), 1.0))
    return shares


def with_exact_equality(shares: F64, exact: Mapping[int, float]) -> F64:
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


def train(
    candidates: PatternCounts,
    random_shares: Sequence[F64],
    random_pairs: PatternCounts,
    records: int,
    comparators: tuple[Comparator, ...],
    em: EmSettings,
    score: ScoreSettings,
    fixed_u: bool = False,
) -> Training:
    """Learn m, u, the prior and the group clamps.

    Args:
        candidates: patterns of the candidate pairs, weighted.
        random_shares: level shares over random pairs, per comparator.
        random_pairs: patterns of random pairs, for what wholly differing groups are worth.
        records: records in the file (N).
        comparators: fields in pattern order.
        em: rounds, tolerance and pseudo-count.
        score: caps of the weights.
        fixed_u: keep u at the random shares instead of taking the matches out of them.

    Raises:
        GateError: EM does not converge, or finds more duplicates than a register can have.
    """
    all_pairs = records * (records - 1) / 2
    weights = _start(random_shares, random_pairs, records, comparators, score)
    for round_number in range(1, em.rounds + 1):
        probability = posterior(weights.score_bits(candidates.levels))
        updated = _maximise(
            candidates, probability, random_shares, random_pairs, weights, all_pairs, em, fixed_u
        )
        move = max(
            float(np.abs(new - old).max()) for new, old in zip(updated.m, weights.m, strict=True)
        )
        weights = updated
        if move < em.tolerance:
            matches = weights.prior * all_pairs
            _refuse_implausible(matches, records)
            return Training(weights, round_number, matches)
    raise GateError(
        f"EM did not converge in {em.rounds} rounds (last move {move:.2e}, tolerance "
        f"{em.tolerance:.0e}); raise em.rounds, or check that the compared fields are filled"
    )


def _start(
    shares: Sequence[F64],
    random_pairs: PatternCounts,
    records: int,
    comparators: tuple[Comparator, ...],
    score: ScoreSettings,
) -> Weights:
    m = tuple(
        np.append(np.full(c.levels - 1, 0.1 / (c.levels - 1)), 0.9) for c in comparators
    )
    prior = min(0.1 / max(records - 1, 1) * 2, 0.5)
    clamps = {}
    for group, columns in _demographic_groups(comparators).items():
        _, none = _group_shares(random_pairs, random_pairs.counts, comparators, columns)
        clamps[group] = Clamp(0.5, 2e-6, 0.1, max(none, LEAST_U))
    u = tuple(np.maximum(share, LEAST_U) for share in shares)
    return Weights(comparators, m, u, prior, clamps, score)


def _maximise(
    candidates: PatternCounts,
    probability: F64,
    shares: Sequence[F64],
    random_pairs: PatternCounts,
    weights: Weights,
    all_pairs: float,
    em: EmSettings,
    fixed_u: bool,
) -> Weights:
    expected = candidates.counts * probability
    prior = float(np.clip(expected.sum() / all_pairs, 1e-15, 0.5))
    m, u = [], []
    for column, comparator in enumerate(weights.comparators):
        counts = _level_counts(candidates, expected, column, comparator.levels)
        share = (counts + em.alpha) / (counts.sum() + em.alpha * comparator.levels)
        m.append(share)
        unmatched = shares[column] if fixed_u else (shares[column] - prior * share) / (1 - prior)
        u.append(np.maximum(unmatched, LEAST_U))
    clamps = {
        group: _clamp(candidates, probability, random_pairs, weights, columns, all_pairs, em)
        for group, columns in _demographic_groups(weights.comparators).items()
    }
    return Weights(weights.comparators, tuple(m), tuple(u), prior, clamps, weights.settings)


def _clamp(
    candidates: PatternCounts,
    probability: F64,
    random_pairs: PatternCounts,
    weights: Weights,
    columns: list[int],
    all_pairs: float,
    em: EmSettings,
) -> Clamp:
    expected = candidates.counts * probability
    enough, agree, differ = group_agreement(weights.comparators, columns, candidates.levels)
    present = expected[enough].sum() + 2 * em.alpha
    strangers = (candidates.counts - expected)[agree].sum()
    _, none = _group_shares(random_pairs, random_pairs.counts, weights.comparators, columns)
    return Clamp(
        m_all=float((expected[agree].sum() + em.alpha) / present),
        u_all=float((strangers + 1.0) / all_pairs),
        m_none=float((expected[differ].sum() + em.alpha) / present),
        u_none=max(none, LEAST_U),
    )


def _group_shares(
    patterns: PatternCounts, counts: F64, comparators: Sequence[Comparator], columns: list[int]
) -> tuple[float, float]:
    enough, agree, differ = group_agreement(comparators, columns, patterns.levels)
    present = max(float(counts[enough].sum()), 1.0)
    return float(counts[agree].sum()) / present, float(counts[differ].sum()) / present


def _demographic_groups(comparators: Sequence[Comparator]) -> dict[str, list[int]]:
    return {
        group: columns
        for group, columns in group_columns(comparators).items()
        if group is not None and comparators[columns[0]].kind != "capture"
    }


def _level_counts(patterns: PatternCounts, counts: F64, column: int, levels: int) -> F64:
    level = patterns.levels[:, column]
    present = level >= 0
    return np.bincount(level[present], weights=counts[present], minlength=levels)


def _refuse_implausible(matches: float, records: int) -> None:
    per_record = 2 * matches / max(records, 1)
    if per_record > MOST_DUPLICATES_PER_RECORD:
        raise GateError(
            f"EM expects {per_record:.1f} duplicates per record, over "
            f"{MOST_DUPLICATES_PER_RECORD:.0f}: the compared fields do not tell persons apart"
        )
