"""Comparison of candidate pairs: an agreement level per field, each similarity computed once.

Values are dictionary codes, so a similarity is computed on the distinct value pairs of a batch.
A letter-mask bound comes first: no edit distance is shorter than it, so only survivors reach the
optimal string alignment distance.
"""

from collections.abc import Callable
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from rapidfuzz import process
from rapidfuzz.distance import OSA

from pipelines.dedup.comparators import NULL
from pipelines.dedup.mapping import EXACT, TEXT, Mapping
from pipelines.dedup.vocabulary import Vocabulary

I8 = npt.NDArray[np.int8]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
NEW_YEAR = 101  # 1 January: what is written when only the year is known

LevelsOf = Callable[[Vocabulary, I32, I32], I8]


@dataclass(frozen=True)
class Attributes:
    """Compared fields of a set of records: per field a code per record, and its vocabulary."""

    codes: MappingOf[str, I32]
    vocabularies: MappingOf[str, Vocabulary]


def edit_distances(vocabulary: Vocabulary, a: I32, b: I32, limit: int) -> I8:
    """Optimal string alignment distance of value pairs, or `limit + 1` where it is larger."""
    out = np.full(len(a), limit + 1, dtype=np.int8)
    mask_a, mask_b = vocabulary.masks[a], vocabulary.masks[b]
    bound = np.maximum(np.bitwise_count(mask_a & ~mask_b), np.bitwise_count(mask_b & ~mask_a))
    near = np.abs(vocabulary.length[a] - vocabulary.length[b]) <= limit
    rows = np.flatnonzero((bound <= limit) & near)
    if len(rows):
        sides = vocabulary.take(a[rows]), vocabulary.take(b[rows])
        out[rows] = process.cpdist(*sides, scorer=OSA.distance, score_cutoff=limit, dtype=np.int8)
    return out


def _text_levels(vocabulary: Vocabulary, a: I32, b: I32) -> I8:
    shorter = np.minimum(vocabulary.length[a], vocabulary.length[b])
    distance = edit_distances(vocabulary, a, b, 2)
    initial = (vocabulary.is_initials[a] | vocabulary.is_initials[b]) & (
        vocabulary.initials[a] == vocabulary.initials[b]
    )
    same_sound = vocabulary.sound[a] == vocabulary.sound[b]
    levels: I8 = initial.astype(np.int8)
    levels[same_sound | ((distance <= 2) & (shorter >= 5))] = 2
    levels[(distance <= 1) & (shorter >= 3)] = 3
    return levels


def _exact_levels(vocabulary: Vocabulary, a: I32, b: I32) -> I8:
    return (edit_distances(vocabulary, a, b, 1) <= 1).astype(np.int8)


