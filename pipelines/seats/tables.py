"""Load: the tables of a day in Delta, verified, then published together by the row of `runs`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.core.contracts import conform, spark_schema
from pipelines.core.delta_files import Part, drop_parts, table_schema, write_part
from pipelines.core.delta_tables import Place, data_files, read_arrow
from pipelines.core.lake import Lake
from pipelines.core.lake_arrow import publish_run, replace_partitions
from pipelines.core.lake_format import TABLE_PROPERTIES, Mode
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

    def _commit(self, table: str, df: DataFrame, mode: Mode) -> None:
        if mode != "replace" or DAY not in df.columns:
            super()._commit(table, df, mode)
            return
        writer = df.write.format("delta").options(**TABLE_PROPERTIES).partitionBy(DAY)
        if self.exists(table):
            days = ", ".join(f"DATE'{day}'" for day in self.days)
            writer = writer.option("replaceWhere", f"{DAY} IN ({days})")
        writer.mode("overwrite").save(self.path(table))

    def staged_files(self, table: str) -> list[str]:
        """Files of this run's dates, published or not, inside the table's folder."""
        return data_files(self.place(table), self.version(table), self._folders())

    def staged_rows(self, table: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Rows of `staged` on this machine, past the JVM; for small tables."""
        return read_arrow(self.place(table), self.version(table), columns, self._folders())

    def _folders(self) -> list[str]:
        return [f"{DAY}={day.isoformat()}" for day in self.days]

    def staged(self, table: str) -> DataFrame:
        """Rows of this run's dates, published or not."""
        return self.read(table, self.version(table)).where(F.col(DAY).isin(list(self.days)))


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
        days = pc.unique(rows[DAY]).to_pylist()
        parts = []
        for day in days:
            chosen = rows if len(days) == 1 else rows.filter(pc.equal(rows[DAY], day))
            part = write_part(
                chosen.combine_chunks().to_batches(), self.places[kind], self.schemas[kind],
                self.skip, {"run_id": self.run_id}, {DAY: day.isoformat()},
            )  # fmt: skip
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
    days = {DAY: [day.isoformat() for day in lake.days]}
    for table, (kind, contract) in CONTRACTS.items():
        replace_partitions(lake, table, parts[kind], spark_schema(contract), days)


def drop_files(parts: Mapping[str, Sequence[Part]], lake: DayLake) -> None:
    """Remove files that will not be committed."""
    for table, (kind, _) in CONTRACTS.items():
        drop_parts(lake.place(table), parts[kind])


def quarantine_frame(rows: pa.Table, lake: DayLake, dataset: str, run_id: str) -> DataFrame:
    """Records set aside: token and reason."""
    frame = lake.session.createDataFrame(rows).withColumns(
        {
            "run_id": F.lit(run_id),
            "dataset": F.lit(dataset),
            "location": F.lit(None).cast("string"),
        }
    )
    return conform(frame, "ops.QuarantinedRecord")


def publish(lake: Lake, summary: RunSummary) -> None:
    """Append the row of `runs` that makes the staged tables visible, if any of them changed."""
    publish_run(lake, summary, spark_schema("rail.AllocationRun"))
