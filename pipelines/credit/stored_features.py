"""A table of finished features on disk, whose files the tasks read themselves, past the JVM.

Only what Spark would read in the same way is read here: plain columns of a Parquet folder or of the
newest version of a Delta table whose files hold just its rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.fs as fs
import pyarrow.parquet as pq

from pipelines.core.delta_tables import Place, plain_files
from pipelines.credit.scorecard import Scorecard

BATCH_ROWS = 32_768
DAY = "as_of_date"


@dataclass(frozen=True)
class StoredFeatures:
    """Row groups of a table.

    Attributes:
        place: the table.
        columns: what is read.
        categories: those of them that are read as dictionaries.
        groups: file and number of each row group.
        rows: rows in all of them.
    """

    place: Place
    columns: tuple[str, ...]
    categories: tuple[str, ...]
    groups: tuple[tuple[str, int], ...]
    rows: int

    @classmethod
    def open(
        cls, place: Place, card: Scorecard, keep: Sequence[str], as_of: date | None = None
    ) -> "StoredFeatures | None":
        """Find the files; None where Spark must read: rows are deleted, or columns need a cast.

        Args:
            place: a Delta table or a folder of Parquet files.
            card: the scorecard whose columns are read.
            keep: text columns that are read beside them.
            as_of: in a table with folders by `as_of_date`, the day that is read.
        """
        place = _from_anywhere(place)
        names = plain_files(place)
        if not names:
            return None
        files, root = place.open()
        groups, rows = [], 0
        for name in _of_day(names, as_of):
            file = pq.ParquetFile(f"{root}/{name}", filesystem=files)
            has_day = as_of is not None and DAY in file.schema_arrow.names
            if has_day or not _is_plain(file.schema_arrow, card, keep):
                return None
            groups += [(name, number) for number in range(file.num_row_groups)]
            rows += file.metadata.num_rows
        categories = tuple(one.name for one in card.features if one.kind == "category")
        columns = (*keep, *(one.name for one in card.features))
        return cls(place, tuple(dict.fromkeys(columns)), categories, tuple(groups), rows)

    def read(self, number: int) -> Iterator[pa.RecordBatch]:
        """Batches of the row group with this place in `groups`."""
        name, group = self.groups[number]
        files, root = self.place.open()
        if isinstance(files, fs.LocalFileSystem):
            files = fs.LocalFileSystem(use_mmap=True)
        file = pq.ParquetFile(
            f"{root}/{name}", filesystem=files, read_dictionary=list(self.categories)
        )
        yield from file.iter_batches(BATCH_ROWS, [group], list(self.columns), use_threads=False)


def _from_anywhere(place: Place) -> Place:
    """The place as a task finds it, whose working folder may be another."""
    if "://" in place.folder:
        return place
    return Place(str(Path(place.folder).absolute()), place.store)


def _of_day(names: Sequence[str], as_of: date | None) -> list[str]:
    """Files of one day, if the table has a folder for each."""
    has_days = any(part.startswith(f"{DAY}=") for name in names for part in name.split("/")[:-1])
    if as_of is None or not has_days:
        return list(names)
    return [name for name in names if f"{DAY}={as_of}" in name.split("/")]


def _is_plain(schema: pa.Schema, card: Scorecard, keep: Sequence[str]) -> bool:
    """Whether a file has all columns in types that are read as they are."""
    kinds = {name: schema.field(name).type for name in schema.names}
    numbers = [one.name for one in card.features if one.kind == "number"]
    texts = [one.name for one in card.features if one.kind == "category"]
    return all(
        name in kinds and (pa.types.is_integer(kinds[name]) or _is_float(kinds[name]))
        for name in numbers
    ) and all(name in kinds and _is_text(kinds[name]) for name in (*texts, *keep))


def _is_float(kind: pa.DataType) -> bool:
    return kind in (pa.float32(), pa.float64())


def _is_text(kind: pa.DataType) -> bool:
    return kind in (pa.string(), pa.large_string()) or (
        pa.types.is_dictionary(kind) and _is_text(kind.value_type)
    )
