"""What a capture must be to count: a nested batch flattened, and each capture judged."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.errors import ConfigError
from pipelines.dedup.templates import (
    IRIS_BYTES,
    IRIS_WORDS,
    LARGEST_COORDINATE,
    MINUTIA_TYPES,
    POSITIONS,
)

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
Bool = npt.NDArray[np.bool_]

FLAGS = ("BAD_IRIS_LENGTH", "LOW_QUALITY", "BAD_MINUTIAE", "BAD_POSITION")
BAD_LENGTH, LOW_QUALITY, BAD_MINUTIAE, BAD_POSITION = (1 << bit for bit in range(len(FLAGS)))


@dataclass(frozen=True)
class CaptureLimits:
    """What makes a capture usable.

    Attributes:
        min_quality: captures below are dropped (0..100).
        min_minutiae: fewest minutiae, at different places, of a usable finger.
        max_minutiae: only the best are kept (ties: in input order).
        max_coordinate: largest x or y in pixels at 500 dpi; the layout holds up to 2047.
    """

    min_quality: int = 20
    min_minutiae: int = 8
    max_minutiae: int = 50
    max_coordinate: int = LARGEST_COORDINATE

    def __post_init__(self) -> None:
        """Refuse limits that the layout cannot hold."""
        if not 0 < self.max_coordinate <= LARGEST_COORDINATE:
            raise ConfigError(
                f"captures.max_coordinate is {self.max_coordinate}; "
                f"set it to 1..{LARGEST_COORDINATE}"
            )
        if not 0 < self.min_minutiae <= self.max_minutiae <= 255:
            raise ConfigError(
                f"captures.min_minutiae {self.min_minutiae} and max_minutiae {self.max_minutiae} "
                "must satisfy 0 < min_minutiae <= max_minutiae <= 255"
            )


@dataclass(frozen=True)
class Captures:
    """One batch, flattened: a row of arrays per capture, and a row per minutia."""

    row: I64
    position: I64
    quality: I64
    edges: I64
    minutiae: dict[str, I64]
    code: pa.BinaryArray
    mask: pa.BinaryArray


def flatten_captures(column: pa.ListArray | pa.ChunkedArray) -> Captures:
    """Split the nested column into flat arrays; a null number becomes -1."""
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else column.combine_chunks()
    captures = column.flatten()
    fields = _children(captures)
    minutiae = _children(fields["minutiae"].flatten())
    kinds = pc.index_in(minutiae["type"], pa.array(MINUTIA_TYPES))
    return Captures(
        row=np.repeat(np.arange(len(column)), _lengths(column)),
        position=_integers(pc.index_in(fields["position"], pa.array(POSITIONS))),
        quality=_integers(fields["quality"]),
        edges=np.concatenate(([0], np.cumsum(_lengths(fields["minutiae"])))),
        minutiae={
            **{name: _integers(minutiae[name]) for name in ("x", "y", "angle", "quality")},
            "type": _integers(kinds),
        },
        code=fields["iris_code"],
        mask=fields["iris_mask"],
    )


def _children(structs: pa.StructArray) -> dict[str, pa.Array]:
    return dict(zip([field.name for field in structs.type], structs.flatten(), strict=True))


def _lengths(lists: pa.ListArray) -> I64:
    found = pc.list_value_length(lists).fill_null(0)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int64)


def _integers(values: pa.Array) -> I64:
    filled = values.fill_null(-1).to_numpy(zero_copy_only=False)
    return np.asarray(filled, dtype=np.int64)


def check_eyes(captures: Captures, is_eye: Bool) -> tuple[U64, I64]:
    """Faults of iris captures, and code and mask words [captures, 64] (zero where unusable)."""
    sizes = [
        _integers(pc.binary_length(values)) if len(values) else np.zeros(0, dtype=np.int64)
        for values in (captures.code, captures.mask)
    ]
    absent = is_eye & (sizes[0] < 0) & (sizes[1] < 0)
    whole = is_eye & (sizes[0] == IRIS_BYTES) & (sizes[1] == IRIS_BYTES)
    words = np.zeros((len(is_eye), 2 * IRIS_WORDS), dtype=np.uint64)
    words[whole] = np.hstack([_words(values, whole) for values in (captures.code, captures.mask)])
    code, mask = words[:, :IRIS_WORDS], words[:, IRIS_WORDS:]
    usable = np.bitwise_count(mask).sum(axis=1, dtype=np.int64)
    ones = np.bitwise_count(code & mask).sum(axis=1, dtype=np.int64)
    blank = absent | (whole & ((ones == 0) | (ones == usable)))
    faults = np.where(is_eye & ~whole & ~absent, BAD_LENGTH, 0) | np.where(blank, LOW_QUALITY, 0)
    return words, faults


def _words(values: pa.BinaryArray, whole: Bool) -> U64:
    """The 256-byte values of the marked captures as words [marked, 32]."""
    values = values.take(pa.array(np.flatnonzero(whole))).cast(pa.binary(IRIS_BYTES))
    raw = np.frombuffer(values.buffers()[1] or b"", dtype=np.uint8)
    first = values.offset * IRIS_BYTES
    raw = raw[first : first + len(values) * IRIS_BYTES]
    return np.asarray(raw.view(np.uint64).reshape(-1, IRIS_WORDS), dtype=np.uint64)


def check_fingers(captures: Captures, is_eye: Bool, limits: CaptureLimits) -> tuple[Bool, I64]:
    """Which minutiae stay (the best of each capture), and the faults of finger captures."""
    points, edges = captures.minutiae, captures.edges
    owner = np.repeat(np.arange(len(is_eye)), np.diff(edges))
    bad = (points["x"] < 0) | (points["x"] > limits.max_coordinate)
    bad |= (points["y"] < 0) | (points["y"] > limits.max_coordinate)
    bad |= (points["angle"] < 0) | (points["angle"] > 359) | (points["type"] < 0)
    faulty = np.bincount(owner[bad], minlength=len(is_eye)) > 0
    kept = _keep_best(owner, points["quality"], edges, limits.max_minutiae)
    kept &= ~(faulty | is_eye)[owner]
    places = np.sort((owner << 22 | points["x"] << 11 | points["y"])[kept])
    places = places[np.flatnonzero(np.diff(places, prepend=-1))] >> 22
    few = np.bincount(places, minlength=len(is_eye)) < limits.min_minutiae
    faults = np.where(faulty, BAD_MINUTIAE, np.where(few, LOW_QUALITY, 0))
    return kept, np.where(is_eye, 0, faults)


def _keep_best(owner: I64, quality: I64, edges: I64, most: int) -> Bool:
    """Mark the best minutiae of captures that have more than `most`, and all of the others."""
    kept = np.ones(len(owner), dtype=np.bool_)
    large = np.flatnonzero((np.diff(edges) > most)[owner])
    order = large[np.lexsort((-quality[large], owner[large]))]
    heads = np.flatnonzero(np.diff(owner[order], prepend=-1))
    rank = np.arange(len(order)) - np.repeat(heads, np.diff(np.append(heads, len(order))))
    kept[order[rank >= most]] = False
    return kept


def best_per_position(captures: Captures, usable: I64) -> I64:
    """Captures to write: the best usable one of each record and position, in that order."""
    row, position = captures.row[usable], captures.position[usable]
    order = np.lexsort((-captures.quality[usable], position, row))
    slot = (row * len(POSITIONS) + position)[order]
    best: I64 = usable[order[np.flatnonzero(np.diff(slot, prepend=-1))]]
    return best
