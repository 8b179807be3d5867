"""The job's lake: the shared one, and tables of which single days are replaced."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
from pyspark.sql import DataFrame, Observation

from pipelines.core.delta_tables import read_arrow
from pipelines.core.lake import Lake
from pipelines.core.lake_format import RUNS, TABLE_PROPERTIES, Written
from pipelines.core.lake_read import read_version
from pipelines.core.row_hash import MODULUS, join_sums, sum_hashes

DAYS = "credit_customer_day"
DAY_SOURCES = "credit_transaction_day"
APPLICATIONS = "credit_application"
TRADELINES = "credit_tradeline"
FEATURES = "credit_features"
SCORES = "credit_score"
SCORECARDS = "credit_scorecard"
QUARANTINE = "quarantine"

# Nobody reads single changes of these tables; without the feed a replaced day costs its rows only.
_PROPERTIES = TABLE_PROPERTIES | {"delta.enableChangeDataFeed": "false"}


@dataclass
class CreditLake(Lake):
    """A lake with tables partitioned by a date, of which single dates are replaced."""

    def read(self, table: str, version: int | None = None) -> DataFrame:
        """As `Lake.read`; a run reads tables so often that they are planned from their files."""
        wanted = self.published(table) if version is None else version
        if wanted is None or table == RUNS:
            return super().read(table, version)
        return read_version(self.session, self.place(table), wanted)

    def replace_days(
        self,
        table: str,
        df: DataFrame,
        column: str,
        days: Sequence[date],
        month: str | None = None,
    ) -> Written:
        """Replace the rows of some dates in one commit; files without them stay as they are.

        A table by month keeps a long history in few files: its first load makes a file a month,
        each later day a file of its own, and a rerun touches the file that holds the day.

        Args:
            table: a table partitioned by `column`, or by `month`; made if it is not there.
            df: the new rows of exactly those dates.
            column: date column.
            days: every date of `df`; the rows of a date without new rows are removed.
            month: column with the first day of the month, if that is the partition.
        """
        base = self.base(table)
        gone = 0
        if base is not None:
            if not days:
                return self.stage(table, base)
            old = self.read(table, base.version).where(days_condition(column, days, month))
            gone = self.digest(old)
        seen = Observation(f"digest of {table}")
        watched = df.observe(seen, *sum_hashes(self._hash(df)))
        # One task a partition makes one file of it; a single day is written as it comes.
        spread = watched.repartition(month or column) if len(days) > 1 else watched
        writer = spread.write.format("delta").options(**_PROPERTIES)
        writer = writer.partitionBy(month or column).mode("overwrite")
        if base is not None:
            writer = writer.option("replaceWhere", days_condition(column, days, month))
        writer.save(self.path(table))
        kept = base.digest if base else 0
        digest = (kept - gone + join_sums(seen.get)) % MODULUS
        return self.stage(table, Written(self.version(table), digest, is_new=True))

    def seen(self, table: str) -> int | None:
        """Version of a table that this run sees: what it wrote itself, else what is published."""
        found = self._staged.get(table)
        return found.version if found else self.published(table)

    def day_rows(self, table: str, version: int, day: date, columns: Sequence[str]) -> pa.Table:
        """Some columns of one business day of a table, on the driver, past Spark."""
        return read_arrow(self.place(table), version, columns, [f"as_of_date={day}"])

    def staged_or_published(self, table: str) -> DataFrame | None:
        """What this run sees of a table, None where there is none."""
        version = self.seen(table)
        return None if version is None else self.read(table, version)


def days_condition(column: str, days: Sequence[date], month: str | None) -> str:
    """`days_sql`, and the partitions by month that the dates are in."""
    listed = f"({days_sql(column, days)})"
    if month is None:
        return listed
    months = sorted({day.replace(day=1) for day in days})
    return f"{month} IN ({', '.join(f'DATE{str(first)!r}' for first in months)}) AND {listed}"


def days_sql(column: str, days: Sequence[date]) -> str:
    """A condition on literal dates, which prunes partitions; many dates become ranges."""
    ranges: list[list[date]] = []
    for day in sorted(days):
        if ranges and (day - ranges[-1][1]).days == 1:
            ranges[-1][1] = day
        else:
            ranges.append([day, day])
    # Delta's replaceWhere cannot analyse BETWEEN on a partition column.
    parts = [f"{column} >= DATE'{first}' AND {column} <= DATE'{last}'" for first, last in ranges]
    return " OR ".join(f"({part})" for part in parts)
