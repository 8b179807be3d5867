"""What the page of a run shows; filled by `report_input.py`, drawn by the other files here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from pipelines.core.report import Check


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
class SeatsReport:
    """Everything on the page.

    Attributes:
        run_id, as_of, source: which run.
        metrics, counts, reasons, seconds, config, manifest: as in `run.json`.
        statuses: passengers by quota, status and reason of the status.
        classes: rows of `rail.ClassMetrics` with segment sums.
        segments: mean demand, allocated and places by class and segment.
        picture: the fullest class, None without a chart.
        checks: the quality gate and the second counter.
        least_slice: smaller slices are not shown.
    """

    run_id: str
    as_of: str
    source: str
    metrics: Mapping[str, float | int | None]
    counts: Mapping[str, int]
    reasons: Mapping[str, int]
    seconds: Mapping[str, float]
    config: Mapping[str, Any]
    manifest: Mapping[str, Any]
    statuses: pd.DataFrame
    classes: pd.DataFrame
    segments: pd.DataFrame
    picture: TrainPicture | None
    least_slice: int
    checks: Sequence[Check] = field(default_factory=tuple)
