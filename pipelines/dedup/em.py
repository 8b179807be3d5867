"""Training without labels: expectation maximisation on agreement-pattern counts (Winkler 1988).

The prior counts matches over ALL pairs of the file and u is learned on random pairs; learned on
candidates, both are wrong in a way no threshold repairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.core.errors import GateError
from pipelines.dedup.comparators import Comparator
from pipelines.dedup.config import EmSettings, ScoreSettings
from pipelines.dedup.dependence import Dependence
from pipelines.dedup.score import (
    Clamp,
    Household,
    Weights,
    group_agreement,
    group_columns,
    posterior,
)

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


def train(
    candidates: PatternCounts,
    random_shares: Sequence[F64],
    random_pairs: PatternCounts,
    records: int,
    comparators: tuple[Comparator, ...],
    em: EmSettings,
    score: ScoreSettings,
    fixed_u: bool = False,
    dependence: tuple[Dependence, ...] = (),
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
        dependence: fields on which strangers agree together.

    Raises:
        GateError: EM does not converge, or finds more duplicates than a register can have.
    """
    all_pairs = max(records * (records - 1) / 2, 1.0)  # one record alone makes none
    data = _Data(candidates, random_shares, random_pairs, all_pairs, em, fixed_u)
    weights = _start(data, records, comparators, score, dependence)
    for round_number in range(1, em.rounds + 1):
        updated = _maximise(data, weights)
        move = max(
            float(np.abs(new - old).max())
            for new, old in zip(_shares(updated), _shares(weights), strict=True)
        )
        weights = updated
        if move < em.tolerance:
            matches = weights.prior * data.all_pairs
            _refuse_implausible(matches, records)
            return Training(weights, round_number, matches)
    raise GateError(
        f"EM did not converge in {em.rounds} rounds (last move {move:.2e}, tolerance "
        f"{em.tolerance:.0e}); raise em.rounds, or check that the compared fields are filled"
    )


@dataclass(frozen=True)
class _Data:
    candidates: PatternCounts
    random_shares: Sequence[F64]
    random_pairs: PatternCounts
    all_pairs: float
    em: EmSettings
    fixed_u: bool


def _shares(weights: Weights) -> tuple[F64, ...]:
    return weights.m + (weights.household.m if weights.household else ())


def _start(
    data: _Data, records: int, comparators: tuple[Comparator, ...], score: ScoreSettings,
    dependence: tuple[Dependence, ...],
) -> Weights:  # fmt: skip
    m = tuple(np.append(np.full(c.levels - 1, 0.1 / (c.levels - 1)), 0.9) for c in comparators)
    u = tuple(_floored(share) for share in data.random_shares)
    prior = min(0.1 * 2 / max(records - 1, 1), 0.25)
    clamps = {}
    for group, columns in _demographic_groups(comparators).items():
        _, none = _group_shares(data.random_pairs, comparators, columns)
        clamps[group] = Clamp(0.5, 1.0 / data.all_pairs, 0.1, max(none, LEAST_U))
    household = None
    if any(c.household for c in comparators):
        shared = tuple(m[i] if c.household else u[i] for i, c in enumerate(comparators))
        household = Household(prior, shared, dict(clamps))
    return Weights(comparators, m, u, prior, clamps, score, household, dependence)


def _maximise(data: _Data, weights: Weights) -> Weights:
    """One round: classes of the candidate patterns under `weights`, then the shares they imply."""
    candidates, levels = data.candidates, data.candidates.levels
    matched = posterior(weights.score_bits(levels))
    related = (1 - matched) * weights.household_share(levels)
    strangers = candidates.counts * (1 - matched - related)
    prior = _share(candidates.counts * matched, data)
    m = _class_shares(data, candidates.counts * matched, weights.comparators)
    clamps = _class_clamps(data, candidates.counts * matched, strangers, weights.comparators)
    kin = _share(candidates.counts * related, data) if weights.household else 0.0
    kin_m = _class_shares(data, candidates.counts * related, weights.comparators)
    u = list(data.random_shares)
    if not data.fixed_u:
        for i, c in enumerate(weights.comparators):
            u[i] = _without(u[i], prior, m[i], kin if c.household else 0.0, kin_m[i])
    u = [_floored(share) for share in u]
    household = None
    if weights.household:
        shared = tuple(kin_m[i] if c.household else u[i] for i, c in enumerate(weights.comparators))
        family = candidates.counts * related
        kin_clamps = _class_clamps(data, family, strangers, weights.comparators)
        household = Household(kin, shared, kin_clamps)
    return Weights(
        weights.comparators, tuple(m), tuple(u), prior, clamps, weights.settings, household,
        weights.dependence,
    )  # fmt: skip


def _share(expected: F64, data: _Data) -> float:
    return float(np.clip(expected.sum() / data.all_pairs, 1e-15, 0.25))


def _without(share: F64, prior: float, m: F64, kin: float, kin_m: F64) -> F64:
    """Level shares of strangers: those of random pairs less what matches and relatives add."""
    strangers: F64 = (share - prior * m - kin * kin_m) / (1 - prior - kin)
    return strangers


def _floored(shares: F64) -> F64:
    """Level shares without zeros that sum to 1, as a model file asks; even where none were seen."""
    return np.divide(raised := np.maximum(shares, LEAST_U), raised.sum())


def _class_shares(data: _Data, expected: F64, comparators: Sequence[Comparator]) -> list[F64]:
    alpha, shares = data.em.alpha, []
    for column, comparator in enumerate(comparators):
        counts = _level_counts(data.candidates, expected, column, comparator.levels)
        shares.append((counts + alpha) / (counts.sum() + alpha * comparator.levels))
    return shares


def _class_clamps(
    data: _Data, expected: F64, strangers: F64, comparators: Sequence[Comparator]
) -> dict[str, Clamp]:
    alpha, clamps = data.em.alpha, {}
    for group, columns in _demographic_groups(comparators).items():
        enough, agree, differ = group_agreement(comparators, columns, data.candidates.levels)
        present = expected[enough].sum() + 2 * alpha
        _, none = _group_shares(data.random_pairs, comparators, columns)
        clamps[group] = Clamp(
            m_all=float((expected[agree].sum() + alpha) / present),
            u_all=float((strangers[agree].sum() + 1.0) / data.all_pairs),
            m_none=float((expected[differ].sum() + alpha) / present),
            u_none=max(none, LEAST_U),
        )
    return clamps


def _group_shares(
    patterns: PatternCounts, comparators: Sequence[Comparator], columns: list[int]
) -> tuple[float, float]:
    counts = patterns.counts
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
    summed = np.bincount(level[present], weights=counts[present], minlength=levels)
    return summed.astype(np.float64)


def _refuse_implausible(matches: float, records: int) -> None:
    per_record = 2 * matches / max(records, 1)
    if per_record > MOST_DUPLICATES_PER_RECORD:
        raise GateError(
            f"EM expects {per_record:.1f} duplicates per record, over "
            f"{MOST_DUPLICATES_PER_RECORD:.0f}: the compared fields do not tell persons apart; "
            "map more fields, or more telling ones"
        )
