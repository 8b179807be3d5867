"""Which captures a record has, and the nested column that holds them.

The plan is drawn with the record; the captures themselves are made from it when the part of the
file is written, so nothing large waits in between.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.dedup.synthetic.addresses import Columns
from pipelines.dedup.synthetic.config import QualityModel, SyntheticConfig
from pipelines.dedup.synthetic.duplicates import EXACT, IDENTITY_CHANGE
from pipelines.dedup.synthetic.fingers import Minutiae, capture_fingers, make_fingers
from pipelines.dedup.synthetic.irises import capture_irises, make_irises
from pipelines.dedup.synthetic.people import Block
from pipelines.dedup.synthetic.streams import I64, U64, Bool, Purpose, mark, normal, words

FINGERS = tuple(
    f"{hand}_{name}"
    for name in ("THUMB", "INDEX", "MIDDLE", "RING", "LITTLE")
    for hand in ("RIGHT", "LEFT")
)
IRISES = ("RIGHT_IRIS", "LEFT_IRIS")
TYPES = ("BIFURCATION", "ENDING")
PLAN_FIELDS = ("person_key", "capture_key", "present", "bad")

_MINUTIA = pa.struct(
    {
        "x": pa.int32(),
        "y": pa.int32(),
        "angle": pa.int32(),
        "type": pa.string(),
        "quality": pa.int32(),
    }
)
CAPTURE = pa.struct(
    {
        "position": pa.string(),
        "quality": pa.int32(),
        "minutiae": pa.list_(_MINUTIA),
        "iris_code": pa.binary(),
        "iris_mask": pa.binary(),
    }
)

Planned = dict[str, U64]


def plan_captures(
    block: Block, config: SyntheticConfig, rows: Columns, records: U64, fingers: int
) -> Planned:
    """Keys and bit sets of the captures of each record; bit p = fingers first, then both irises.

    Exact duplicates repeat the captures of the first record. A changed identity keeps at least one
    position that was captured well on both sides, since nothing else could tell.

    Returns:
        person_key, capture_key (uint64), present and bad (bit sets below 2^12), all uint64.
    """
    rng = block.stream(Purpose.CAPTURES)
    count = len(records)
    positions = fingers + len(IRISES)
    present, bad = _draw_sets(rng, config, count, fingers)
    first = rows["person"]  # a person's first record stands at the person's own place
    changed = np.flatnonzero(rows["kind"] == IDENTITY_CHANGE)
    good = present & ~bad
    lost = changed[(good[changed] & good[first[changed]]) == 0]
    for side in (lost, first[lost]):
        present[side] = (1 << positions) - 1
        bad[side] = 0
    exact = rows["kind"] == EXACT
    origin = np.where(exact, first, np.arange(count))
    people = np.uint64(block.first_person) + first.astype(np.uint64)
    return {
        "person_key": mark(block.seed, Purpose.PERSON, people),
        "capture_key": mark(block.seed, Purpose.CAPTURES, records[origin]),
        "present": present[origin].astype(np.uint64),
        "bad": bad[origin].astype(np.uint64),
    }


def _draw_sets(
    rng: np.random.Generator, config: SyntheticConfig, count: int, fingers: int
) -> tuple[I64, I64]:
    """Bit sets of captured and of bad positions; the shares without irises or fingers overlap."""
    chance = rng.random(count)
    none, no_iris, no_finger = config.no_captures, config.iris.missing, config.finger.missing
    lacks_iris = chance < no_iris
    lacks_finger = (chance < none) | ((chance >= no_iris) & (chance < no_iris + no_finger - none))
    finger_bits = (1 << fingers) - 1
    iris_bits = ((1 << len(IRISES)) - 1) << fingers
    present = np.where(lacks_finger, 0, finger_bits) | np.where(lacks_iris, 0, iris_bits)
    share = np.repeat([config.finger.bad, config.iris.bad], [fingers, len(IRISES)])
    is_bad = rng.random((count, len(share))) < share
    return present, (is_bad << np.arange(len(share))).sum(axis=1)


def make_captures(config: SyntheticConfig, plan: Planned, fingers: int) -> pa.ListArray:
    """The captures column of planned records, list<CAPTURE>."""
    positions = np.arange(fingers + len(IRISES), dtype=np.uint64)
    present, bad = ((plan[name][:, None] >> positions) % 2 == 1 for name in ("present", "bad"))
    row, place = np.nonzero(present)
    is_bad = bad[row, place]
    person = _per_position(plan["person_key"][row], place)
    capture = _per_position(plan["capture_key"][row], place)
    is_iris = place >= fingers
    minutiae, sizes = _make_minutiae(config, person, capture, is_bad, ~is_iris)
    codes, masks = capture_irises(
        config.iris,
        make_irises(config.iris, person[is_iris]),
        capture[is_iris],
        is_bad[is_iris],
    )
    names = pa.array(FINGERS[:fingers] + IRISES)
    captures = pa.StructArray.from_arrays(
        [
            names.take(pa.array(place)),
            pa.array(_rate(config.quality, capture, is_bad), pa.int32()),
            pa.ListArray.from_arrays(pa.array(_edges(sizes), pa.int32()), minutiae),
            _to_binary(codes, is_iris),
            _to_binary(masks, is_iris),
        ],
        fields=list(CAPTURE),
    )
    edges = pa.array(_edges(present.sum(axis=1)), pa.int32())
    return pa.ListArray.from_arrays(edges, captures)


def _per_position(keys: U64, place: I64) -> U64:
    """One key per capture from the key of a person or record."""
    salt = words(np.arange(len(FINGERS) + len(IRISES), dtype=np.uint64), Purpose.POSITION, 1)
    found: U64 = keys ^ salt[place, 0]
    return found


def _make_minutiae(
    config: SyntheticConfig, person: U64, capture: U64, is_bad: Bool, used: Bool
) -> tuple[pa.StructArray, I64]:
    """Minutiae of all finger captures end to end, and how many each capture has (irises none)."""
    shown: Minutiae = capture_fingers(
        config.finger,
        make_fingers(config.finger, person[used]),
        capture[used],
        is_bad[used],
    )
    valid = shown.valid
    kinds = pa.array(TYPES).take(pa.array(shown.is_ending[valid].astype(np.int8)))
    numbers = {
        name: pa.array(getattr(shown, name)[valid].astype(np.int32))
        for name in ("x", "y", "angle", "quality")
    }
    sizes = np.zeros(len(used), dtype=np.int64)
    sizes[used] = valid.sum(axis=1)
    columns = [numbers["x"], numbers["y"], numbers["angle"], kinds, numbers["quality"]]
    return pa.StructArray.from_arrays(columns, fields=list(_MINUTIA)), sizes


def _rate(model: QualityModel, capture: U64, is_bad: Bool) -> I64:
    """Quality of each capture, 0..100; good and bad ones do not overlap."""
    good = np.rint(model.mean + model.sd * normal(capture, Purpose.POSITION + 1, 1)[:, 0])
    spread = words(capture, Purpose.POSITION + 2, 1)[:, 0]
    bad = model.bad_from + spread % np.uint64(model.bad_below - model.bad_from)
    return np.where(is_bad, bad, np.clip(good, model.good_from, 100)).astype(np.int64)


def _edges(sizes: I64) -> I64:
    return np.append(0, np.cumsum(sizes))


def _to_binary(packed: npt.NDArray[np.uint8], used: Bool) -> pa.BinaryArray:
    """Packed rows as a binary column, null where a capture is no iris."""
    edges = pa.array(_edges(np.where(used, packed.shape[1], 0)), pa.int32())
    valid = pa.py_buffer(np.packbits(used, bitorder="little"))
    buffers = [valid, edges.buffers()[1], pa.py_buffer(np.ascontiguousarray(packed))]
    return pa.BinaryArray.from_buffers(pa.binary(), len(used), buffers)
