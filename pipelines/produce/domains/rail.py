"""A synthetic railway day: the trains, then what is booked and given up."""

import importlib
from pathlib import Path

from pipelines.produce.domains import Records
from pipelines.produce.files import read_records

FILES = {
    "rail.trains.v1": ("trains", "rail.Train"),
    "rail.booking_requests.v1": ("booking_requests", "rail.BookingRequest"),
    "rail.cancellations.v1": ("cancellations", "rail.Cancellation"),
}


def make_records(number: int, seed: int, folder: Path) -> Records:
    """`number` booking requests, with their trains and cancellations."""
    generate = importlib.import_module("pipelines.seats.generate")
    settings = importlib.import_module("pipelines.seats.config").SyntheticSettings
    day = generate.write_day(folder, seed, settings(bookings=number))
    return {
        topic: read_records(day.folder / f"{name}.parquet", subject)
        for topic, (name, subject) in FILES.items()
    }
