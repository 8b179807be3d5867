"""One business day of a bank: the inputs that `make bench-credit` times the job on.

A population with two years of transactions is aggregated and a scorecard trained once, outside the
clock. The day itself brings new transactions and many applications of those customers.
"""

import subprocess
import sys
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from pipelines.credit.config import CreditConfig
from pipelines.credit.generate import AS_OF, write_population

ROOT = Path(__file__).resolve().parents[1]
DAY = AS_OF + timedelta(days=1)
"""The day that is timed; its newest complete day is `AS_OF`."""


@dataclass(frozen=True)
class BusinessDay:
    """A lake that knows the customers and holds a scorecard, and what the day brings.

    Attributes:
        lake: root of the tables; a timed run works on a copy.
        day: folder with `applications` and `transactions` of the day.
        applications, transactions: rows of the day.
    """

    lake: Path
    day: Path
    applications: int
    transactions: int


def make_day(folder: Path, customers: int, applications: int) -> BusinessDay:
    """Make lake and day, or take those that are there."""
    place = folder / f"credit-day-{customers}-{applications}"
    lake, day = place / "lake", place / "day"
    population = write_population(customers, place / "population", CreditConfig())
    if not (place / "done").exists():
        _train(population, lake)
        _write(day / "applications", _applications(population, applications))
        _write(day / "transactions", _new_transactions(population))
        (place / "done").touch()
    rows = [ds.dataset(day / name).count_rows() for name in ("applications", "transactions")]
    return BusinessDay(lake, day, *rows)


def command(made: BusinessDay, lake: Path, report: Path) -> list[str]:
    """What is timed: score the applications of the day, and report."""
    return [
        sys.executable, str(ROOT / "jobs" / "credit_score.py"), "score", "--input", str(made.day),
        "--as-of", DAY.isoformat(), "--lake", str(lake), "--report", str(report),
    ]  # fmt: skip


def _train(population: Path, lake: Path) -> None:
    told = subprocess.run(
        [sys.executable, str(ROOT / "jobs" / "credit_score.py"), "train", "--input",
         str(population), "--as-of", AS_OF.isoformat(), "--lake", str(lake)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if told.returncode:
        raise RuntimeError(f"training the scorecard of the day failed: {told.stdout[-500:]}")


def _applications(population: Path, rows: int) -> pa.Table:
    """Applications of the day: the population's own, with new ids, until there are enough."""
    given = ds.dataset(population / "applications").to_table()
    place = np.resize(np.arange(given.num_rows), rows)
    moved = given.take(pa.array(place))
    ids = pc.binary_join_element_wise(
        moved["application_id"], pc.cast(pa.array(np.arange(rows)), pa.string()), "-"
    )
    since = pc.if_else(pc.less(moved["customer_since_date"], DAY), moved["customer_since_date"],
                       pa.scalar(None, pa.date32()))  # fmt: skip
    applied = pa.repeat(pa.scalar(_noon(AS_OF), pa.timestamp("us", tz="UTC")), rows)
    for name, column in (("application_id", ids), ("event_id", ids), ("applied_at", applied),
                         ("event_time", applied), ("customer_since_date", since)):  # fmt: skip
        moved = moved.set_column(moved.column_names.index(name), name, column)
    return moved


def _new_transactions(population: Path) -> pa.Table:
    """Transactions of the newest complete day: those of the day before again, with new ids."""
    before = AS_OF - timedelta(days=1)
    given = ds.dataset(population / "transactions").to_table(
        filter=ds.field("transaction_date") == before
    )
    ids = pc.binary_join_element_wise(given["transaction_id"], "new", "-")
    dated = pa.repeat(pa.scalar(AS_OF), given.num_rows)
    booked = pc.add(given["booked_at"], pa.scalar(timedelta(days=1), pa.duration("us")))
    for name, column in (("transaction_id", ids), ("event_id", ids), ("transaction_date", dated),
                         ("booked_at", booked), ("event_time", booked)):  # fmt: skip
        given = given.set_column(given.column_names.index(name), name, column)
    return given


def _noon(day: date) -> int:
    """Microseconds since 1970 of the middle of a UTC day."""
    return ((day - date(1970, 1, 1)).days * 24 + 12) * 3_600_000_000


def _write(folder: Path, table: pa.Table) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, folder / "part-0.parquet")
