"""Owner of Delta Lake: tables of one job under one root, published by the rows of `runs`.

A run stages tables, each write one Delta commit, and appends its `runs` row last. That row lists
the table versions that belong together; readers use those, so what a killed run staged is never
seen, and is undone before a later run adds to the table. `lake_arrow.publish_run` appends it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Observation, SparkSession

from pipelines.core.delta_tables import Place, read_arrow, undo, version_of
from pipelines.core.endpoints import ObjectStore, object_store
from pipelines.core.errors import ConfigError
from pipelines.core.lake_format import (
    DIGESTS,
    RUNS,
    SESSION_SETTINGS,
    TABLE_PROPERTIES,
    VERSIONS,
    Mode,
    Written,
)
from pipelines.core.row_hash import MODULUS, join_sums, row_hash, sum_hashes

Versions = dict[str, int]
Digests = dict[str, str]


@dataclass
class Lake:
    """Tables of one job.

    Attributes:
        session: a session with Delta.
        root: folder or `s3a://` prefix.
        volatile: columns that differ between equal runs and stay out of digests.
        files: files of a table that one write makes at most; None leaves it to Spark.
        store: the object store behind an `s3a://` root, as the session's application, which is the
            user that Spark itself goes there as; None for a folder.
    """

    session: SparkSession
    root: str
    volatile: tuple[str, ...] = ("run_id", "valid_from_run")
    files: int | None = 2
    store: ObjectStore | None = field(default=None, init=False)
    _staged: dict[str, Written] = field(default_factory=dict, init=False, repr=False)
    _seen: tuple[int, dict[str, Written]] = field(default=(-1, {}), init=False, repr=False)

    def __post_init__(self) -> None:
        if self.root.startswith("s3a://"):
            self.store = object_store(self.session.sparkContext.appName)
        for key, value in SESSION_SETTINGS.items():
            self.session.conf.set(key, value)

    def path(self, table: str) -> str:
        """Where a table lies."""
        return f"{self.root.rstrip('/')}/{table}_v1"

    def place(self, table: str) -> Place:
        """The table's folder as Python reaches it."""
        return Place(self.path(table), self.store)

    def exists(self, table: str) -> bool:
        """Whether a table was ever written, published or not."""
        return version_of(self.place(table)) is not None

    def version(self, table: str) -> int:
        """Newest version of a table, published or not.

        Raises:
            ConfigError: there is no such table.
        """
        version = version_of(self.place(table))
        if version is None:
            raise ConfigError(f"lake {self.root}: there is no table {table}; run the job first")
        return version

    def read(self, table: str, version: int | None = None) -> DataFrame:
        """Read a table at a version; without one, at its published version (`runs`: the newest).

        Raises:
            ConfigError: the table, or a published version of it, does not exist.
        """
        if version is None and table != RUNS:
            version = self.published(table)
            if version is None:
                raise ConfigError(f"lake {self.root}: no run has published {table}; run the job")
        wanted = self.version(table) if version is None else version
        reader = self.session.read.format("delta").option("versionAsOf", wanted)
        return reader.load(self.path(table))

    def arrow(self, table: str, columns: Sequence[str] | None = None) -> pa.Table:
        """What this run sees of a table, on the driver: what it staged itself, else published.

        Raises:
            ConfigError: neither is there.
        """
        staged = self._staged.get(table)
        version = staged.version if staged else self.published(table)
        if version is None:
            raise ConfigError(f"lake {self.root}: no run has published {table}; run the job")
        return read_arrow(self.place(table), version, columns)

    def published(self, table: str) -> int | None:
        """Version of a table in the newest `runs` row that lists it; None before the first.

        Versions only rise, so the newest row is the one with the highest, whatever the clock says.
        """
        found = self.current().get(table)
        return None if found is None else found.version

    def listing(self) -> tuple[Versions, Digests]:
        """Table versions and digests for the `runs` row of this run: published, then staged."""
        listed = {**self.current(), **self._staged}
        listed.pop(RUNS, None)
        versions = {table: written.version for table, written in listed.items()}
        return versions, {table: str(written.digest) for table, written in listed.items()}

    def current(self) -> Mapping[str, Written]:
        """Published version and digest by table; read again only when `runs` has grown."""
        newest = version_of(self.place(RUNS))
        if newest is None:
            return {}
        if self._seen[0] != newest:
            listed = read_arrow(self.place(RUNS), newest, [VERSIONS, DIGESTS]).to_pylist()
            found = [
                (table, Written(version, int(dict(row[DIGESTS])[table]), is_new=False))
                for row in listed
                for table, version in row[VERSIONS]
            ]
            self._seen = (newest, dict(sorted(found, key=lambda one: one[1].version)))
        return self._seen[1]

    def digest(self, df: DataFrame) -> int:
        """Order-free digest: sum of row hashes modulo 2^64, volatile columns left out."""
        return join_sums(df.agg(*sum_hashes(self._hash(df))).collect()[0].asDict())

    def _hash(self, df: DataFrame) -> Column:
        return row_hash(df, sorted(name for name in df.columns if name not in self.volatile))

    def write(self, table: str, df: DataFrame, mode: Mode = "replace") -> Written:
        """Write a frame as one commit. Readers see it once a `runs` row lists it.

        A replacement equal to the published content writes nothing. Persist a frame that is
        costly: where a version is published it is read twice, once for the digest.
        """
        before = self.current().get(table)
        if mode == "append":
            before = self.base(table)
        elif before and self.digest(df) == before.digest:
            return self.stage(table, before)
        seen = Observation(f"digest of {table}")
        self._commit(table, df.observe(seen, *sum_hashes(self._hash(df))), mode)
        kept = before.digest if before and mode == "append" else 0
        digest = (kept + join_sums(seen.get)) % MODULUS
        return self.stage(table, Written(self.version(table), digest, is_new=True))

    def stage(self, table: str, written: Written) -> Written:
        """Note what this run has made of a table."""
        self._staged[table] = written
        return written

    def _commit(self, table: str, df: DataFrame, mode: Mode) -> None:
        small = df.coalesce(self.files) if self.files else df
        writer = small.write.format("delta").options(**TABLE_PROPERTIES)
        if mode == "replace":
            writer = writer.option("overwriteSchema", "true")
        writer.mode("overwrite" if mode == "replace" else "append").save(self.path(table))

    def base(self, table: str) -> Written | None:
        """What rows are added to: staged by this run, else published; undoes a killed run."""
        base = self._staged.get(table, self.current().get(table))
        if table == RUNS or table in self._staged or not self.exists(table):
            return base
        if base is None or base.version < self.version(table):
            undo(self.place(table), None if base is None else base.version)
        return base
