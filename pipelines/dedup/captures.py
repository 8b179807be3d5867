"""Biometric captures of a record checked, capped and packed into one binary value.

A bad capture is dropped and named by a flag; the record goes on without it (a record whose
captures are all bad is compared by its other fields). Layout and reading: `templates.py`.
"""

import numpy as np
import pyarrow as pa

from pipelines.core.errors import ConfigError
from pipelines.dedup.capture_checks import (
    BAD_POSITION,
    FLAGS,
    I64,
    LOW_QUALITY,
    U64,
    Bool,
    CaptureLimits,
    Captures,
    best_per_position,
    check_eyes,
    check_fingers,
    flatten_captures,
)
from pipelines.dedup.templates import EYES, IRIS_WORDS, LAYOUT_VERSION, Templates

__all__ = ["FLAGS", "CaptureLimits", "Templates", "pack_captures"]

FLAG_SETS = pa.array(
    [[name for bit, name in enumerate(FLAGS) if mask >> bit & 1] for mask in range(1 << len(FLAGS))]
)


def pack_captures(
    column: pa.ListArray | pa.ChunkedArray, limits: CaptureLimits | None = None
) -> tuple[pa.BinaryArray, pa.ListArray]:
    """Check and pack the captures of a batch.

    Of two captures of one position the better stays. A blank capture (no minutiae, all of them at
    one place, an iris code of one value) is LOW_QUALITY: two blanks must never agree.

    Args:
        column: list<struct{position, quality, minutiae, iris_code, iris_mask}> as in the
            enrolment contract; null and empty lists mean no captures.
        limits: what is usable; defaults as documented there.

    Returns:
        packed, binary, never null, 8 bytes for a record without usable captures; and the flags,
        list<string>, of each record, in the order of FLAGS.
    """
    limits = limits or CaptureLimits()
    captures = flatten_captures(column)
    is_eye = np.isin(captures.position, EYES)
    irises, eye_faults = check_eyes(captures, is_eye)
    kept_minutiae, finger_faults = check_fingers(captures, is_eye, limits)
    faults = eye_faults | finger_faults
    faults |= np.where((captures.quality < limits.min_quality), LOW_QUALITY, 0)
    faults |= np.where((captures.quality > 100), LOW_QUALITY, 0)
    faults = np.where(captures.position < 0, BAD_POSITION, faults)
    masks = np.zeros(len(column), dtype=np.int64)
    np.bitwise_or.at(masks, captures.row, faults)
    chosen = best_per_position(captures, np.flatnonzero(faults == 0))
    packed = _write(captures, chosen, irises, kept_minutiae, len(column))
    return packed, FLAG_SETS.take(pa.array(masks))


def _write(
    captures: Captures, chosen: I64, irises: U64, kept_minutiae: Bool, rows: int
) -> pa.BinaryArray:
    """Lay the chosen captures out as `templates.py` documents."""
    row, position = captures.row[chosen], captures.position[chosen]
    kept_edges = np.concatenate(([0], np.cumsum(kept_minutiae)))[captures.edges]
    counts = np.where(np.isin(position, EYES), 0, np.diff(kept_edges)[chosen])
    sizes = np.where(np.isin(position, EYES), 2 * IRIS_WORDS, (counts + 1) // 2)
    held = np.bincount(row, minlength=rows)
    body_words = np.bincount(row, weights=sizes, minlength=rows).astype(np.int64)
    starts = np.concatenate(([0], np.cumsum(1 + held + body_words)))
    if starts[-1] * 8 > np.iinfo(np.int32).max:
        raise ConfigError(f"captures of {rows} rows exceed 2 GiB; pack fewer rows at a time")
    before = np.cumsum(sizes) - sizes
    first = np.cumsum(held) - held
    slot = np.arange(len(chosen)) - first[row]
    base = np.concatenate((before, [0]))[first[row]]
    body = 1 + held[row] + before - base
    words = np.zeros(starts[-1], dtype=np.uint64)
    words[starts[:-1]] = LAYOUT_VERSION | held << 8
    captures_word = position | captures.quality[chosen] << 8 | counts << 16 | body << 32
    words[starts[row] + 1 + slot] = captures_word
    target = starts[row] + body
    eyes = np.flatnonzero(np.isin(position, EYES))
    words[target[eyes, None] + np.arange(2 * IRIS_WORDS)] = irises[chosen[eyes]]
    _write_minutiae(words, captures, np.flatnonzero(kept_minutiae), kept_edges, chosen, target)
    offsets = pa.py_buffer((starts * 8).astype(np.int32))
    return pa.BinaryArray.from_buffers(pa.binary(), rows, [None, offsets, pa.py_buffer(words)])


def _write_minutiae(
    words: U64,
    captures: Captures,
    kept: I64,
    kept_edges: I64,
    chosen: I64,
    target: I64,
) -> None:
    """Write each kept minutia of the chosen captures as 32 bits behind its capture's body."""
    body = np.full(len(captures.row), -1, dtype=np.int64)
    body[chosen] = target
    owner = np.repeat(np.arange(len(body)), np.diff(kept_edges))
    place = 2 * body[owner] + np.arange(len(kept)) - kept_edges[owner]
    written = body[owner] >= 0
    m = {name: values[kept] for name, values in captures.minutiae.items()}
    packed = m["x"] | m["y"] << 11 | m["angle"] << 22 | m["type"] << 31
    words.view(np.uint32)[place[written]] = packed[written]
