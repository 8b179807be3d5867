"""Agreement levels of the captures of record pairs."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.dedup.config import CaptureSettings
from pipelines.dedup.fingers import FingerSettings, compare_fingers
from pipelines.dedup.irises import IrisSettings, compare_irises
from pipelines.dedup.templates import EYES, POSITIONS, Templates

I8 = npt.NDArray[np.int8]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CaptureComparison:
    """Which capture positions are compared, and how."""

    positions: tuple[str, ...]
    settings: CaptureSettings

    def levels(self, templates: Templates, left: I64, right: I64) -> I8:
        """Levels of row pairs, [pairs, positions]; -1 where missing or uninformative."""
        numbers = [POSITIONS.index(position) for position in self.positions]
        fingers = [number for number in numbers if number not in EYES]
        eyes = [number for number in numbers if number in EYES]
        settings = self.settings
        of_eyes, _ = compare_irises(
            templates, templates, left, right,
            IrisSettings(cuts=settings.iris_levels, informative=settings.informative), eyes,
        )  # fmt: skip
        of_fingers, _ = compare_fingers(
            templates, templates, left, right, fingers,
            FingerSettings(
                settings.tolerance_px, settings.tolerance_degrees, settings.finger_levels,
                settings.informative, settings.finger_levels[0],
            ),
        )  # fmt: skip
        column = {number: of_eyes[:, i] for i, number in enumerate(eyes)}
        column |= {number: of_fingers[:, i] for i, number in enumerate(fingers)}
        return np.column_stack([column[number] for number in numbers])

    def quality(self, templates: Templates, left: I64, right: I64) -> I8:
        """Smaller quality of both sides, [pairs, positions]; -1 where either is absent."""
        numbers = [POSITIONS.index(position) for position in self.positions]
        return np.minimum(templates.quality[left][:, numbers], templates.quality[right][:, numbers])
