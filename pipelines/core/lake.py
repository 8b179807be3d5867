"""Owner of Delta Lake: tables of one job under one root, published by the rows of `runs`.

A run stages tables, each write one Delta commit, and appends its `runs` row last. That row lists
the table versions that belong together; readers use those, so what a killed run staged is never
seen, and is undone before a later run adds to the table.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal

from delta.tables import DeltaTable
from pyspark import inheritable_thread_target
from pyspark.sql import Column, DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from pipelines.core.errors import ConfigError
from pipelines.core.row_hash import MODULUS, join_sums, row_hash, sum_hashes

Mode = Literal["replace", "append"]

RUNS = "runs"
VERSIONS = "table_versions"
DIGESTS = "table_digests"

# Nothing skips files by column statistics here: tables are read whole or joined by hashed keys.
# Old files stay for a month, so every published version of that time can be read.
TABLE_PROPERTIES = {
    "delta.enableChangeDataFeed": "true",
    "delta.dataSkippingNumIndexedCols": "0",
    "delta.checkpointInterval": "25",
    "delta.deletedFileRetentionDuration": "interval 30 days",
    "delta.logRetentionDuration": "interval 365 days",
}
SESSION_SETTINGS = {
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.databricks.delta.stats.collect": "false",
    "spark.databricks.delta.writeChecksumFile.enabled": "false",
    "spark.databricks.delta.history.metricsEnabled": "false",
    "spark.sql.parquet.compression.codec": "snappy",
}


@dataclass(frozen=True)
class Written:
    """What a write left behind.

    Attributes:
        version: Delta version that holds the content.
        digest: order-free sum of its row hashes, 0 to 2^64 - 1.
        is_new: False if the published version had the same content and nothing was written.
    """

    version: int
    digest: int
    is_new: bool


@dataclass
class Lake:
    """Tables of one job.

    Attributes:
        session: a session with Delta.
        root: folder or `s3a://` prefix.
        volatile: columns that differ between equal runs and stay out of digests.
        files: files of a table that one write makes at most; None leaves it to Spark.
        workers: tables that `write_all` writes at a time.
    """

    session: SparkSession
    root: str
    volatile: tuple[str, ...] = ("run_id", "valid_from_run")
    files: int | None = 2
    workers: int = 4
    _staged: dict[str, Written] = field(default_factory=dict, init=False, repr=False)
    _seen: tuple[int, dict[str, Written]] = field(default=(-1, {}), init=False, repr=False)

    def __post_init__(self) -> None:
        for key, value in SESSION_SETTINGS.items():
            self.session.conf.set(key, value)

    def path(self, table: str) -> str:
        """Where a table lies."""
        return f"{self.root.rstrip('/')}/{table}_v1"

    def exists(self, table: str) -> bool:
        """Whether a table was ever written, published or not."""
        return self._log_version(table) is not None

    def version(self, table: str) -> int:
        """Newest version of a table, published or not.

        Raises:
            ConfigError: there is no such table.
        """
        version = self._log_version(table)
        if version is None:
            raise ConfigError(f"lake {self.root}: there is no table {table}; run the job first")
        return version

    def _log_version(self, table: str) -> int | None:
        """Version of the last commit file; no Spark job is needed to know it."""
        jvm: Any = self.session._jvm
        jsession: Any = self.session._jsparkSession
        pattern = jvm.org.apache.hadoop.fs.Path(f"{self.path(table)}/_delta_log/*.json")
        files = pattern.getFileSystem(jsession.sessionState().newHadoopConf()).globStatus(pattern)
        return int(files[-1].getPath().getName()[:20]) if files else None

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

    def published(self, table: str) -> int | None:
        """Version of a table in the newest `runs` row that lists it; None before the first.

        Versions only rise, so the newest row is the one with the highest, whatever the clock says.
        """
        found = self._published().get(table)
        return None if found is None else found.version

    def listing(self) -> tuple[dict[str, int], dict[str, str]]:
        """Table versions and digests for the `runs` row of this run: published, then staged."""
        listed = {**self._published(), **self._staged}
        listed.pop(RUNS, None)
        versions = {table: written.version for table, written in listed.items()}
        return versions, {table: str(written.digest) for table, written in listed.items()}

    def _published(self) -> Mapping[str, Written]:
        """Published version and digest by table; read again only when `runs` has grown."""
        newest = self._log_version(RUNS)
        if newest is None:
            return {}
        if self._seen[0] != newest:
            listed = self.read(RUNS, newest).select(VERSIONS, DIGESTS).collect()
            found = [
                (table, Written(version, int(row[DIGESTS][table]), is_new=False))
                for row in listed
                for table, version in row[VERSIONS].items()
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
        before = self._published().get(table)
        if mode == "append":
            before = self._base(table)
        elif before and self.digest(df) == before.digest:
            return self._stage(table, before)
        seen = Observation(f"digest of {table}")
        self._commit(table, df.observe(seen, *sum_hashes(self._hash(df))), mode)
        kept = before.digest if before and mode == "append" else 0
        digest = (kept + join_sums(seen.get)) % MODULUS
        return self._stage(table, Written(self.version(table), digest, is_new=True))

    def _stage(self, table: str, written: Written) -> Written:
        self._staged[table] = written
        return written

    def _commit(self, table: str, df: DataFrame, mode: Mode) -> None:
        small = df.coalesce(self.files) if self.files else df
        writer = small.write.format("delta").options(**TABLE_PROPERTIES)
        if mode == "replace":
            writer = writer.option("overwriteSchema", "true")
        writer.mode("overwrite" if mode == "replace" else "append").save(self.path(table))

    def write_all(self, frames: Mapping[str, DataFrame]) -> dict[str, Written]:
        """Replace several tables, some at a time: one commits while another computes.

        Raises:
            Exception: the first failure, after the other writes have ended; none is published.
        """
        write = inheritable_thread_target(self.session)(self.write)
        with ThreadPoolExecutor(self.workers, "lake") as pool:
            started = {name: pool.submit(write, name, frame) for name, frame in frames.items()}
        return {name: future.result() for name, future in started.items()}

    def merge(self, table: str, df: DataFrame, keys: Sequence[str]) -> Written:
        """Update rows of equal key and insert the others; rows that do not change stay untouched.

        Args:
            table: a table; made if it is not there.
            df: rows with all columns of the table, each key once.
            keys: columns that identify a row, none of them null.
        """
        base = self._base(table)
        if base is None:
            return self.write(table, df)
        changed = self._changed(table, df, keys, base.version).persist()
        try:
            parts = [*sum_hashes(F.col("_new"), "new"), *sum_hashes(F.col("_old"), "old")]
            sums = changed.agg(F.count(F.lit(1)).alias("rows"), *parts).collect()[0].asDict()
            if not sums["rows"]:
                return self._stage(table, base)
            self._merge(table, changed.drop("_new", "_old"), keys)
        finally:
            changed.unpersist()
        digest = (base.digest + join_sums(sums, "new") - join_sums(sums, "old")) % MODULUS
        return self._stage(table, Written(self.version(table), digest, is_new=True))

    def _changed(self, table: str, df: DataFrame, keys: Sequence[str], base: int) -> DataFrame:
        """Rows that are new or differ, with the hashes of the new and of the old row."""
        there = self.read(table, base)
        touched = there.join(df.select(*keys), list(keys), how="left_semi")
        known = touched.select(*keys, self._hash(there).alias("_old"))
        rows = df.withColumn("_new", self._hash(df))
        return rows.join(known, list(keys), how="left").where("NOT _old <=> _new")

    def _merge(self, table: str, df: DataFrame, keys: Sequence[str]) -> None:
        same_key = " AND ".join(f"old.`{key}` = new.`{key}`" for key in keys)
        target = DeltaTable.forPath(self.session, self.path(table)).alias("old")
        merging = target.merge(df.alias("new"), same_key)
        merging.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()

    def _base(self, table: str) -> Written | None:
        """What rows are added to: staged by this run, else published; undoes a killed run."""
        base = self._staged.get(table, self._published().get(table))
        if table == RUNS or table in self._staged or not self.exists(table):
            return base
        if base is None:
            DeltaTable.forPath(self.session, self.path(table)).delete()
        elif base.version < self.version(table):
            target = DeltaTable.forPath(self.session, self.path(table))
            target.restoreToVersion(base.version)
        return base
