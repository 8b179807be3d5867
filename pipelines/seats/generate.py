"""A seeded synthetic railway day: `synthetic[:N]`. Equal arguments give equal bytes.

    python -m pipelines.seats.generate --bookings 100000 --out DIR

Nobody here is real, and no PNR exists: the trains, the demand and the spoilt records are drawn.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.core.cli import main_guard
from pipelines.seats.codes import QUOTAS
from pipelines.seats.config import SeatsConfig, SyntheticSettings
from pipelines.seats.synthetic.demand import Demand, draw_demand, passenger_column
from pipelines.seats.synthetic.faults import spoil_requests
from pipelines.seats.synthetic.trains import FLEET, Route, make_trains
from pipelines.seats.times import rule_set_on

DAY = date(2026, 3, 15)
MS = pa.timestamp("ms", "UTC")
SOURCE = "synthetic"


@dataclass(frozen=True)
class SyntheticDay:
    """Files of a day: trains, booking_requests, cancellations."""

    folder: Path
    trains: int
    requests: int
    cancellations: int


def write_day(
    folder: Path, seed: int, settings: SyntheticSettings, config: SeatsConfig | None = None
) -> SyntheticDay:
    """Write the three Parquet files of a day.

    Args:
        folder: made when absent.
        seed: 0 or more.
        settings: sizes and shares.
        config: the rules in force.
    """
    rules = (config or SeatsConfig()).rules
    rng = np.random.Generator(np.random.Philox(seed))
    name = rule_set_on(DAY, list(rules.rule_sets))
    trains, routes = make_trains(
        rng, settings.trains, settings.stops, DAY, (name, rules.rule_sets[name])
    )
    departs = np.array([train["departs_at"] for train in trains], dtype=np.int64)
    demand = draw_demand(rng, routes, departs, DAY, settings)
    requests = request_table(rng, demand, routes)
    cancellations = cancellation_table(rng, demand, requests, departs, settings)
    requests = spoil_requests(rng, requests, settings.fault_share)
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(_train_table(trains), folder / "trains.parquet")
    pq.write_table(requests, folder / "booking_requests.parquet", row_group_size=100_000)
    pq.write_table(cancellations, folder / "cancellations.parquet", row_group_size=100_000)
    return SyntheticDay(folder, len(trains), requests.num_rows, cancellations.num_rows)


def _train_schema() -> pa.Schema:
    """Columns of `rail.Train` without the envelope; struct fields keep the order given here."""

    def rows_of(*fields: tuple[str, pa.DataType]) -> pa.DataType:
        return pa.list_(pa.struct(list(fields)))

    number, text = pa.int32(), pa.string()
    berth = rows_of(("berth_no", number), ("berth_type", text), ("bay", number))
    return pa.schema(
        [
            ("train_id", text),
            ("service_date", pa.date32()),
            ("train_class", text),
            (
                "stations",
                rows_of(("station_code", text), ("departs_at", MS), ("distance_km", number)),
            ),
            ("coaches", rows_of(("coach_id", text), ("travel_class", text), ("berths", berth))),
            ("quotas", rows_of(("travel_class", text), ("quota", text), ("berths", number))),
            (
                "rac_berths",
                rows_of(
                    ("travel_class", text), ("coach_id", text), ("berth_nos", pa.list_(number))
                ),
            ),
            ("departs_at", MS),
            ("rule_set", text),
        ]
    )


def _train_table(trains: list[dict[str, object]]) -> pa.Table:
    ids = pa.array([f"{train['train_id']}/{train['service_date']}" for train in trains])
    table = pa.Table.from_pylist(trains, schema=_train_schema())
    return table.add_column(0, "event_id", ids).add_column(1, "event_time", table["departs_at"])


def _envelope(ids: pa.Array, at: pa.Array) -> dict[str, pa.Array]:
    count = len(ids)
    return {
        "event_id": ids,
        "event_time": at,
        "ingest_time": pa.nulls(count, MS),
        "source": pa.repeat(SOURCE, count),
        "schema_version": pa.repeat(pa.scalar(1, pa.int32()), count),
        "region": pa.repeat("UNKNOWN", count),
        "priority": pa.repeat(pa.scalar(5, pa.int32()), count),
    }


def _ids(prefix: str, numbers: npt.NDArray[np.int64]) -> pa.Array:
    digits = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), 9, "0")
    return pc.binary_join_element_wise(prefix, digits, "")


def request_table(rng: np.random.Generator, demand: Demand, routes: Sequence[Route]) -> pa.Table:
    """Rows of `rail.BookingRequest`."""
    count = len(demand.train)
    numbers = rng.permutation(count)
    ids = _ids("R", numbers)
    stations = pa.array([code for route in routes for code in route.stations])
    width = len(routes[0].stations)
    at = pa.array(demand.booked_at).cast(MS)
    names = pa.array([name for name, _ in FLEET])
    return pa.table(
        {
            **_envelope(ids, at),
            "request_id": ids,
            "pnr": _ids("P", rng.permutation(count)),
            "train_id": pa.array(demand.train + 12001).cast(pa.string()),
            "service_date": pa.repeat(pa.scalar(DAY, pa.date32()), count),
            "travel_class": names.take(pa.array(demand.travel_class)),
            "from_station": stations.take(pa.array(demand.train * width + demand.start)),
            "to_station": stations.take(pa.array(demand.train * width + demand.stop)),
            "quota": pa.array(QUOTAS).take(pa.array(demand.quota)),
            "booked_at": at,
            "passengers": passenger_column(demand),
        }
    )


def cancellation_table(
    rng: np.random.Generator, demand: Demand, requests: pa.Table,
    departs: npt.NDArray[np.int64], settings: SyntheticSettings,
) -> pa.Table:  # fmt: skip
    """Rows of `rail.Cancellation`: some bookings given up, half of them in part."""
    count = round(settings.cancelled_share * len(demand.train))
    rows = np.sort(rng.choice(len(demand.train), count, replace=False))
    last = departs[demand.train[rows]] - 8 * 3_600_000
    booked = demand.booked_at[rows]
    moments = booked + 1 + ((last - booked - 2) * rng.random(count)).astype(np.int64)
    is_part = (rng.random(count) < 0.5) & (demand.sizes[rows] > 1)
    who = 1 + (rng.random(count) * demand.sizes[rows]).astype(np.int32)
    offsets = pa.array(np.append(0, np.cumsum(is_part)).astype(np.int32))
    given = requests.take(pa.array(rows))
    ids = _ids("C", rng.permutation(count))
    at = pa.array(moments).cast(MS)
    return pa.table(
        {
            **_envelope(ids, at),
            "cancellation_id": ids,
            "pnr": given["pnr"],
            "passenger_nos": pa.ListArray.from_arrays(offsets, pa.array(who[is_part])),
            "cancelled_at": at,
            **{name: given[name] for name in ("train_id", "service_date", "travel_class")},
        }
    )


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Write a synthetic railway day.")
    defaults = SyntheticSettings()
    parser.add_argument("--bookings", type=int, default=defaults.bookings, help="requests")
    parser.add_argument("--trains", type=int, default=defaults.trains, help="trains")
    parser.add_argument("--seed", type=int, default=7, help="equal seed, equal bytes")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    given = parser.parse_args(arguments)
    settings = SyntheticSettings(bookings=given.bookings, trains=given.trains)

    def write() -> None:
        made = write_day(given.out, given.seed, settings)
        print(f"{made.requests} requests and {made.cancellations} cancellations in {made.folder}")

    return main_guard(write)


if __name__ == "__main__":
    sys.exit(main())
