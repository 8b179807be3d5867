"""Hashes that are the same in every process: 64 bits of a token, 46 of a payment, 32 of a label."""

from functools import lru_cache
from hashlib import blake2b, sha1
from zlib import crc32

_U32 = 0xFFFFFFFF
_VARIANTS = {digit: "89ab"[place % 4] for place, digit in enumerate("0123456789abcdef")}
"""The digit of a UUID that holds its variant: the two high bits become 10."""
_EVENT_NAMESPACE = bytes.fromhex("7a1d1f0d5a3b4c1e9d6b2f8c0e4a7b11")


def hash64(text: str) -> int:
    """64 bits of a text."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def hash46(data: bytes) -> int:
    """46 bits of bytes."""
    return int.from_bytes(blake2b(data, digest_size=6).digest(), "little") >> 2


@lru_cache(maxsize=65_536)
def label_hash(label: str) -> int:
    """32 bits of a place label."""
    return crc32(label.encode())


def event_digest(name: bytes) -> bytes:
    """20 bytes of which the first 16, with version and variant, are the UUID of a name."""
    return sha1(_EVENT_NAMESPACE + name, usedforsecurity=False).digest()


def event_uuid(*parts: str) -> str:
    """UUIDv5 (RFC 9562) of texts, in a namespace of this job."""
    text = event_digest("|".join(parts).encode()).hex()
    variant = _VARIANTS[text[16]]
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"


def partition_of(key: bytes, partitions: int) -> int:
    """Kafka's default partition of a key."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def murmur2(data: bytes) -> int:
    """Murmur2 (Appleby 2008) with Kafka's seed, 32 bits without sign."""
    mix, length = 0x5BD1E995, len(data)
    state = 0x9747B28C ^ length
    for at in range(0, length - 3, 4):
        part = int.from_bytes(data[at : at + 4], "little") * mix & _U32
        part = (part ^ part >> 24) * mix & _U32
        state = state * mix & _U32 ^ part
    if rest := data[length - length % 4 :]:
        state = (state ^ int.from_bytes(rest, "little")) * mix & _U32
    state = (state ^ state >> 13) * mix & _U32
    return state ^ state >> 15
