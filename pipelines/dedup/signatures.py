"""MinHash signatures and LSH prefix keys, one batch of records at a time (Broder 1997).

The MinHash of a record is the element-wise minimum over the MinHashes of its values, because a
minimum over a union is the minimum of the minima. Values repeat (names, towns, months of birth),
so the hash work is done once per distinct value of a batch and gathered, not once per record.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numba as nb
import numpy as np
import numpy.typing as npt

from pipelines.dedup.hashing import U64, splitmix64

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]

NO_SHINGLE = np.uint32(0xFFFFFFFF)
PREFIX_DEPTH = 2


@dataclass(frozen=True)
class HashFamily:
    """The linear hash functions `((A_k x + C_k) mod 2^64) >> 32` over mixed shingles."""

    a: U64
    c: U64

    @classmethod
    def seeded(cls, hashes: int, seed: int) -> "HashFamily":
        """The first `hashes` functions of a seed."""
        k = (np.uint64(seed) << np.uint64(20)) + np.arange(2 * hashes, dtype=np.uint64)
        mixed = splitmix64(k)
        return cls(mixed[0::2] | np.uint64(1), mixed[1::2].copy())


@nb.njit("uint64(uint64)", cache=True, inline="always")
def mix(value: np.uint64) -> np.uint64:
    """SplitMix64 of one word, for use inside kernels."""
    z = value + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


_READ_ONLY_BYTES = nb.types.Array(nb.uint8, 1, "C", readonly=True)


@nb.njit(
    nb.void(
        _READ_ONLY_BYTES,
        nb.int64[::1],
        nb.uint32,
        nb.uint64[::1],
        nb.uint64[::1],
        nb.uint32[:, ::1],
    ),
    cache=True,
    nogil=True,
)
def _minhash_values(data: U8, offsets: I64, tag: np.uint32, a: U64, c: U64, out: U32) -> None:
    edge = np.uint64(95)  # "_" on both sides of the value
    hashes = a.shape[0]
    best = np.empty(hashes, dtype=np.uint64)
    for i in range(offsets.shape[0] - 1):
        start, end = offsets[i], offsets[i + 1]
        if start == end:
            continue
        best[:] = np.uint64(0xFFFFFFFFFFFFFFFF)
        first, second = edge, np.uint64(data[start])
        for j in range(start + 1, end + 1):
            third = np.uint64(data[j]) if j < end else edge
            shingle = (
                (np.uint64(tag) << np.uint64(24))
                | (first << np.uint64(16))
                | (second << np.uint64(8))
                | third
            )
            x = mix(shingle)
            for k in range(hashes):
                value = a[k] * x + c[k]
                if value < best[k]:
                    best[k] = value
            first, second = second, third
        for k in range(hashes):
            out[i, k] = np.uint32(best[k] >> np.uint64(32))


def minhash_values(data: U8, offsets: I64, tag: int, family: HashFamily) -> U32:
    """MinHash of each string of an Arrow string buffer over its 3-byte shingles.

    Args:
        data: UTF-8 bytes of all values, one after another.
        offsets: start of each value in `data`, length values + 1.
        tag: field tag that keeps equal shingles of different fields apart.
        family: the hash functions.

    Returns:
        [values, hashes]; an empty value has no shingle and gets the largest hash everywhere.
    """
    out = np.full((len(offsets) - 1, len(family.a)), NO_SHINGLE, dtype=np.uint32)
    _minhash_values(data, offsets.astype(np.int64), np.uint32(tag), family.a, family.c, out)
    return out


def minhash_tokens(tokens: U64, tag: int, family: HashFamily) -> U32:
    """MinHash of one-token sets (a day, a month, a year), [tokens, hashes]."""
    x = splitmix64((np.uint64(tag) << np.uint64(24)) | tokens)
    hashed: U64 = (family.a[None, :] * x[:, None] + family.c[None, :]) >> np.uint64(32)
    return hashed.astype(np.uint32)


def merge_signatures(parts: Sequence[tuple[U32, I64]]) -> U32:
    """Record signatures from value signatures: minimum over `signatures[codes]` of each part.

    Args:
        parts: per field the value signatures [values, hashes] and per record the value's code,
            -1 where the field is missing.

    Returns:
        [records, hashes].
    """
    hashes = parts[0][0].shape[1]
    merged = np.full((len(parts[0][1]), hashes), NO_SHINGLE, dtype=np.uint32)
    for signatures, codes in parts:
        padded = np.vstack([signatures, np.full((1, hashes), NO_SHINGLE, dtype=np.uint32)])
        np.minimum(merged, padded[codes], out=merged)
    return merged


def band_prefixes(signatures: U32, rows: int, salt: int, depth: int = PREFIX_DEPTH) -> U64:
    """Prefix key of each band: a fold over its first `depth` hash values, [records, bands]."""
    bands = signatures.shape[1] // rows
    seeds = splitmix64((np.uint64(salt) << np.uint64(16)) + np.arange(bands, dtype=np.uint64))
    keys = np.broadcast_to(seeds, (len(signatures), bands))
    for row in range(depth):
        keys = splitmix64(keys ^ signatures[:, row::rows].astype(np.uint64))
    return keys


def tail_bytes(signatures: U32) -> U8:
    """The low byte of each hash value, [records, hashes]: enough to cut a hot bucket 256 ways."""
    return (signatures & np.uint32(0xFF)).astype(np.uint8)
