"""Normalises whole Arrow columns by their distinct values."""

from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.errors import ConfigError
from pipelines.dedup.text import names, values
from pipelines.dedup.text.kinds import CLEANERS, KINDS, Cleaner, clean_carefully
from pipelines.dedup.text.parts import NameParts
from pipelines.dedup.text.plain import clean_addresses, clean_names, find_odd

_NAMES = ("given_name", "surname", "full_name", "relation_name")
_ADDRESSES = ("town", "street", "locality", "free_text", "address_1", "address_2")
_PLAIN = dict.fromkeys(_NAMES, clean_names) | dict.fromkeys(_ADDRESSES, clean_addresses)


class NormalisedColumn(NamedTuple):
    """A normalised column and what was found in it; four Arrow arrays of n rows.

    Attributes:
        text: string, null where missing.
        relation_type: string, null where the value names no relation.
        relation_name: string, null likewise.
        has_identity_number: boolean, never null.
    """

    text: pa.Array
    relation_type: pa.Array
    relation_name: pa.Array
    has_identity_number: pa.Array


class Normaliser:
    """Normalises whole columns of one kind by their distinct values.

    Attributes:
        kind: one of `KINDS`.
    """

    def __init__(
        self,
        kind: str,
        *,
        date_format: str = "yyyyMMdd",
        keep_impossible_dates: bool = False,
        cache_size: int = 200_000,
    ) -> None:
        """Prepare one kind.

        Args:
            kind: one of `KINDS`.
            date_format: Java pattern, for date_of_birth only.
            keep_impossible_dates: keep eight digits that are no calendar day (19931302). They still
                are evidence: one digit away from the true date.
            cache_size: values remembered across batches; a batch may go past it once.

        Raises:
            ConfigError: unknown kind, or a date format that is not understood.
        """
        if kind not in KINDS:
            raise ConfigError(f"no normalisation for kind {kind!r}: use one of {', '.join(KINDS)}")
        self.kind = kind
        self._date_format = date_format
        self._cleaner: Cleaner = CLEANERS.get(kind) or partial(
            values.clean_date,
            pattern=values.date_pattern(date_format),
            keep_impossible=keep_impossible_dates,
        )
        self._clean_plain = _PLAIN.get(kind)
        self._cache: dict[str, str | NameParts] = {}
        self._cache_size = cache_size

    def apply(self, column: pa.Array | pa.ChunkedArray) -> pa.Array:
        """Normalise a column of n values.

        Args:
            column: strings, dates, or a dictionary of them; other types are cast to string.

        Returns:
            String array of n rows; null where the value is null or nothing is left of it.
        """
        if self.kind == "date_of_birth" and _has_whole_days(column, self._date_format):
            return _digits_of_days(column)
        words, rows = self._distinct(column)
        texts, _ = self._clean(words)
        return _nullify(texts).take(rows)

    def parse(self, column: pa.Array | pa.ChunkedArray) -> NormalisedColumn:
        """Normalise a column of n values and say what was found inside them."""
        words, rows = self._distinct(column)
        texts, found = self._clean(words)
        kinds, relatives = np.full((2, len(words)), None, dtype=object)
        has_number = np.zeros(len(words), dtype=np.bool_)
        for i, parts in found.items():
            kinds[i], relatives[i] = parts.relation_type, parts.relation_name
            has_number[i] = parts.has_identity_number
        return NormalisedColumn(
            _nullify(texts).take(rows),
            pa.array(kinds, pa.string()).take(rows),
            pa.array(relatives, pa.string()).take(rows),
            pa.array(has_number).take(rows).fill_null(False),
        )

    def split(self, column: pa.Array | pa.ChunkedArray) -> tuple[pa.Array, pa.Array]:
        """Given names and surnames of a column of n full names."""
        words, rows = self._distinct(column)
        texts, found = self._clean(words)
        pairs = [names.split_name(found.get(i, text)) for i, text in enumerate(texts.to_pylist())]
        given, surname = ([pair[side] for pair in pairs] for side in (0, 1))
        return pa.array(given, pa.string()).take(rows), pa.array(surname, pa.string()).take(rows)

    def _distinct(self, column: pa.Array | pa.ChunkedArray) -> tuple[pa.Array, pa.Array]:
        """Distinct values as strings, and per row the position of its value (null stays null)."""
        if isinstance(column, pa.ChunkedArray):
            column = column.combine_chunks()
        if pa.types.is_temporal(column.type):
            column = pc.strftime(column, format=values.strftime_format(self._date_format))
        if not pa.types.is_dictionary(column.type):
            column = column.cast(pa.string()).dictionary_encode()
        return column.dictionary.cast(pa.string()).fill_null(""), column.indices

    def _clean(self, words: pa.Array) -> tuple[pa.Array, dict[int, NameParts]]:
        """Texts of distinct values ("" where missing), and by position what else was found."""
        if self._clean_plain is None:
            cleaned = self._clean_odd(words)
            return pa.array(map(_text_of, cleaned), pa.string()), _found(cleaned, range(len(words)))
        odd = find_odd(words, has_order=self.kind == "full_name")
        if not odd.any():
            return self._clean_plain(words), {}
        mask = pa.array(odd)
        plain = self._clean_plain(pc.if_else(mask, "", words))
        cleaned = self._clean_odd(words.filter(mask))
        replaced = pa.array(map(_text_of, cleaned), pa.string())
        positions = np.flatnonzero(odd).tolist()
        return pc.replace_with_mask(plain, mask, replaced), _found(cleaned, positions)

    def _clean_odd(self, words: pa.Array) -> list[str | NameParts]:
        """Clean value by value what no pass over a column can; results are remembered."""
        cache, kind, clean = self._cache, self.kind, self._cleaner
        if len(cache) > self._cache_size:
            cache.clear()
        cleaned = []
        for text in words.to_numpy(zero_copy_only=False).tolist():
            value = cache.get(text)
            if value is None:
                value = cache[text] = clean_carefully(text, kind, clean)
            cleaned.append(value)
        return cleaned


def _has_whole_days(column: pa.Array | pa.ChunkedArray, date_format: str) -> bool:
    """Whether a column holds days that no text has to be read for."""
    return pa.types.is_temporal(column.type) and all(part in date_format for part in "yMd")


def _digits_of_days(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Days as yyyymmdd; null for a year that has not four digits."""
    days = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    digits = pc.strftime(days, format="%Y%m%d")
    return pc.if_else(pc.match_substring_regex(digits, "^[0-9]{8}$"), digits, None)


def _found(cleaned: Iterable[str | NameParts], positions: Iterable[int]) -> dict[int, NameParts]:
    pairs = zip(positions, cleaned, strict=True)
    return {i: value for i, value in pairs if isinstance(value, NameParts)}


def _text_of(value: str | NameParts) -> str:
    return value if isinstance(value, str) else value.text


def _nullify(texts: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
