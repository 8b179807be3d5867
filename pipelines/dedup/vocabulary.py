"""Distinct values of the compared fields, and what is computed once per value, not per pair."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.dedup.normalise import sounds_of_names

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

MISSING = np.int32(-1)


@dataclass(frozen=True)
class Vocabulary:
    """Distinct values of one or several fields, with what comparing them needs.

    Attributes:
        words: the distinct values, sorted.
        length: characters per value.
        masks: letters that occur once and twice, and digits that occur, 62 bits; [values].
        sound: equal numbers mean equal sound keys; [values], empty for codes and dates.
        initials: equal numbers mean equal first letters of all tokens; likewise.
        is_initials: every token is a single letter; likewise.
    """

    words: pa.LargeStringArray
    length: I32
    masks: U64
    sound: U64
    initials: U64
    is_initials: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, words: pa.LargeStringArray, is_text: bool) -> "Vocabulary":
        """Describe sorted distinct values; sounds and initials only of text."""
        text = words if is_text else words[:0]
        firsts = pc.replace_substring_regex(text, r"(\S)\S*\s*", r"\1")
        return cls(
            words,
            np.asarray(pc.utf8_length(words), dtype=np.int32),
            letter_masks(words),
            hash_words(sounds_of_names(text.cast(pa.string()))),
            hash_words(firsts),
            np.asarray(pc.match_substring_regex(text, r"^\S( \S)*$"), dtype=np.bool_),
        )

    def take(self, codes: npt.NDArray[np.integer[Any]]) -> list[str]:
        """Values of some codes."""
        values: list[str] = self.words.take(pa.array(codes)).to_numpy(zero_copy_only=False).tolist()
        return values

    def buffers(self, codes: npt.NDArray[np.integer[Any]]) -> tuple[npt.NDArray[np.uint8], I64]:
        """UTF-8 bytes and bounds of the values of some codes."""
        return string_buffers(self.words.take(pa.array(codes)))


def string_buffers(words: pa.LargeStringArray) -> tuple[npt.NDArray[np.uint8], I64]:
    """UTF-8 bytes of all values and the bounds of each, [values + 1]."""
    _, offsets, data = words.buffers()
    if not len(words):
        return np.zeros(0, np.uint8), np.zeros(1, np.int64)
    bounds = np.frombuffer(offsets, np.int64, len(words) + 1, words.offset * 8)
    return np.frombuffer(data if data is not None else b"", np.uint8), bounds


def hash_words(words: pa.Array) -> U64:
    """A stable 64-bit hash per string (SipHash), [values]."""
    hashed: U64 = pd.util.hash_array(words.to_numpy(zero_copy_only=False), categorize=False)
    return hashed


def letter_masks(words: pa.LargeStringArray) -> U64:
    """First and second occurrence of each letter a-z (bits 0-51), and digits (52-61), [values]."""
    out = np.zeros(len(words), dtype=np.uint64)
    data, bounds = string_buffers(words)
    _letter_masks(data, bounds, out)
    return out


_BYTES = nb.types.Array(nb.uint8, 1, "C", readonly=True)
_BOUNDS = nb.types.Array(nb.int64, 1, "C", readonly=True)


@nb.njit(nb.void(_BYTES, _BOUNDS, nb.uint64[::1]), cache=True, nogil=True)
def _letter_masks(data: npt.NDArray[np.uint8], bounds: I64, out: U64) -> None:
    one = np.uint64(1)
    for i in range(out.shape[0]):
        mask = np.uint64(0)
        for j in range(bounds[i], bounds[i + 1]):
            letter, digit = np.int64(data[j]) - 97, np.int64(data[j]) - 48
            if 0 <= letter < 26:
                bit = one << np.uint64(letter)
                mask |= one << np.uint64(letter + 26) if mask & bit else bit
            elif 0 <= digit < 10:
                mask |= one << np.uint64(digit + 52)
        out[i] = mask


def encode_together(
    columns: Mapping[str, pa.Array | pa.ChunkedArray],
) -> tuple[pa.LargeStringArray, dict[str, I32]]:
    """Encode several string columns against one sorted dictionary.

    Returns:
        The sorted distinct values, and per column the code of each row (-1 where missing).
    """
    arrays = {name: _flat(column) for name, column in columns.items()}
    encoded = pa.concat_arrays(list(arrays.values())).dictionary_encode()
    order = pc.array_sort_indices(encoded.dictionary)
    words = encoded.dictionary.take(order)
    rank = np.empty(len(words) + 1, dtype=np.int32)
    rank[np.asarray(order)] = np.arange(len(words), dtype=np.int32)
    rank[-1] = MISSING
    codes = rank[np.asarray(encoded.indices.fill_null(len(words)), dtype=np.int64)]
    ends = np.cumsum([len(array) for array in arrays.values()])
    starts = ends - [len(array) for array in arrays.values()]
    return words, {
        name: codes[start:end] for name, start, end in zip(arrays, starts, ends, strict=True)
    }


def _flat(column: pa.Array | pa.ChunkedArray) -> pa.LargeStringArray:
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks() if column.num_chunks else pa.array([], pa.large_string())
    return column.cast(pa.large_string())