def _date_levels(vocabulary: Vocabulary, a: I32, b: I32) -> I8:
    dates = dates_of(vocabulary)
    left, right = dates[a], dates[b]
    equal_year = left // 10_000 == right // 10_000
    equal_month = left // 100 % 100 == right // 100 % 100
    equal_day = left % 100 == right % 100
    exchanged = (left // 100 % 100 == right % 100) & (right // 100 % 100 == left % 100)
    estimated = (left % 10_000 == NEW_YEAR) | (right % 10_000 == NEW_YEAR)
    distance = edit_distances(vocabulary, a, b, 2)
    two_parts = equal_year.astype(np.int8) + equal_month + equal_day >= 2
    levels: I8 = (two_parts | (distance <= 2)).astype(np.int8)
    levels[equal_year & estimated] = 2
    levels[(distance <= 1) | (exchanged & equal_year)] = 3
    return levels


def dates_of(vocabulary: Vocabulary) -> I64:
    """Dates as numbers yyyymmdd, [values]."""
    dates: I64 = vocabulary.words.cast(pa.int64()).to_numpy()
    return dates


def _gender_levels(vocabulary: Vocabulary, a: I32, b: I32) -> I8:
    return np.zeros(len(a), dtype=np.int8)


def _levels(vocabulary: Vocabulary, left: I32, right: I32, levels_of: LevelsOf, top: int) -> I8:
    """Levels of code pairs: missing, equal, or computed on the distinct unordered pairs."""
    levels = np.full(len(left), NULL, dtype=np.int8)
    present = (left >= 0) & (right >= 0)
    levels[present & (left == right)] = top
    rows = np.flatnonzero(present & (left != right))
    if len(rows):
        low = np.minimum(left[rows], right[rows]).astype(np.int64)
        high = np.maximum(left[rows], right[rows]).astype(np.int64)
        pair_of_row, distinct = pd.factorize(low << 32 | high)
        a, b = (distinct >> 32).astype(np.int32), (distinct & 0xFFFFFFFF).astype(np.int32)
        levels[rows] = levels_of(vocabulary, a, b)[pair_of_row]
    return levels


def field_levels(
    attributes: Attributes, field: str, other: str, kind: str, left: I64, right: I64
) -> I8:
    """Levels of `field` of the left records against `other` of the right ones, [pairs]."""
    vocabulary = attributes.vocabularies[field]
    a, b = attributes.codes[field][left], attributes.codes[other][right]
    if kind in TEXT:
        return _levels(vocabulary, a, b, _text_levels, 4)
    if kind in EXACT:
        return _levels(vocabulary, a, b, _exact_levels, 2)
    if kind == "gender":
        return _levels(vocabulary, a, b, _gender_levels, 1)
    levels = _levels(vocabulary, a, b, _date_levels, 5)
    equal = np.flatnonzero(levels == 5)
    estimated = dates_of(vocabulary) % 10_000 == NEW_YEAR
    levels[equal[estimated[a[equal]]]] = 4
    return levels


def compare_pairs(attributes: Attributes, mapping: Mapping, left: I64, right: I64) -> I8:
    """Agreement levels of the demographic fields.

    Args:
        attributes: the compared fields of all records the rows point into.
        mapping: fields in order.
        left: record rows of the left sides.
        right: record rows of the right sides, as many.

    Returns:
        [pairs, fields], -1 where either side is missing.
    """
    levels = {
        name: field_levels(attributes, name, name, spec.comparator, left, right)
        for name, spec in mapping.fields.items()
    }
    by_kind = {spec.comparator: name for name, spec in mapping.fields.items()}
    if "given_name" in by_kind and "surname" in by_kind:
        _exchange_names(attributes, levels, by_kind["given_name"], by_kind["surname"], left, right)
    if "address_1" in by_kind and "address_2" in by_kind:
        _cross_lines(attributes, levels, by_kind["address_1"], by_kind["address_2"], left, right)
    return np.column_stack([levels[name] for name in mapping.fields])


def _exchange_names(
    attributes: Attributes, levels: dict[str, I8], given: str, surname: str, left: I64, right: I64
) -> None:
    """Names in each other's place count once: both (level 5), or one while nothing agrees (6)."""
    one = field_levels(attributes, given, surname, "given_name", left, right)
    two = field_levels(attributes, surname, given, "surname", left, right)
    straight = np.maximum(levels[given], levels[surname])
    both = (one >= 2) & (two >= 2) & (straight < 3)
    single = ~both & (np.maximum(one, two) >= 2) & (straight < 2)
    levels[given] = np.select([both, single], [np.int8(5), np.int8(6)], levels[given])
    levels[surname] = np.where(both | single, NULL, levels[surname])


def _cross_lines(
    attributes: Attributes, levels: dict[str, I8], first: str, second: str, left: I64, right: I64
) -> None:
    """Two address lines are compared straight and crossed; the better reading counts."""
    one = field_levels(attributes, first, second, "address_1", left, right)
    two = field_levels(attributes, second, first, "address_2", left, right)
    straight = np.maximum(levels[first], 0) + np.maximum(levels[second], 0)
    crossed = np.maximum(one, 0) + np.maximum(two, 0)
    better = crossed > straight
    # Either record may come first: the better of the crossed levels goes to the first line.
    levels[first] = np.where(better, np.maximum(one, two), levels[first])
    levels[second] = np.where(better, np.minimum(one, two), levels[second])
