"""The common case, plain ASCII values, as a few Arrow and NumPy passes over a whole column.

Equal to the functions of `names` and `address` on every value that `find_odd` does not report; a
test holds the two against each other.
"""

import string
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.dedup.text import address, names
from pipelines.dedup.text.identity import TWELVE_DIGITS

Bools = npt.NDArray[np.bool_]
I32 = npt.NDArray[np.int32]

# What only the functions for single values understand: other scripts, apostrophes, colons, marks of
# a relation, "n/a", twelve digits.
_ODD = rf"(?i)[^\x00-\x7f]|['`:\\|]|[a-z]\s?/\s?[a-z0]|\sof\s|{TWELVE_DIGITS}"
_BLANK = string.punctuation + "".join(map(chr, range(32))) + "\x7f"
_TABLE = np.frombuffer(
    bytes.maketrans(
        (string.ascii_uppercase + _BLANK).encode(),
        (string.ascii_lowercase + " " * len(_BLANK)).encode(),
    ),
    dtype=np.uint8,
)


class _Tokens(NamedTuple):
    """Tokens of n values: distinct words, a code per token, and n + 1 offsets into the codes."""

    words: pa.Array
    codes: I32
    offsets: I32


def find_odd(texts: pa.Array, has_order: bool = False) -> Bools:
    """Values that need the careful way, [n]; with `has_order` those with a comma as well."""
    odd = pc.match_substring_regex(texts, f"{_ODD}|," if has_order else _ODD)
    return np.asarray(odd.to_numpy(zero_copy_only=False), dtype=np.bool_)


def clean_names(texts: pa.Array) -> pa.Array:
    """Normalise n names, none of them odd."""
    tokens = _tokenise(texts)
    is_title = _is_in(tokens.words, names.HONORIFICS)
    starts, ends = tokens.offsets[:-1], tokens.offsets[1:]
    name_tokens = np.append(np.flatnonzero(~is_title[tokens.codes]), len(tokens.codes))
    first = np.minimum(name_tokens[np.searchsorted(name_tokens, starts)], ends - 1)
    kept = np.arange(len(tokens.codes)) >= np.repeat(first, ends - starts)
    offsets = np.append(0, np.cumsum(ends - first)).astype(np.int32)
    cleaned = _join(_Tokens(tokens.words, tokens.codes[kept], offsets), names.SHORT_FORMS)
    is_missing = pc.is_in(cleaned, pa.array(names.MISSING, pa.string()))
    return pc.if_else(is_missing, "", cleaned)


def clean_addresses(texts: pa.Array) -> pa.Array:
    """Normalise n addresses, none of them odd; words whose neighbours matter cost a loop."""
    tokens = _tokenise(texts)
    is_special = _is_in(tokens.words, address.SPECIAL)
    before = np.append(0, np.cumsum(is_special[tokens.codes]))
    mask = pa.array(before[tokens.offsets[1:]] != before[tokens.offsets[:-1]])
    special = pc.ascii_lower(texts.filter(mask)).to_numpy(zero_copy_only=False)
    resolved = pa.array(map(address.clean_special, special.tolist()), pa.string())
    return pc.replace_with_mask(_join(tokens, address.SHORT_FORMS), mask, resolved)


def _tokenise(texts: pa.Array) -> _Tokens:
    """Lower case, punctuation to spaces by one look-up over all bytes, then split."""
    _, offsets, data = texts.buffers()
    if data is not None:
        blank = _TABLE[np.frombuffer(data, dtype=np.uint8)]
        texts = pa.StringArray.from_buffers(
            len(texts), offsets, pa.py_buffer(blank), offset=texts.offset
        )
    lists = pc.ascii_split_whitespace(pc.ascii_trim_whitespace(texts))
    encoded = lists.flatten().dictionary_encode()
    codes = np.asarray(encoded.indices, dtype=np.int32)
    return _Tokens(encoded.dictionary, codes, np.asarray(lists.offsets))


def _is_in(words: pa.Array, wanted: frozenset[str]) -> Bools:
    found = pc.is_in(words, pa.array(sorted(wanted), pa.string()))
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.bool_)


def _join(tokens: _Tokens, spelling: dict[str, str]) -> pa.Array:
    """Write each distinct word by the table and put the values together again."""
    place = pc.index_in(tokens.words, pa.array(spelling.keys(), pa.string()))
    words = pc.coalesce(pa.array(spelling.values(), pa.string()).take(place), tokens.words)
    lists = pa.ListArray.from_arrays(pa.array(tokens.offsets), words.take(pa.array(tokens.codes)))
    return pc.binary_join(lists, " ")
