"""Minutiae of simulated fingers: the finger itself, and what one capture of it shows.

Every capture errs, the first as well, as sensors do; the shares are those of one capture.

x, y in pixels at 500 dpi from the top left of a frame around the finger, angle in degrees. A turn
by a maps (x, y, angle) to (x cos a - y sin a, x sin a + y cos a, angle + a) about the middle.
"""

from dataclasses import dataclass, replace
from typing import TypeVar

import numba
import numpy as np
import numpy.typing as npt

from pipelines.dedup.synthetic.config import FingerModel
from pipelines.dedup.synthetic.streams import F64, I64, U64, Bool, Purpose, normal, uniform

Scalar = TypeVar("Scalar", bound=np.generic)

_QUALITY_MEAN, _QUALITY_SD, _QUALITY_SLIP, _BAD_LOSS = 70.0, 12.0, 5.0, 35.0
_RANKS = 1 << 20


@dataclass(frozen=True)
class Minutiae:
    """Minutiae [fingers, slots]; slots that are not valid hold nothing.

    Attributes:
        x, y, angle, quality: int64, see the module.
        is_ending: ridge ending, else bifurcation.
        valid: slots in use.
    """

    x: I64
    y: I64
    angle: I64
    quality: I64
    is_ending: Bool
    valid: Bool


def make_fingers(model: FingerModel, keys: U64) -> Minutiae:
    """The true minutiae of each finger, at least `spacing` apart, in an ellipse."""
    x, y = _scatter(model, uniform(keys, Purpose.FINGER, 2 * model.candidates))
    extent = uniform(keys, Purpose.FINGER + 1, 1)[:, 0] * (model.most - model.fewest + 1)
    wanted = model.fewest + extent.astype(np.int64)
    chosen, placed = space_out(x, y, wanted, model.spacing**2, model.most)
    x, y = (np.take_along_axis(values, chosen, axis=1) for values in (x, y))
    return _describe(model, keys, x, y, np.arange(model.most) < placed[:, None])


def _scatter(model: FingerModel, chance: F64) -> tuple[I64, I64]:
    """Places spread evenly over the ellipse, from two uniform numbers each."""
    radius, turn = np.split(chance, 2, axis=1)
    radius, turn = np.sqrt(radius), 2 * np.pi * turn
    x = model.margin + model.width / 2 * (1 + radius * np.cos(turn))
    y = model.margin + model.height / 2 * (1 + radius * np.sin(turn))
    return np.rint(x).astype(np.int64), np.rint(y).astype(np.int64)


def _describe(model: FingerModel, keys: U64, x: I64, y: I64, valid: Bool) -> Minutiae:
    """Add angle, type and quality to places."""
    count, slots = x.shape
    more = uniform(keys, Purpose.FINGER + 2, 2 * slots).reshape(count, 2, slots)
    quality = _QUALITY_MEAN + _QUALITY_SD * normal(keys, Purpose.FINGER + 3, slots)
    return Minutiae(
        x=x,
        y=y,
        angle=(more[:, 0] * 360).astype(np.int64),
        quality=_to_quality(quality),
        is_ending=more[:, 1] < model.ending,
        valid=valid,
    )


@numba.njit(cache=True, nogil=True)
def space_out(
    x: I64, y: I64, wanted: I64, least: float, slots: int
) -> tuple[I64, I64]:  # pragma: no cover
    """Take candidates in order unless one taken before is nearer than the square root of least.

    Args:
        x, y: candidates [fingers, candidates].
        wanted: minutiae per finger, at most slots.
        least: least squared distance.
        slots: columns of the result.

    Returns:
        Index of the candidate in each slot [fingers, slots] and how many were placed.
    """
    chosen = np.zeros((len(x), slots), dtype=np.int64)
    placed = np.zeros(len(x), dtype=np.int64)
    for f in range(len(x)):
        for c in range(x.shape[1]):
            if placed[f] == wanted[f]:
                break
            is_free = True
            for k in range(placed[f]):
                dx = x[f, c] - x[f, chosen[f, k]]
                dy = y[f, c] - y[f, chosen[f, k]]
                if dx * dx + dy * dy < least:
                    is_free = False
                    break
            if is_free:
                chosen[f, placed[f]] = c
                placed[f] += 1
    return chosen, placed


