"""Lists of a payer's state, packed as they are stored: rows of one size, little-endian.

A list is one piece of bytes, so a state is a dozen objects and not hundreds: it is found in the
cache, searched by C code, and written without being encoded again.
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

Row = TypeVar("Row", bound=tuple[Any, ...])
_LOW32 = 0xFFFFFFFF
_TIME_AND_AMOUNT = struct.Struct("<IHI")


def maker(kind: type[Row]) -> Callable[[tuple[Any, ...]], Row]:
    """Makes rows of a named tuple, each of a tuple of all its values: a third of a call's time."""
    return partial(tuple.__new__, kind)


class Payment(NamedTuple):
    """One attempt, as the look-backs need it.

    Attributes:
        time_ms: event time, epoch ms; first, so that payments sort by it.
        id_hash: 64 bits of the transaction id.
        paise: amount.
        digest: 46 bits of the whole payment, to tell a copy from a conflict, and two marks.
    """

    time_ms: int
    id_hash: int
    paise: int
    digest: int


make_attempt = maker(Payment)


class OldId(NamedTuple):
    """Id of an attempt that no longer fits."""

    time_s: int
    id_hash: int


class Bucket(NamedTuple):
    """Attempts of five minutes that no longer fit: place since the epoch, number, paise."""

    slot: int
    number: int
    paise: int


class Device(NamedTuple):
    """A learned device: hash, first and last use in epoch seconds."""

    hash: int
    first_s: int
    last_s: int


class Payee(NamedTuple):
    """A learned payee: hash, last use in epoch seconds, number of uses."""

    hash: int
    last_s: int
    uses: int


class UsualPlace(NamedTuple):
    """A place of approved payments and how often it was one."""

    hash: int
    uses: int


class Layout(Generic[Row]):
    """How rows of one kind are packed.

    Attributes:
        size: bytes of a row.
        pack: bytes of a row, given its values one by one.

    Args:
        kind: a named tuple.
        form: its values as `struct` names them.
        key_at: where in a row the hash stands that it is found by.
    """

    def __init__(self, kind: type[Row], form: str, key_at: int = 0) -> None:
        packed = struct.Struct(form)
        self.size, self._key_at, self._make = packed.size, key_at, maker(kind)
        self.pack: Callable[..., bytes] = packed.pack
        self._unpack, self._iterate = packed.unpack_from, packed.iter_unpack

    def row(self, data: bytes, at: int) -> Row:
        """The row that begins at a place."""
        return self._make(self._unpack(data, at))

    def read(self, data: bytes) -> list[Row]:
        """All rows."""
        return [self._make(values) for values in self._iterate(data)]

    def values(self, data: bytes) -> list[tuple[int, ...]]:
        """All rows as they are stored, which is quicker."""
        return list(self._iterate(data))

    def write(self, rows: Iterable[Row]) -> bytes:
        """Bytes of rows."""
        return b"".join([self.pack(*row) for row in rows])

    def find(self, data: bytes, key: bytes) -> int:
        """Where the first row with a hash begins; -1 if none has it."""
        at = data.find(key)
        while at >= 0 and at % self.size != self._key_at:
            at = data.find(key, at + 1)
        return at - self._key_at if at >= 0 else -1


class _Attempts(Layout[Payment]):
    """Times and digests of 48 bits are stored as 32 low and 16 high bits; the id stands third."""

    def __init__(self) -> None:
        super().__init__(Payment, "<IHIQIH", key_at=10)
        parts = self.pack
        self.pack = lambda time_ms, id_hash, paise, digest: parts(
            time_ms & _LOW32, time_ms >> 32, paise, id_hash, digest & _LOW32, digest >> 32
        )

    def row(self, data: bytes, at: int) -> Payment:
        """The attempt that begins at a place."""
        time, high, paise, id_hash, digest, digest_high = self._unpack(data, at)
        return self._make((time | high << 32, id_hash, paise, digest | digest_high << 32))

    def read(self, data: bytes) -> list[Payment]:
        """All attempts."""
        return [self.row(data, at) for at in range(0, len(data), self.size)]


class _OldIds(Layout[OldId]):
    """The id stands before its time."""

    def __init__(self) -> None:
        super().__init__(OldId, "<QI")
        parts = self.pack
        self.pack = lambda time_s, id_hash: parts(id_hash, time_s)

    def row(self, data: bytes, at: int) -> OldId:
        """The id that begins at a place."""
        id_hash, time_s = self._unpack(data, at)
        return self._make((time_s, id_hash))

    def read(self, data: bytes) -> list[OldId]:
        """All ids."""
        return [self.row(data, at) for at in range(0, len(data), self.size)]


ATTEMPTS, OLD_IDS = _Attempts(), _OldIds()
BUCKETS = Layout(Bucket, "<IHQ")
DEVICES, PAYEES = Layout(Device, "<QII"), Layout(Payee, "<QIH")
USUAL_PLACES = Layout(UsualPlace, "<IH")


def key_of(number: int, size: int = 8) -> bytes:
    """A hash as it stands in a row."""
    return number.to_bytes(size, "little")


def newest_first(recent: bytes) -> Iterator[tuple[int, int]]:
    """Time (ms) and amount (paise) of packed attempts, from the last one back."""
    unpack = _TIME_AND_AMOUNT.unpack_from
    for at in range(len(recent) - ATTEMPTS.size, -1, -ATTEMPTS.size):
        low, high, paise = unpack(recent, at)
        yield low | high << 32, paise
