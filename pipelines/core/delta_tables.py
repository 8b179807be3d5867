"""Delta tables from Python: where they are, their versions, their rows as Arrow."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.fs as fs

from pipelines.core.endpoints import ObjectStore
from pipelines.core.errors import ConfigError


@dataclass(frozen=True)
class Place:
    """Folder of a table, and how it is reached from Python.

    Attributes:
        folder: a path, or an `s3a://` URI.
        store: the object store behind such a URI.
    """

    folder: str
    store: ObjectStore | None = None

    @property
    def uri(self) -> str:
        """The folder as the Delta library wants it."""
        return self.folder.replace("s3a://", "s3://", 1)

    @property
    def options(self) -> dict[str, str] | None:
        """Storage options of the Delta library; None for local files."""
        if self.store is None:
            return None
        return {
            "AWS_ENDPOINT_URL": self.store.url,
            "AWS_ACCESS_KEY_ID": self.store.access_key,
            "AWS_SECRET_ACCESS_KEY": self.store.secret_key,
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": str(not self.store.is_secure).lower(),
        }

    def open(self) -> tuple[fs.FileSystem, str]:
        """File system and the folder's path in it."""
        if self.store is None:
            return fs.LocalFileSystem(), self.folder.removeprefix("file://")
        files = fs.S3FileSystem(
            access_key=self.store.access_key,
            secret_key=self.store.secret_key,
            endpoint_override=self.store.url,
            region="us-east-1",
        )
        return files, self.folder.partition("://")[2]

    def table(self, version: int | None = None) -> deltalake.DeltaTable | None:
        """The table, or None where there is none."""
        if not deltalake.DeltaTable.is_deltatable(self.uri, self.options):
            return None
        return deltalake.DeltaTable(self.uri, version=version, storage_options=self.options)


def undo(place: Place, version: int | None) -> None:
    """Bring a table back to a version by a new commit; None empties it."""
    table = place.table()
    if table is None:
        return
    if version is None:
        table.delete()
    else:
        table.restore(version)


def merge_arrow(place: Place, rows: pa.Table, keys: Sequence[str]) -> int:
    """Update rows of equal key and insert the others in one commit; returns the version."""
    table = place.table()
    if table is None:
        raise ConfigError(f"{place.folder}: there is no table to merge into")
    same = " AND ".join(f'old."{key}" = new."{key}"' for key in keys)
    merging = table.merge(rows, same, source_alias="new", target_alias="old")
    merging.when_matched_update_all().when_not_matched_insert_all().execute()
    return int(table.version())


def version_of(place: Place) -> int | None:
    """Newest version of a table; None where there is no table.

    In a folder the names of the commits tell it, hundreds of times as fast as to read them.
    """
    if place.store is None:
        log = Path(place.open()[1], "_delta_log")
        return max(
            (int(one.stem) for one in log.glob("*.json") if one.stem.isdigit()), default=None
        )
    table = place.table()
    return None if table is None else int(table.version())


def read_arrow(
    place: Place, version: int, columns: Sequence[str] | None = None, folders: Sequence[str] = (),
    where: pc.Expression | None = None,
) -> pa.Table:  # fmt: skip
    """A version of a table, or some of its columns, folders or rows, here, past the JVM.

    Args:
        place: the table.
        version: which one.
        columns: names, `outer.inner` for a part of a struct; None takes all.
        folders: folders of partitions; none takes all.
        where: rows that it is true of; None takes all.
    """
    table = _open_table(place, version)
    files, root = place.open()
    schema = pa.schema(table.schema().to_arrow())
    parts = [schema.field(name) for name in table.metadata().partition_columns]
    rows = ds.dataset(
        [f"{root}/{name}" for name in _names(table, folders)], schema, "parquet", filesystem=files,
        partitioning=ds.partitioning(pa.schema(parts), flavor="hive") if parts else None,
        partition_base_dir=root,
    )  # fmt: skip
    return rows.to_table(columns=None if columns is None else list(columns), filter=where)


def columns_of(place: Place) -> list[str]:
    """Names of the columns of a table."""
    table = place.table()
    return [] if table is None else [one.name for one in table.schema().fields]


def data_files(place: Place, version: int, folders: Sequence[str] = ()) -> list[str]:
    """Files of a version as paths inside the table's folder, all or those of some folders."""
    return _names(_open_table(place, version), folders)


def plain_files(place: Place) -> list[str] | None:
    """Parquet files that hold just the rows of a Delta table's newest version, or of a folder.

    None where a reader needs more than the files: rows of them are deleted, columns renamed.
    """
    table = place.table()
    if table is not None:
        return _names(table, ()) if table.protocol().min_reader_version == 1 else None
    files, root = place.open()
    found = files.get_file_info(fs.FileSelector(root, recursive=True))
    names = [one.path[len(root) :].lstrip("/") for one in found]
    is_hidden = re.compile(r"(^|/)[._]").search
    return sorted(name for name in names if name.endswith(".parquet") and not is_hidden(name))


def _open_table(place: Place, version: int) -> deltalake.DeltaTable:
    table = place.table(version)
    if table is None:
        raise ConfigError(f"{place.folder}: there is no table; run the job first")
    return table


def _names(table: deltalake.DeltaTable, folders: Sequence[str]) -> list[str]:
    names = pa.table(table.get_add_actions(flatten=True)).column("path").to_pylist()
    inside = tuple(f"{folder}/" for folder in folders)
    return sorted(name for name in names if not folders or name.startswith(inside))
