"""Load: the tables of a day in Delta, verified, then published together by the row of `runs`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import types as T

from pipelines.core.contracts import spark_schema
from pipelines.core.delta_files import Constants, Part, drop_parts, table_schema, write_part
from pipelines.core.delta_tables import Place, data_files, read_arrow
from pipelines.core.lake import Lake
from pipelines.core.lake_arrow import publish_run, replace_partitions, write_rows
from pipelines.core.lake_format import Mode
from pipelines.core.summary import RunSummary

CONTRACTS = {
    "rail_allocation": ("allocation", "rail.Allocation"),
    "rail_chart": ("chart", "rail.ChartEntry"),
    "rail_segment_metrics": ("segments", "rail.SegmentMetrics"),
    "rail_class_metrics": ("classes", "rail.ClassMetrics"),
}
DAY = "service_date"


@dataclass
class DayLake(Lake):
    """A lake whose rail tables are partitioned by service date; a run replaces its own dates.

    Attributes:
        days: dates of this run.
    """

    days: tuple[date, ...] = ()

    @property
    def replaced(self) -> dict[str, list[str]]:
        """The partitions of a rail table that this run replaces."""
        return {DAY: [day.isoformat() for day in self.days]}

    def replace_days(self, table: str, rows: pa.Table, schema: T.StructType) -> None:
        """Make rows that the driver holds the content of this run's dates."""
        parts = write_days(rows, self.place(table), table_schema(schema), self.volatile, {})
        replace_partitions(self, table, parts, schema, self.replaced)

    def staged_files(self, table: str) -> list[str]:
        """Files of this run's dates, published or not, inside the table's folder."""
        return data_files(self.place(table), self.version(table), self._folders())

    def staged_rows(
        self, table: str, columns: Sequence[str] | None = None, where: pc.Expression | None = None
    ) -> pa.Table:
        """Rows of this run's dates, published or not, on this machine, past the JVM."""
        place, version = self.place(table), self.version(table)
        return read_arrow(place, version, columns, self._folders(), where)

    def _folders(self) -> list[str]:
        return [f"{DAY}={day}" for day in self.replaced[DAY]]


@dataclass(frozen=True)
class TaskFiles:
    """Where and how a task writes its rows; travels with the code.

    The files belong to no table before the driver commits their names, so a task that runs twice
    leaves a file that nobody reads.

    Attributes:
        places: folder of the table, by kind of result.
        schemas: columns of the table, by kind of result.
        run_id: stamped on every row.
        skip: columns that stay out of the digest.
    """

    places: Mapping[str, Place]
    schemas: Mapping[str, pa.Schema]
    run_id: str
    skip: tuple[str, ...]

    def write(self, kind: str, rows: pa.Table) -> list[Part]:
        """Write rows as one file per service date."""
        place, schema = self.places[kind], self.schemas[kind]
        return write_days(rows, place, schema, self.skip, {"run_id": self.run_id})


def write_days(
    rows: pa.Table, place: Place, schema: pa.Schema, skip: Sequence[str], constants: Constants
) -> list[Part]:
    """Write rows as one file per service date, see `write_part`."""
    days = pc.unique(rows[DAY]).to_pylist()
    parts = []
    for day in days:
        chosen = rows if len(days) == 1 else rows.filter(pc.equal(rows[DAY], day))
        batches = chosen.combine_chunks().to_batches()
        part = write_part(batches, place, schema, skip, constants, {DAY: day.isoformat()})
        parts += [] if part is None else [part]
    return parts


def task_files(lake: DayLake, run_id: str) -> TaskFiles:
    """Files of the result tables of a run."""
    named = CONTRACTS.items()
    return TaskFiles(
        {kind: task_place(lake.place(table)) for table, (kind, _) in named},
        {kind: table_schema(spark_schema(contract)) for _, (kind, contract) in named},
        run_id, lake.volatile,
    )  # fmt: skip


def task_place(place: Place) -> Place:
    """A place as an executor finds it, whose working folder is another."""
    if "://" in place.folder:
        return place
    return Place(str(Path(place.folder).absolute()), place.store)


def stage_tables(parts: Mapping[str, Sequence[Part]], lake: DayLake) -> None:
    """Commit the files of the result tables; no reader sees them before the row of `runs`."""
    for table, (kind, contract) in CONTRACTS.items():
        replace_partitions(lake, table, parts[kind], spark_schema(contract), lake.replaced)


def drop_files(parts: Mapping[str, Sequence[Part]], lake: DayLake) -> None:
    """Remove files that will not be committed."""
    for table, (kind, _) in CONTRACTS.items():
        drop_parts(lake.place(table), parts[kind])


def write_quarantine(
    lake: Lake, rows: pa.Table, dataset: str, run_id: str, mode: Mode = "replace"
) -> None:
    """Keep records set aside: their reason, and their token or their location."""
    schema = spark_schema("ops.QuarantinedRecord")
    told: Constants = {"run_id": run_id, "dataset": dataset}
    unknown = dict.fromkeys({"record_token", "location"} - set(rows.column_names))
    write_rows(lake, "quarantine", rows, schema, mode, {**told, **unknown})


def publish(lake: Lake, summary: RunSummary) -> None:
    """Append the row of `runs` that makes the staged tables visible, if any of them changed."""
    publish_run(lake, summary, spark_schema("rail.AllocationRun"))
