"""Inputs of the job: a synthetic day, or tables of trains, booking requests and cancellations."""

import hashlib
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.core.contracts import conform, spark_schema
from pipelines.core.errors import ConfigError
from pipelines.core.lake import Lake
from pipelines.core.lake_read import read_version
from pipelines.core.spark import READ_ERRORS, read_failure
from pipelines.seats.config import SeatsConfig

TRAINS, REQUESTS, CANCELLATIONS = "trains", "booking_requests", "cancellations"
_SYNTHETIC = re.compile(r"synthetic(?::(\d+))?")
_FORMATS = (".parquet", ".avro", ".jsonl")


@dataclass(frozen=True)
class Source:
    """An opened input.

    Attributes:
        name: what the user asked for.
        trains: rows of `rail.Train` on the driver.
        requests: rows of `rail.BookingRequest`.
        cancellations: rows of `rail.Cancellation`.
        is_public: synthetic data, whose tokens may be equal everywhere.
        digest: identity of the input's content, for the run id.
        ledger: events of the intake instead of requests and cancellations.
        dead: messages of topics that became dead letters.
        reached: how far the topics were read, for the `runs` row of an intake.
    """

    name: str
    trains: pa.Table
    requests: DataFrame
    cancellations: DataFrame
    is_public: bool
    digest: str
    ledger: DataFrame | None = None
    dead: int = 0
    reached: Mapping[str, str] = field(default_factory=dict)


def open_source(
    session: SparkSession, name: str, config: SeatsConfig, lake: str, *,
    is_intake: bool = False, is_dry_run: bool = False,
) -> Source:  # fmt: skip
    """Open an input by name or path; `ledger` is what the intake of this lake has sold.

    Raises:
        ConfigError: no such input, or a table of it is missing or cannot be read.
        DependencyError: Kafka does not answer, or lacks a topic.
    """
    if name == "ledger":
        return open_ledger(session, lake)
    if name.startswith("kafka://"):
        intake = Lake(session, lake) if is_intake else None
        return open_topics(session, name, intake, is_dry_run=is_dry_run)
    if match := _SYNTHETIC.fullmatch(name):
        return _open_synthetic(session, name, match[1], config)
    if name.startswith("synthetic"):
        raise ConfigError(f"--input {name}: give synthetic or synthetic:N, N the bookings")
    return open_folder(session, name, is_public=False)


def open_ledger(session: SparkSession, lake_root: str) -> Source:
    """The trains and events that the intake has kept, as an input.

    Raises:
        ConfigError: the lake has no ledger.
    """
    lake = Lake(session, lake_root)
    version = lake.published("rail_ledger")
    if version is None:
        raise ConfigError(f"--input ledger: the lake {lake_root} has none; run --intake first")
    nothing = session.createDataFrame([], spark_schema("rail.BookingRequest"))
    sold = read_version(session, lake.place("rail_ledger"), version)
    return Source(
        "ledger", lake.arrow("rail_trains"), nothing, nothing, is_public=False,
        digest=f"ledger-{version}", ledger=sold,
    )  # fmt: skip


def open_topics(
    session: SparkSession, name: str, intake: Lake | None, *, is_dry_run: bool
) -> Source:
    """The railway's topics; for an intake only what it has not read yet."""
    from pipelines.seats.topics import read_topics  # no other input needs Kafka's client

    read = read_topics(session, name, intake, is_dry_run=is_dry_run)
    return Source(
        name, read.trains.toArrow(), read.requests, read.cancellations, is_public=False,
        digest=read.digest, dead=read.dead, reached=read.reached,
    )  # fmt: skip


