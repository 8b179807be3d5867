"""Fellegi-Sunter scoring in bits: prior + field weights + clamped groups + term frequency.

A group (the lines of an address, the fingers of a hand) agrees together and fails together, so its
summed weight is clamped to what the whole group was seen to be worth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pipelines.dedup.comparators import Comparator
from pipelines.dedup.config import ScoreSettings, TermFrequencySettings
from pipelines.dedup.dependence import Dependence

F64 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int8]

GROUP_EVIDENCE = 3  # a group with fewer present fields says nothing about "all" or "none"


@dataclass(frozen=True)
class Clamp:
    """Shares of matches and non-matches whose whole group agrees, or wholly differs."""

    m_all: float
    u_all: float
    m_none: float
    u_none: float

    @property
    def cap(self) -> float:
        """Most a group may add, bits."""
        return max(0.0, float(np.log2(self.m_all / self.u_all)))

    @property
    def floor(self) -> float:
        """Least a group may add, bits."""
        return min(0.0, float(np.log2(self.m_none / self.u_none)))


@dataclass(frozen=True)
class Household:
    """The third class of pairs: other people of the same household.

    They share surname, relation, address and phone, so as plain non-matches they would pass for
    matches; given name, birth date and captures are those of strangers.

    Attributes:
        prior: share of household pairs among all pairs.
        m: per comparator the level shares among household pairs; u for the other fields.
        clamps: per group its clamp against strangers.
    """

    prior: float
    m: tuple[F64, ...]
    clamps: Mapping[str, Clamp]


@dataclass(frozen=True)
class Weights:
    """Parameters of a trained model, as arrays.

    Attributes:
        comparators: fields in pattern order.
        m: per comparator the level shares among matches.
        u: per comparator the level shares among strangers.
        prior: share of matches among all pairs of the file (lambda).
        clamps: per group its clamp.
        settings: caps and floors.
        household: pairs of one household, None when no field is shared by households.
        dependence: fields on which strangers agree together.
    """

    comparators: tuple[Comparator, ...]
    m: tuple[F64, ...]
    u: tuple[F64, ...]
    prior: float
    clamps: Mapping[str, Clamp]
    settings: ScoreSettings
    household: Household | None = None
    dependence: tuple[Dependence, ...] = ()
    tables: tuple[F64, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tables", self._tables(self.m))

    def _tables(self, shares: tuple[F64, ...]) -> tuple[F64, ...]:
        cap = self.settings.max_weight
        return tuple(
            np.append(np.clip(np.log2(m / u), -cap, cap), 0.0)  # index -1: missing
            for m, u in zip(shares, self.u, strict=True)
        )

    @property
    def prior_bits(self) -> float:
        """log2 of the prior odds of a match against a pair of strangers."""
        related = self.household.prior if self.household else 0.0
        return float(np.log2(self.prior / (1 - self.prior - related)))

    def field_bits(self, levels: I8) -> F64:
        """Weight of each field, [patterns, comparators]."""
        return _look_up(self.tables, levels)

    def limits(self, group: str) -> tuple[float, float]:
        """Floor and cap of a group."""
        if group in self.clamps:
            return self.clamps[group].floor, self.clamps[group].cap
        return -self.settings.biometric_cap, self.settings.biometric_cap

    def evidence_bits(self, levels: I8) -> tuple[F64, F64]:
        """Demographic and biometric evidence per pattern, groups clamped, prior not included."""
        bits = self.field_bits(levels)
        demographic, biometric = np.zeros(len(levels)), np.zeros(len(levels))
        for group, columns in group_columns(self.comparators).items():
            part = bits[:, columns].sum(axis=1)
            if group is not None:
                part = np.clip(part - self.shared_bits(levels, group), *self.limits(group))
            if self.comparators[columns[0]].kind == "capture":
                biometric += part
            else:
                demographic += part
        return demographic, biometric

    def shared_bits(self, levels: I8, group: str | None = None) -> F64:
        """Bits that agreeing fields are worth less, since strangers agree on them together.

        Args:
            levels: agreement levels, [patterns, comparators].
            group: dependences inside this group; None: those outside of groups.
        """
        at = {c.name: column for column, c in enumerate(self.comparators)}
        bits = np.zeros(len(levels))
        for edge in self.dependence:
            first, second = (at[name] for name in (edge.first, edge.second))
            ends = self.comparators[first], self.comparators[second]
            inside = ends[0].group if ends[0].group == ends[1].group else None
            if inside == group:
                agree = (levels[:, first] >= ends[0].agrees) & (levels[:, second] >= ends[1].agrees)
                bits += edge.bits * agree
        return bits

    def context_bits(self, levels: I8, tf_bits: F64 | float = 0.0) -> F64:
        """Bits that a match loses because its surroundings explain the pair.

        Another member of the household, or a stranger of the same place and family name.

        Args:
            levels: agreement levels, [patterns, comparators].
            tf_bits: term-frequency bits of the household fields.
        """
        strangers = self.shared_bits(levels)
        if self.household is None:
            return strangers
        return np.logaddexp2(strangers, self._household_odds(levels, tf_bits))

    def household_share(self, levels: I8) -> F64:
        """Of the pairs of a pattern that are no matches, the share inside one household."""
        if self.household is None:
            return np.zeros(len(levels))
        odds = self._household_odds(levels, 0.0) - self.shared_bits(levels)
        return posterior(odds)

    def _household_odds(self, levels: I8, tf_bits: F64 | float) -> F64:
        """Odds of the household against strangers whose fields are independent, log2."""
        household = self.household
        assert household is not None  # noqa: S101 (both callers have asked)
        strangers = 1 - self.prior - household.prior
        odds = np.full(len(levels), np.log2(household.prior / strangers)) + tf_bits
        bits = _look_up(self._tables(household.m), levels)
        for group, columns in group_columns(self.comparators).items():
            part = bits[:, columns].sum(axis=1)
            if group is not None and group in household.clamps:
                clamp = household.clamps[group]
                part = np.clip(part - self.shared_bits(levels, group), clamp.floor, clamp.cap)
            if self.comparators[columns[0]].kind != "capture":
                odds += part
        return odds

    def score_bits(self, levels: I8, tf_bits: F64 | None = None) -> F64:
        """Total score per pattern or pair, bits.

        Args:
            levels: agreement levels, [pairs, comparators].
            tf_bits: term-frequency bits of the personal and of the household fields, [pairs, 2].
        """
        tf = np.zeros((len(levels), 2)) if tf_bits is None else tf_bits
        demographic, biometric = self.evidence_bits(levels)
        demographic = demographic + tf.sum(axis=1) - self.context_bits(levels, tf[:, 1])
        captures = [i for i, c in enumerate(self.comparators) if c.kind == "capture"]
        if captures:
            agreeing = (levels[:, captures] >= 3).sum(axis=1) >= 2
            floored = np.maximum(demographic, self.settings.demographic_floor)
            demographic = np.where(agreeing, floored, demographic)
        return self.prior_bits + demographic + biometric


def _look_up(tables: tuple[F64, ...], levels: I8) -> F64:
    return np.column_stack([table[levels[:, i]] for i, table in enumerate(tables)])


def group_columns(comparators: Sequence[Comparator]) -> dict[str | None, list[int]]:
    """Column numbers per group; ungrouped fields under None."""
    groups: dict[str | None, list[int]] = {}
    for column, comparator in enumerate(comparators):
        groups.setdefault(comparator.group, []).append(column)
    return groups


def group_agreement(
    comparators: Sequence[Comparator], columns: Sequence[int], levels: I8
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Per pattern: is there enough of the group, do all present fields agree, do all differ."""
    part = levels[:, columns]
    present = part >= 0
    agrees = part >= np.array([comparators[c].agrees for c in columns], dtype=np.int8)
    enough = present.sum(axis=1) >= min(GROUP_EVIDENCE, len(columns))
    return enough, enough & (agrees | ~present).all(axis=1), enough & (part <= 0).all(axis=1)


def posterior(score_bits: F64) -> F64:
    """Probability of a match from a score in bits."""
    return 1.0 / (1.0 + np.exp2(-np.clip(score_bits, -1000.0, 1000.0)))


def bits_of(probability: float) -> float:
    """Log odds of a probability, bits."""
    return float(np.log2(probability / (1.0 - probability)))


def term_frequency_bits(
    frequency: F64, expected: float, level: I8, equal_level: int, settings: TermFrequencySettings
) -> F64:
    """Adjustment for how rare the agreeing value is, bits.

    Args:
        frequency: larger share of the two values, per pair.
        expected: chance that two random records agree on the field.
        level: agreement level per pair.
        equal_level: level that means equality; two below still count as close.
        settings: shares applied and the clip.
    """
    kappa = np.zeros(equal_level + 3)  # the last entry serves level -1
    kappa[equal_level] = settings.equal
    kappa[2:equal_level] = settings.close
    raw = np.clip(np.log2(expected / frequency), -settings.clip, settings.clip)
    bits: F64 = kappa[level] * raw
    return bits
