"""Captures for tests: builders of the nested column, simulated thumbs, planted iris codes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.dedup.captures import CaptureLimits, Templates, pack_captures

Minutia = tuple[int, int, int, int]  # x, y, angle, type (1 = bifurcation)
Codes = npt.NDArray[np.uint8]

FULL_MASK = b"\xff" * 256
_MINUTIA = pa.struct(
    [(name, pa.int32()) for name in ("x", "y", "angle")]
    + [("type", pa.string()), ("quality", pa.int32())]
)
COLUMN = pa.list_(
    pa.struct(
        [
            ("position", pa.string()),
            ("quality", pa.int32()),
            ("minutiae", pa.list_(_MINUTIA)),
            ("iris_code", pa.binary()),
            ("iris_mask", pa.binary()),
        ]
    )
)


def minutia(values: Sequence[int], quality: int = 50) -> dict[str, Any]:
    x, y, angle, kind = (int(v) for v in values)
    name = ("ENDING", "BIFURCATION")[kind]
    return {"x": x, "y": y, "angle": angle, "type": name, "quality": quality}


def finger(
    minutiae: Sequence[Sequence[int]], position: str = "RIGHT_THUMB", quality: int = 80
) -> dict[str, Any]:
    return {
        "position": position, "quality": quality, "minutiae": [minutia(m) for m in minutiae],
        "iris_code": None, "iris_mask": None,
    }  # fmt: skip


def iris(
    code: bytes | None, mask: bytes | None = FULL_MASK, position: str = "RIGHT_IRIS",
    quality: int = 80,
) -> dict[str, Any]:  # fmt: skip
    return {
        "position": position, "quality": quality, "minutiae": None,
        "iris_code": code, "iris_mask": mask,
    }  # fmt: skip


def column(records: Sequence[list[dict[str, Any]] | None]) -> pa.ListArray:
    return pa.array(records, type=COLUMN)


def templates(records: Sequence[list[dict[str, Any]] | None]) -> Templates:
    few = CaptureLimits(min_minutiae=1)
    return Templates.from_packed(pack_captures(column(records), few)[0])


def _draw_places(rng: np.random.Generator, count: int) -> npt.NDArray[np.float64]:
    """Places in the ellipse of a thumb; of `count` draws some miss it."""
    drawn = rng.uniform((-150, -200), (150, 200), (count, 2))
    return drawn[((drawn / (150, 200)) ** 2).sum(axis=1) <= 1]


def _place_minutiae(
    rng: np.random.Generator, places: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    count = len(places)
    return np.column_stack((places, rng.uniform(0, 360, count), rng.integers(0, 2, count)))


def make_thumb(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """A thumb as spec section 7 has it: x, y, angle, type of 30 to 46 minutiae."""
    wanted = int(rng.integers(30, 47))
    drawn = _draw_places(rng, 4 * wanted)
    wide, high = (np.subtract.outer(side, side) for side in drawn.T)
    is_apart = wide * wide + high * high >= 14**2
    places: list[int] = []
    is_free = np.ones(len(drawn), dtype=np.bool_)
    while len(places) < wanted and is_free.any():
        places.append(int(is_free.argmax()))
        is_free &= is_apart[places[-1]]
    return _place_minutiae(rng, drawn[places])


def recapture(rng: np.random.Generator, thumb: npt.NDArray[np.float64]) -> list[Minutia]:
    """What a capture shows of a thumb: some lost, some added, all moved, and turned as a whole."""
    shown = thumb[rng.random(len(thumb)) >= 0.12].copy()
    added = _draw_places(rng, 60)[: rng.binomial(len(thumb), 0.08)]
    shown = np.concatenate((shown, _place_minutiae(rng, added)))
    shown[:, :2] += rng.normal(0, 2, (len(shown), 2))
    shown[:, 2] += rng.normal(0, 6, len(shown))
    flipped = rng.random(len(shown)) < 0.05
    shown[flipped, 3] = 1 - shown[flipped, 3]
    turn = rng.normal(0, 7.5)
    cos, sin = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    shown[:, :2] = shown[:, :2] @ np.array([[cos, sin], [-sin, cos]])
    shown[:, 2] += turn
    whole = np.rint(shown).astype(int)
    return [(x + 400, y + 400, angle % 360, kind) for x, y, angle, kind in whole.tolist()]


def pack_bits(bits: Codes) -> list[bytes]:
    """Bits [eyes, 2048] as iris codes."""
    return [row.tobytes() for row in np.packbits(bits, axis=1, bitorder="little")]


def turn_bits(bits: Codes, columns: int) -> Codes:
    """Every ring of [eyes, 2048] moved by some columns."""
    return np.roll(bits.reshape(-1, 16, 128), columns, axis=2).reshape(-1, 2048)
