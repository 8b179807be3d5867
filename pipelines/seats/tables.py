"""Load: the tables of a day in Delta, verified, then published together by the row of `runs`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.core.contracts import conform, spark_schema
from pipelines.core.lake import Lake
from pipelines.core.lake_format import TABLE_PROPERTIES, Mode
from pipelines.core.summary import RunSummary
from pipelines.seats.execution import unpack_table

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

    def staged(self, table: str) -> DataFrame:
        """Rows of this run's dates, published or not."""
        return self.read(table, self.version(table)).where(F.col(DAY).isin(list(self.days)))


def stage_tables(parcels: DataFrame, lake: DayLake, run_id: str) -> None:
    """Write the result tables; no reader sees them before the row of `runs`."""
    for table, (kind, contract) in CONTRACTS.items():
        lake.write(table, result_frame(parcels, kind, contract, run_id))


def result_frame(parcels: DataFrame, kind: str, contract: str, run_id: str) -> DataFrame:
    """One kind of result as a frame of its contract."""
    schema = spark_schema(contract)
    columns = ", ".join(
        f"`{one.name}` {one.dataType.simpleString()}" for one in schema if one.name != "run_id"
    )
    rows = unpack_table(parcels, kind, columns).withColumn("run_id", F.lit(run_id))
    return conform(rows, contract)


def quarantine_frame(parcels: DataFrame, dataset: str, run_id: str) -> DataFrame:
    """Records set aside: token and reason."""
    rows = unpack_table(parcels, "quarantine", "reason string, record_token string")
    rows = rows.withColumns(
        {
            "run_id": F.lit(run_id),
            "dataset": F.lit(dataset),
            "location": F.lit(None).cast("string"),
        }
    )
    return conform(rows, "ops.QuarantinedRecord")


def publish(lake: Lake, summary: RunSummary) -> None:
    """Append the row of `runs` that makes the staged tables visible, if any of them changed."""
    summary.tables = lake.publish(partial(runs_row, lake, summary))


def runs_row(
    lake: Lake, summary: RunSummary, versions: Mapping[str, int], digests: Mapping[str, str]
) -> DataFrame:
    """The row that publishes a run."""
    row = {
        "run_id": summary.run_id,
        "started_at": datetime.now(UTC),
        "as_of": summary.as_of,
        "config_hash": summary.config_hash,
        "inputs": {name: str(value) for name, value in summary.inputs.items()},
        "counts": summary.counts,
        "metrics": {n: float(v) for n, v in summary.metrics.items() if v is not None},
        "table_versions": dict(versions),
        "table_digests": dict(digests),
    }
    return lake.session.createDataFrame([row], spark_schema("rail.AllocationRun"))