def capture_fingers(model: FingerModel, fingers: Minutiae, keys: U64, is_bad: Bool) -> Minutiae:
    """What one capture of each finger shows, the best minutiae first, at most `cap`.

    Args:
        model: how captures err.
        fingers: the true minutiae.
        keys: one key per capture.
        is_bad: bad captures lose and move more.
    """
    count, slots = fingers.x.shape
    lost, added, flipped = np.moveaxis(
        uniform(keys, Purpose.FINGER_CAPTURE, 3 * slots).reshape(count, 3, slots), 1, 0
    )
    noise = normal(keys, Purpose.FINGER_CAPTURE + 1, 4 * slots).reshape(count, 4, slots)
    noise[:, :2] *= np.where(is_bad, model.bad_move_sd, model.move_sd)[:, None, None]
    noise[:, 2] *= np.where(is_bad, model.bad_angle_sd, model.angle_sd)[:, None]
    x, y, angle = _turn(model, fingers, keys, noise)
    loss = np.where(is_bad, _BAD_LOSS, 0.0)[:, None]
    shown = Minutiae(
        x=x,
        y=y,
        angle=angle,
        quality=_to_quality(fingers.quality + _QUALITY_SLIP * noise[:, 3] - loss),
        is_ending=fingers.is_ending ^ (flipped < model.flipped),
        valid=fingers.valid & (lost >= np.where(is_bad, model.bad_lost, model.lost)[:, None]),
    )
    spread = uniform(keys, Purpose.FINGER_CAPTURE + 4, 2 * slots)
    is_added = fingers.valid & (added < model.added)
    false = _describe(model, keys, *_scatter(model, spread), is_added)
    false = replace(false, quality=_to_quality(false.quality - loss))
    return _keep_best(model.cap, shown, false, uniform(keys, Purpose.FINGER_CAPTURE + 2, 2 * slots))


def _to_quality(values: F64) -> I64:
    return np.clip(np.rint(values), 1, 100).astype(np.int64)


def _turn(model: FingerModel, fingers: Minutiae, keys: U64, noise: F64) -> tuple[I64, I64, I64]:
    """Turn and shift each finger as a whole, and move its minutiae one by one."""
    pose = normal(keys, Purpose.FINGER_CAPTURE + 3, 3)
    degrees = model.turn_sd * pose[:, :1]
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    middle = model.margin + model.width / 2, model.margin + model.height / 2
    dx, dy = fingers.x - middle[0], fingers.y - middle[1]
    x = middle[0] + dx * cos - dy * sin + model.shift_sd * pose[:, 1:2] + noise[:, 0]
    y = middle[1] + dx * sin + dy * cos + model.shift_sd * pose[:, 2:3] + noise[:, 1]
    right, bottom = 2 * middle[0], 2 * middle[1]
    return (
        np.clip(np.rint(x), 0, right).astype(np.int64),
        np.clip(np.rint(y), 0, bottom).astype(np.int64),
        np.rint(fingers.angle + degrees + noise[:, 2]).astype(np.int64) % 360,
    )


def _keep_best(cap: int, shown: Minutiae, false: Minutiae, tie: F64) -> Minutiae:
    """Sort by quality, best first, equal ones at random; the order tells nothing of the finger."""
    quality, valid = _beside(shown.quality, false.quality), _beside(shown.valid, false.valid)
    rank = np.where(valid, quality, 0) * _RANKS + (tie * _RANKS).astype(np.int64)
    best = np.argsort(-rank, axis=1, kind="stable")[:, :cap]
    return Minutiae(
        x=np.take_along_axis(_beside(shown.x, false.x), best, axis=1),
        y=np.take_along_axis(_beside(shown.y, false.y), best, axis=1),
        angle=np.take_along_axis(_beside(shown.angle, false.angle), best, axis=1),
        quality=np.take_along_axis(quality, best, axis=1),
        is_ending=np.take_along_axis(_beside(shown.is_ending, false.is_ending), best, axis=1),
        valid=np.take_along_axis(valid, best, axis=1),
    )


def _beside(left: npt.NDArray[Scalar], right: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
    return np.concatenate([left, right], axis=1)
