"""Distinct values of the compared fields, and what is computed once per value instead of per pair."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numba as nb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.dedup.normalise import sound_of_name

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

MISSING = np.int32(-1)


@dataclass(frozen=True)
class Vocabulary:
    """Distinct values of one or several fields, with what comparing them needs.

    Attributes:
        values: the distinct values, sorted.
        length: characters per value.
        sound: equal numbers mean equal sound keys; [values].
        initials: equal numbers mean equal first letters of all tokens; [values].
        is_initials: every token is a single letter; [values].
        masks: letters that occur once and twice, 52 bits; [values].
    """

    values: npt.NDArray[np.object_]
    length: I32
    sound: I32
    initials: I32
    is_initials: npt.NDArray[np.bool_]
    masks: U64

    @classmethod
    def of(cls, values: Sequence[str]) -> "Vocabulary":
        """Describe sorted distinct values."""
        array = np.asarray(values, dtype=object)
        tokens = [value.split() for value in values]
        return cls(
            array,
            np.fromiter((len(value) for value in values), np.int32, len(values)),
            _number([sound_of_name(value) for value in values]),
            _number(["".join(t[0] for t in row) for row in tokens]),
            np.fromiter((all(len(t) == 1 for t in row) for row in tokens), np.bool_, len(values)),
            letter_masks(values),
        )


def _number(keys: list[str]) -> I32:
    encoded = pa.array(keys, pa.string()).dictionary_encode()
    return np.asarray(encoded.indices, dtype=np.int32)


def letter_masks(values: Sequence[str]) -> U64:
    """First and second occurrence of each letter a-z as bits 0-25 and 26-51, [values]."""
    encoded = pa.array(values, pa.large_string())
    _, offsets, data = encoded.buffers()
    out = np.zeros(len(values), dtype=np.uint64)
    if len(values):
        bounds = np.frombuffer(offsets, dtype=np.int64, count=len(values) + 1)
        _letter_masks(np.frombuffer(data, dtype=np.uint8).copy(), bounds.copy(), out)
    return out


@nb.njit("void(uint8[::1], int64[::1], uint64[::1])", cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _letter_masks(data: npt.NDArray[np.uint8], bounds: I64, out: U64) -> None:
    one = np.uint64(1)
    for i in range(out.shape[0]):
        mask = np.uint64(0)
        for j in range(bounds[i], bounds[i + 1]):
            letter = np.int64(data[j]) - 97
            if letter < 0 or letter > 25:
                continue
            bit = one << np.uint64(letter)
            if mask & bit:
                bit = one << np.uint64(letter + 26)
            mask |= bit
        out[i] = mask


def encode_together(columns: Mapping[str, pa.Array]) -> tuple[list[str], dict[str, I32]]:
    """Encode several string columns against one sorted dictionary.

    Returns:
        The sorted distinct values, and per column the code of each row (-1 where missing).
    """
    chunks = [pa.array(c) if not isinstance(c, pa.ChunkedArray) else c.combine_chunks()
              for c in columns.values()]  # fmt: skip
    encoded = pa.concat_arrays([c.cast(pa.large_string()) for c in chunks]).dictionary_encode()
    words = encoded.dictionary.to_pylist()
    order = sorted(range(len(words)), key=words.__getitem__)
    rank = np.empty(len(words) + 1, dtype=np.int32)
    rank[order] = np.arange(len(words), dtype=np.int32)
    rank[-1] = MISSING
    codes = rank[np.asarray(encoded.indices.fill_null(len(words)), dtype=np.int64)]
    ends = np.cumsum([len(chunk) for chunk in chunks])
    starts = ends - [len(chunk) for chunk in chunks]
    return [words[i] for i in order], {
        name: codes[start:end] for name, start, end in zip(columns, starts, ends, strict=True)
    }
