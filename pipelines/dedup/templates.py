"""Packed biometric captures: the byte layout, and a columnar view of it without a copy.

Layout of one record, 64-bit little-endian words, version 1, so that every record starts on a word:

    word 0        version | captures << 8
    words 1..c    position | quality << 8 | minutiae << 16 | first word of the body << 32
    finger body   two minutiae a word, 32 bits each: x | y << 11 | angle << 22 | bifurcation << 31
    iris body     32 words of code, then 32 words of mask

Iris bits: bit ring * 128 + column of 16 rings x 128 columns, least significant bit first in each
byte (numpy.packbits with bitorder "little"); mask bit 1 = usable.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.core.errors import ContractError

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
Bool = npt.NDArray[np.bool_]

HANDS = ("RIGHT", "LEFT")
POSITIONS = tuple(
    f"{hand}_{part}"
    for part in ("THUMB", "INDEX", "MIDDLE", "RING", "LITTLE", "IRIS")
    for hand in HANDS
)
FINGERS = tuple(range(10))
EYES = (10, 11)
MINUTIA_TYPES = ("ENDING", "BIFURCATION")
IRIS_BYTES = 256
IRIS_WORDS = IRIS_BYTES // 8
LAYOUT_VERSION = 1
LARGEST_COORDINATE = 2047


@dataclass(frozen=True)
class Templates:
    """Columnar view of packed captures; rows are gathered by index, bytes are never copied.

    Attributes:
        words: uint64, all records end to end (a view of the Arrow buffer).
        starts: int64 [rows], first word of each record.
        bodies: int16 [rows, 12], first word of a body from its record's start; -1 = absent.
        quality: int8 [rows, 12], 0..100; -1 = absent.
        counts: uint8 [rows, 12], minutiae of a finger.
    """

    words: U64
    starts: I64
    bodies: npt.NDArray[np.int16]
    quality: npt.NDArray[np.int8]
    counts: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        """Number of records."""
        return len(self.starts)

    @classmethod
    def from_packed(cls, column: pa.BinaryArray | pa.LargeBinaryArray) -> "Templates":
        """Index a packed column; null means no captures.

        Raises:
            ContractError: bytes that are not of this layout, with the first such row.
        """
        starts, sizes, words = _record_words(column)
        filled = np.flatnonzero(sizes)
        heads = words[starts[filled]]
        wrong = (heads & np.uint64(0xFF)) != LAYOUT_VERSION
        if wrong.any():
            row = int(filled[np.argmax(wrong)])
            raise ContractError(
                f"captures, row {row}: layout version is not {LAYOUT_VERSION}; "
                "rebuild the enrolments table with a full run"
            )
        shape = (len(starts), len(POSITIONS))
        bodies = np.full(shape, -1, dtype=np.int16)
        quality = np.full(shape, -1, dtype=np.int8)
        counts = np.zeros(shape, dtype=np.uint8)
        held = np.zeros(len(starts), dtype=np.int64)
        held[filled] = (heads >> np.uint64(8)) & np.uint64(0xFF)
        for slot in range(int(held.max(initial=0))):
            rows = np.flatnonzero(held > slot)
            word = words[starts[rows] + 1 + slot]
            position = (word & np.uint64(0xFF)).astype(np.int64)
            quality[rows, position] = (word >> np.uint64(8)) & np.uint64(0xFF)
            counts[rows, position] = (word >> np.uint64(16)) & np.uint64(0xFF)
            bodies[rows, position] = word >> np.uint64(32)
        return cls(words, starts, bodies, quality, counts)

    def take(self, rows: slice | npt.NDArray[np.signedinteger[Any]]) -> "Templates":
        """The same view of some of the records."""
        return Templates(
            self.words, self.starts[rows], self.bodies[rows], self.quality[rows], self.counts[rows]
        )

    def body_words(self, position: int, rows: npt.NDArray[np.signedinteger[Any]]) -> I64:
        """First word of the body of one position for each of rows; -1 = absent."""
        body = self.bodies[rows, position].astype(np.int64)
        return np.where(body < 0, -1, self.starts[rows] + body)

    def present_fingers(self) -> tuple[int, ...]:
        """Finger positions that at least one record holds."""
        return tuple(p for p in FINGERS if (self.quality[:, p] >= 0).any())


def _record_words(column: pa.BinaryArray | pa.LargeBinaryArray) -> tuple[I64, I64, U64]:
    """First word and size of each record, and the words of the whole buffer."""
    width = np.int64 if pa.types.is_large_binary(column.type) else np.int32
    _, offset_buffer, data = column.buffers()
    size = np.dtype(width).itemsize
    edges = np.zeros(1, dtype=np.int64)
    if len(column):
        found = np.frombuffer(offset_buffer, width, len(column) + 1, column.offset * size)
        edges = found.astype(np.int64)
    raw = np.frombuffer(data if data is not None else b"", dtype=np.uint8)[edges[0] : edges[-1]]
    edges = edges - edges[0]
    ragged = np.flatnonzero(edges % 8)
    if len(ragged):
        raise ContractError(
            f"captures, row {int(ragged[0]) - 1}: length is not a multiple of 8 bytes; "
            "the column was not written by pack_captures"
        )
    if raw.ctypes.data % 8:  # a slice of a foreign buffer; words need 8-byte addresses
        raw = raw.copy()
    raw.flags.writeable = False
    return edges[:-1] // 8, np.diff(edges) // 8, raw.view(np.uint64)