def _open_synthetic(
    session: SparkSession, name: str, bookings: str | None, config: SeatsConfig
) -> Source:
    from pipelines.seats.generate import write_day

    settings = config.synthetic
    if bookings:
        settings = settings.model_copy(update={"bookings": int(bookings)})
    text = settings.model_dump_json() + config.rules.model_dump_json()
    digest = hashlib.sha256(f"{config.seed}/{text}".encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / "sangam" / f"railway-day-{digest}"
    write_day(folder, config.seed, settings, config)
    opened = open_folder(session, str(folder), is_public=True)
    return Source(
        name, opened.trains, opened.requests, opened.cancellations, is_public=True, digest=digest
    )


def open_folder(session: SparkSession, name: str, *, is_public: bool) -> Source:
    """Open a folder with the three tables; cancellations may be absent.

    Raises:
        ConfigError: the folder or a table is missing or of no known format.
    """
    if "://" not in name and not Path(name).is_dir():
        raise ConfigError(
            f"--input {name}: no such folder; it must hold {TRAINS}, {REQUESTS} and maybe"
            f" {CANCELLATIONS}, as Parquet, Avro, JSON lines or Delta"
        )
    trains = read_table(session, name, TRAINS, "rail.Train")
    requests = read_table(session, name, REQUESTS, "rail.BookingRequest")
    cancellations = read_table(session, name, CANCELLATIONS, "rail.Cancellation", optional=True)
    files = sorted({*requests.inputFiles(), *cancellations.inputFiles(), *trains.inputFiles()})
    digest = hashlib.sha256("\n".join([name, *files]).encode()).hexdigest()[:16]
    return Source(name, trains.toArrow(), requests, cancellations, is_public, digest)


def read_table(
    session: SparkSession, folder: str, table: str, contract: str, *, optional: bool = False
) -> DataFrame:
    """One table of a folder, held to its contract; an absent envelope is filled in.

    Raises:
        ConfigError: it is not there or cannot be read.
        ContractError: a column is missing or has another type.
    """
    path = _find(folder, table)
    if path is None:
        if optional:
            return session.createDataFrame([], spark_schema(contract))
        raise ConfigError(
            f"--input {folder}: there is no table {table}; looked for"
            f" {table}{', '.join(_FORMATS)} and a folder {table}"
        )
    try:
        frame = _read(session, path, contract)
    except READ_ERRORS as error:
        raise ConfigError(f"--input {path}: cannot be read: {read_failure(error)}") from None
    return conform(_with_envelope(frame, contract), contract)


def _find(folder: str, table: str) -> str | None:
    if "://" in folder:
        return f"{folder.rstrip('/')}/{table}"
    found = [Path(folder, table), *(Path(folder, table + suffix) for suffix in _FORMATS)]
    return next((str(path) for path in found if path.exists()), None)


def _read(session: SparkSession, path: str, contract: str) -> DataFrame:
    names = [path] if Path(path).suffix else [file.name for file in Path(path).glob("*")]
    if any(name.endswith(".avro") for name in names):
        return session.read.format("avro").load(path)
    if any(name.endswith((".jsonl", ".json")) for name in names):
        return session.read.schema(spark_schema(contract)).json(path)
    if "_delta_log" in names or "://" in path:
        return session.read.format("delta").load(path)
    return session.read.parquet(path)


_MOMENTS = {
    "rail.Train": ("train_id", "departs_at"),
    "rail.BookingRequest": ("request_id", "booked_at"),
    "rail.Cancellation": ("cancellation_id", "cancelled_at"),
}


def _with_envelope(frame: DataFrame, contract: str) -> DataFrame:
    """Tables by hand have no envelope: it follows from the id and the moment."""
    id_column, moment = _MOMENTS[contract]
    if id_column not in frame.columns or moment not in frame.columns:
        return frame  # the contract names what is missing
    defaults = {
        "event_id": F.col(id_column),
        "event_time": F.col(moment),
        "ingest_time": F.lit(None).cast("timestamp"),
        "source": F.lit("input"),
        "schema_version": F.lit(1),
        "region": F.lit("UNKNOWN"),
        "priority": F.lit(5),
    }
    absent = {name: value for name, value in defaults.items() if name not in frame.columns}
    return frame.withColumns(absent)
