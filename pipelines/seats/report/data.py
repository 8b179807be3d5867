"""What the page of a run shows; filled by `report_input.py`, drawn by the other files here."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from pipelines.core.report import Check
from pipelines.core.report_parts import RunPage


@dataclass(frozen=True)
class TrainPicture:
    """One class of one train, berth by berth and segment by segment.

    Attributes:
        train_id, service_date, travel_class: which one.
        stations: codes in order.
        berths: one row per place: coach_id, bay, berth_no, berth_type, place (FULL, A or B).
        journeys: place (row of `berths`), from_seq, to_seq, label, group, is_rac.
    """

    train_id: str
    service_date: str
    travel_class: str
    stations: Sequence[str]
    berths: pd.DataFrame
    journeys: pd.DataFrame

    @property
    def cells(self) -> int:
        """Cells of the picture: places times segments."""
        return len(self.berths) * (len(self.stations) - 1)


@dataclass(frozen=True)
class SeatsReport(RunPage):
    """Everything on the page.

    Attributes:
        statuses: passengers by quota, status and reason of the status.
        classes: rows of `rail.ClassMetrics` with segment sums.
        segments: mean demand, allocated and places by class and segment.
        picture: the fullest class, None without a chart.
        checks: the quality gate and the second counter.
        least_slice: smaller slices are not shown.
    """

    statuses: pd.DataFrame
    classes: pd.DataFrame
    segments: pd.DataFrame
    picture: TrainPicture | None
    least_slice: int
    checks: Sequence[Check] = field(default_factory=tuple)
