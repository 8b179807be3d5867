"""Simulated iris codes: 2,048 bits as 16 rings x 128 columns, and their masks.

Bit of ring r and column c is number r * 128 + c, least significant bit first in each byte
(`numpy.packbits(bitorder="little")`); mask bit 1 = usable. Ring 0 is next to the pupil. A turn of
the eye by s columns moves the bit at column c to column c + s (modulo 128) in every ring.
"""

import math

import numpy as np
import numpy.typing as npt

from pipelines.dedup.synthetic.config import IrisModel
from pipelines.dedup.synthetic.streams import F64, U64, Bool, Purpose, lanes, normal, words

U8 = npt.NDArray[np.uint8]

RINGS, COLUMNS = 16, 128
_BITS = RINGS * COLUMNS
_LANE_RANGE = 65536
_UPPER_MIDDLE, _LOWER_MIDDLE = 96, 32


def make_irises(model: IrisModel, keys: U64) -> U8:
    """The true bits of each eye, 0 or 1, [eyes, 16, 128].

    Each ring is a closed chain of runs: a bit differs from its left neighbour with the chance
    `switch`. The runs leave about 249 degrees of freedom in the distance of two eyes (Daugman).
    """
    drawn = lanes(keys, Purpose.IRIS, _BITS).reshape(-1, RINGS, COLUMNS)
    switch = (drawn < np.uint16(model.switch * _LANE_RANGE)).astype(np.uint8)
    ends = lanes(keys, Purpose.IRIS + 1, 2 * RINGS).reshape(-1, 2, RINGS)
    is_odd = switch.sum(axis=2, dtype=np.uint8) & 1
    place = (ends[:, 0] % COLUMNS).astype(np.int64)[:, :, None]
    closed = np.take_along_axis(switch, place, axis=2) ^ is_odd[:, :, None]
    np.put_along_axis(switch, place, closed, axis=2)
    bits = np.bitwise_xor.accumulate(switch, axis=2)
    return np.asarray(bits ^ (ends[:, 1, :, None] & 1).astype(np.uint8), dtype=np.uint8)


def capture_irises(model: IrisModel, irises: U8, keys: U64, is_bad: Bool) -> tuple[U8, U8]:
    """Code and mask of one capture of each eye, packed [eyes, 256].

    Args:
        model: how captures err.
        irises: the true bits.
        keys: one key per capture.
        is_bad: bad captures have more wrong bits.
    """
    pose = normal(keys, Purpose.IRIS_CAPTURE, 4)
    turn = np.rint(_turn_sd(model) * pose[:, 0]).astype(np.int64)
    wrong = _wrong_bits(model, is_bad, pose[:, 1])
    drawn = lanes(keys, Purpose.IRIS_CAPTURE + 1, _BITS).reshape(irises.shape)
    bits = irises ^ (drawn < (wrong * _LANE_RANGE).astype(np.uint16)[:, None, None])
    usable = _open_lids(model, pose[:, 2], pose[:, 3])
    for shift in np.unique(turn):
        turned = turn == shift
        bits[turned] = np.roll(bits[turned], shift, axis=2)
        usable[turned] = np.roll(usable[turned], shift, axis=2)
    mask = _pack(usable)
    lashes = words(keys, Purpose.IRIS_CAPTURE + 2, _BITS // 64).astype("<u8", copy=False)
    return (_pack(bits) & mask) | (lashes.view(np.uint8) & ~mask), mask


def _turn_sd(model: IrisModel) -> float:
    """Turn of one capture, columns, so that two differ by `turn_sd`; rounding adds 1/12 each."""
    return math.sqrt(max(model.turn_sd**2 / 2 - 1 / 12, 0.0))


def _wrong_bits(model: IrisModel, is_bad: Bool, slip: F64) -> F64:
    """Share of wrong bits of one capture.

    Errors a and b of two captures give a distance of a + b - 2ab: a is solved for two good ones
    at `distance`, then b for a good and a bad one at `bad_distance`; the spread likewise, less the
    binomial part that counting the usable bits adds.
    """
    good = (1 - math.sqrt(1 - 2 * model.distance)) / 2
    bad = (model.bad_distance - good) / (1 - 2 * good)
    counting = model.distance * (1 - model.distance) / _BITS
    spread = math.sqrt(max(model.distance_sd**2 - counting, 0.0) / 2) / (1 - 2 * good)
    found: F64 = np.clip(np.where(is_bad, bad, good) + spread * slip, 0.0, 0.5)
    return found


def _open_lids(model: IrisModel, upper: F64, lower: F64) -> Bool:
    """Bits that neither eyelid covers [eyes, 16, 128]: lids hang into the outer rings as arcs."""
    covered = np.zeros((len(upper), COLUMNS), dtype=np.int64)
    for middle, reach, depth, slip in (
        (_UPPER_MIDDLE, model.upper_reach, model.upper_depth, upper),
        (_LOWER_MIDDLE, model.lower_reach, model.lower_depth, lower),
    ):
        away = (np.arange(COLUMNS) - middle) / reach
        arc = np.clip(1 - away**2, 0, None)
        rings = np.rint((depth + model.depth_sd * slip)[:, None] * arc).astype(np.int64)
        covered += np.clip(rings, 0, model.deepest)
    return np.arange(RINGS)[None, :, None] < RINGS - covered[:, None, :]


def _pack(bits: npt.NDArray[np.uint8] | Bool) -> U8:
    return np.packbits(bits.reshape(len(bits), _BITS), axis=1, bitorder="little")


def unpack(packed: U8) -> U8:
    """Bits [eyes, 16, 128] of packed codes or masks [eyes, 256]."""
    bits = np.unpackbits(packed, axis=1, bitorder="little")
    return np.asarray(bits.reshape(-1, RINGS, COLUMNS), dtype=np.uint8)
