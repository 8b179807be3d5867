"""Blocking keys of records: LSH prefixes of the signature families and exact keys.

A record has `prefixes` (one 64-bit key per band or exact family, 0 = none) and `tails` (one byte
per hash value, which cut hot buckets).
"""

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.dedup.compare import Attributes
from pipelines.dedup.config import SignatureSettings
from pipelines.dedup.hashing import U64, splitmix64
from pipelines.dedup.mapping import EXACT, KeySpec, Mapping
from pipelines.dedup.signatures import (
    HashFamily,
    band_prefixes,
    merge_signatures,
    minhash_tokens,
    minhash_values,
    tail_bytes,
)
from pipelines.dedup.vocabulary import hash_words

U8 = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

TAIL = 12  # bytes that cut a bucket, taken from its own family, and again from the next one

CAPTURE_FAMILIES = ("irises", "fingers")


@dataclass(frozen=True)
class KeyLayout:
    """Which keys a mapping makes, and where they stand in the stored prefixes."""

    mapping: Mapping
    settings: SignatureSettings

    @cached_property
    def signatures(self) -> tuple[KeySpec, ...]:
        """Families of MinHash bands."""
        return tuple(key for key in self.mapping.keys if key.signature)

    @cached_property
    def exact(self) -> tuple[KeySpec, ...]:
        """Families of exact keys."""
        return tuple(key for key in self.mapping.keys if key.exact)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the families; the position is the family number."""
        captures = CAPTURE_FAMILIES if self.mapping.captures else ()
        return (*(key.name for key in (*self.signatures, *self.exact)), *captures)

    @property
    def votes(self) -> tuple[tuple[int, int], ...]:
        """Families that make a pair only by several shared keys: number and keys needed."""
        names = self.names
        return ((names.index("fingers"), self.settings.finger_votes),) if "fingers" in names else ()

    @property
    def hashes(self) -> int:
        """Hash values per signature."""
        return self.settings.bands * self.settings.rows

    @cached_property
    def family_of_key(self) -> U8:
        """Family number of each stored prefix."""
        bands = self.settings.bands
        banded = np.repeat(np.arange(len(self.signatures)), bands)
        return np.append(banded, np.arange(len(self.exact)) + len(self.signatures)).astype(np.uint8)

    @cached_property
    def is_banded(self) -> npt.NDArray[np.bool_]:
        """Whether each stored prefix is a MinHash band."""
        return self.family_of_key < len(self.signatures)

    @property
    def tail_width(self) -> int:
        """Bytes that cut buckets, of all families together; 1 where there are none."""
        return max(1, len(self.signatures) * self.hashes)

    def cutting_bytes(self, depth: int) -> I64:
        """For each stored prefix the positions in the tails that cut its bucket, in order.

        A band goes on with its own family's next hash values, cyclically, then with those of the
        next family: a household at one address parts into its persons.
        """
        rows, hashes, families = self.settings.rows, self.hashes, len(self.signatures)
        positions = np.zeros((len(self.family_of_key), 2 * TAIL), dtype=np.int64)
        band = 0
        for key, family in enumerate(self.family_of_key):
            own = family if family < families else 0
            band = key % self.settings.bands * rows if family < families else 0
            start = band + (depth if family < families else 0)
            steps = np.arange(TAIL)
            positions[key, :TAIL] = own * hashes + (start + steps) % hashes
            other = (own + 1) % families if families else 0
            positions[key, TAIL:] = other * hashes + (band + steps) % hashes
        return positions


def field_tag(comparator: str) -> int:
    """Tag that keeps shingles of unlike fields apart; fields that may be exchanged share one."""
    if comparator in ("given_name", "surname"):
        return 1
    if comparator == "relation_name":
        return 2
    return 4 if comparator in EXACT else 3


@dataclass(frozen=True)
class RecordKeys:
    """Keys of some records: prefixes [records, keys] and tails [records, families * hashes]."""

    prefixes: U64
    tails: U8


def record_keys(attributes: Attributes, rows: slice, layout: KeyLayout) -> RecordKeys:
    """Signatures and keys of a run of records; each distinct value is hashed once."""
    family = HashFamily.seeded(layout.hashes, layout.settings.seed)
    prefixes, tails = [], []
    for number, key in enumerate(layout.signatures):
        signature, present = _signature(key, attributes, rows, layout, family)
        bands = band_prefixes(signature, layout.settings.rows, number + 1)
        prefixes.append(np.where(present[:, None], bands, np.uint64(0)))
        tails.append(tail_bytes(signature))
    hashes = {
        part: _value_hashes(attributes, rows, part) for key in layout.exact for part in key.parts
    }
    for number, key in enumerate(layout.exact):
        prefixes.append(_exact_key(key, hashes, len(layout.signatures) + number + 1)[:, None])
    records = len(prefixes[0])
    return RecordKeys(np.hstack(prefixes), np.hstack([np.zeros((records, 0), np.uint8), *tails]))


def _distinct(attributes: Attributes, field: str, rows: slice) -> tuple[I64, I64]:
    """Codes that occur in the rows, and per row the position of its code, -1 where missing."""
    codes = attributes.codes[field][rows]
    used, inverse = np.unique(codes, return_inverse=True)
    if len(used) and used[0] < 0:
        return used[1:], inverse - 1
    return used, inverse


def _signature(
    key: KeySpec, attributes: Attributes, rows: slice, layout: KeyLayout, family: HashFamily
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.bool_]]:
    parts: list[tuple[npt.NDArray[np.uint32], I64]] = []
    for field in key.fields:
        vocabulary = attributes.vocabularies[field]
        used, code = _distinct(attributes, field, rows)
        comparator = layout.mapping.fields[field].comparator
        if comparator == "date_of_birth":
            dates = np.array(vocabulary.take(used), dtype=np.uint64)
            for tag, token in _date_tokens(dates).items():
                parts.append((minhash_tokens(token, tag, family), code))
        else:
            values = vocabulary.buffers(used)
            parts.append((minhash_values(*values, field_tag(comparator), family), code))
    present = np.logical_or.reduce([code >= 0 for _, code in parts])
    return merge_signatures(parts), present


def _date_tokens(dates: U64) -> dict[int, U64]:
    """Year, month and day of dates yyyymmdd, by the tag of each part."""
    hundred = np.uint64(100)
    return {9: dates // np.uint64(10_000), 10: dates // hundred % hundred, 11: dates % hundred}


def _value_hashes(attributes: Attributes, rows: slice, part: tuple[str, bool]) -> U64:
    """A hash per record of a field's value or of its sound; 0 where missing."""
    field, by_sound = part
    vocabulary = attributes.vocabularies[field]
    used, code = _distinct(attributes, field, rows)
    hashed = (
        vocabulary.sound[used] if by_sound else hash_words(vocabulary.words.take(pa.array(used)))
    )
    return np.append(hashed, np.uint64(0))[code]


def _exact_key(key: KeySpec, hashes: MappingOf[tuple[str, bool], U64], salt: int) -> U64:
    columns = [hashes[part] for part in key.parts]
    folded = splitmix64(np.full(len(columns[0]), np.uint64(salt) << np.uint64(32)))
    for column in columns:
        folded = splitmix64(folded ^ column)
    missing = np.logical_or.reduce([column == 0 for column in columns])
    return np.where(missing, np.uint64(0), folded)
