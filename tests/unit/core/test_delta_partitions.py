"""Partitions of a table in commits from Arrow: a day is replaced, the others stay."""

from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.core.delta_files import commit_parts, write_part
from pipelines.core.delta_tables import Place, read_arrow
from pipelines.core.lake_format import TABLE_PROPERTIES

SCHEMA = pa.schema([("run_id", pa.string()), ("x", pa.int32()), ("day", pa.date32())])
FIRST, SECOND = date(2026, 3, 15), date(2026, 3, 16)


def replace(place, day, rows):
    """Commit so many rows as the content of a day; returns the rows per day afterwards."""
    table = pa.table({"x": pa.array(range(rows), pa.int32()), "day": pa.array([day] * rows)})
    part = write_part(
        table.to_batches(), place, SCHEMA, ("run_id",), {"run_id": "r"}, {"day": day.isoformat()}
    )
    parts = [] if part is None else [part]
    days = {"day": [day.isoformat()]}
    version = commit_parts(place, parts, SCHEMA, "overwrite", TABLE_PROPERTIES, days)
    found = read_arrow(place, version).column("day").to_pylist()
    return {one: found.count(one) for one in set(found)}


def test_a_day_is_replaced_and_others_stay(tmp_path):
    place = Place(str(tmp_path / "table"))
    assert replace(place, FIRST, 0) == {}
    assert replace(place, FIRST, 5) == {FIRST: 5}
    assert replace(place, SECOND, 7) == {FIRST: 5, SECOND: 7}
    assert replace(place, FIRST, 2) == {FIRST: 2, SECOND: 7}
    assert replace(place, FIRST, 0) == {SECOND: 7}


@pytest.mark.parametrize(
    ("more", "expected"),
    [([], {"run_id", "x"}), (["names"], {"run_id", "x", "token", "names.list.element"})],
    ids=["plain columns", "a nested column"],
)
def test_only_values_that_come_again_get_a_dictionary(tmp_path, more, expected):
    rows = 3000
    columns = {
        "run_id": pa.array(["r"] * rows),
        "x": pa.array([None, 7, 8] * (rows // 3), pa.int32()),
        "token": pa.array([f"t{number}" for number in range(rows)]),
        "names": pa.array([["a"]] * rows),
    }
    table = pa.table({name: columns[name] for name in ["run_id", "x", "token", *more]})
    part = write_part(table.to_batches(), Place(str(tmp_path)), table.schema, (), {})
    assert part is not None
    group = pq.read_metadata(tmp_path / part.path).row_group(0)
    stored = [group.column(number) for number in range(group.num_columns)]
    found = {one.path_in_schema for one in stored if "RLE_DICTIONARY" in one.encodings}
    assert found == expected
    assert pq.read_table(tmp_path / part.path).equals(table)
