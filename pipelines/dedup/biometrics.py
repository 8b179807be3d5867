"""Compile every kernel of the biometric comparison ahead of time.

Numba compiles on first use and keeps the result beside the source. A driver that calls `warm` once
before its workers start lets them all load it instead of compiling it each.
"""

import numpy as np
import pyarrow as pa

from pipelines.dedup.captures import Templates, pack_captures
from pipelines.dedup.finger_keys import FingerKeySettings, finger_keys
from pipelines.dedup.fingers import compare_fingers
from pipelines.dedup.iris_keys import iris_keys
from pipelines.dedup.irises import compare_irises
from pipelines.dedup.templates import EYES, IRIS_BYTES, MINUTIA_TYPES, POSITIONS

_THUMB = 0
_SIDE = 4


def warm() -> None:
    """Run each kernel once on one record with a thumb and an iris."""
    templates = Templates.from_packed(pack_captures(_sample_captures())[0])
    row = np.zeros(1, dtype=np.int64)
    compare_fingers(templates, templates, row, row, (_THUMB,))
    compare_irises(templates, templates, row, row)
    iris_keys(templates, 0)
    for keys in (0, 1):
        finger_keys(templates, 0, FingerKeySettings(keys=keys))


def _sample_captures() -> pa.ListArray:
    """One record: a grid of minutiae and an iris code of alternating bits."""
    minutiae = [
        {"x": 20 * (i % _SIDE), "y": 20 * (i // _SIDE), "angle": i, "type": MINUTIA_TYPES[i % 2]}
        for i in range(_SIDE**2)
    ]
    thumb = {"position": POSITIONS[_THUMB], "minutiae": [{**m, "quality": 100} for m in minutiae]}
    iris = {
        "position": POSITIONS[EYES[0]],
        "minutiae": [],
        "iris_code": bytes([0x55]) * IRIS_BYTES,
        "iris_mask": bytes([0xFF]) * IRIS_BYTES,
    }
    return pa.array([[{**capture, "quality": 100} for capture in (thumb, iris)]])
