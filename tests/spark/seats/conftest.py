"""Whole runs that several tests look at, each made once a session."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from pipelines.core.delta_tables import Place, read_arrow, version_of
from pipelines.core.runlog import RunLog
from pipelines.core.summary import RunSummary
from pipelines.seats.config import SeatsConfig, SyntheticSettings
from pipelines.seats.generate import DAY, SyntheticDay, write_day
from pipelines.seats.pipeline import run
from pipelines.seats.request import Request

SMALL = SyntheticSettings(bookings=1500, trains=5, fault_share=0.008, cancelled_share=0.1)


@dataclass
class Finished:
    """A run and where it left its tables."""

    summary: RunSummary
    lake: Path
    report: Path
    session: SparkSession

    def table(self, name: str) -> pd.DataFrame:
        """Rows of a table as published."""
        place = Place(str(self.lake / f"{name}_v1"))
        version = version_of(place)
        assert version is not None, f"there is no table {name}"
        return read_arrow(place, version).to_pandas(maps_as_pydicts="strict")

    def digests(self) -> dict[str, str]:
        return {name: one["digest"] for name, one in self.summary.tables.items()}


Allot = Callable[..., Finished]


@pytest.fixture(scope="session")
def allot(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Allot:
    """Run the job: `allot(input, config={}, report=False, lake=None, **request)`."""

    def start(
        name: str,
        config: dict[str, Any] | None = None,
        report: bool = False,
        lake: Path | None = None,
        **rest: Any,
    ) -> Finished:
        folder = tmp_path_factory.mktemp("run")
        lake = lake or folder / "lake"
        request = Request(name, str(lake), report=folder if report else None, **rest)
        log = RunLog("seat_allocation", "", DAY, stream=StringIO())
        settings = {"max_reject_share": 0.2, "numbering_variants": 2, **(config or {})}
        summary = run(spark, SeatsConfig.model_validate(settings), request, log)
        return Finished(summary, lake, folder, spark)

    return start


@pytest.fixture(scope="session")
def day(tmp_path_factory: pytest.TempPathFactory) -> SyntheticDay:
    """Files of a small day with faults."""
    return write_day(tmp_path_factory.mktemp("day"), 3, SMALL)


@pytest.fixture(scope="session")
def small(allot: Allot, day: SyntheticDay) -> Finished:
    """The small day, allotted."""
    return allot(str(day.folder), report=True)


@pytest.fixture(scope="session")
def as_of() -> date:
    return DAY
