"""Tables that a run leaves: Parquet, staged by Flink, published by one rename of a folder.

A table lies in `<lake>/viewer/<table>_v1/run_id=<run>/`. Flink writes into a folder whose name
begins with `_`, which readers pass over; a killed run leaves no published part behind.
"""

import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from pipelines.viewers.metrics import COLUMNS as METRICS_COLUMNS
from pipelines.viewers.suspects import COLUMNS as SUSPECTS_COLUMNS

TABLES = {
    "metrics": METRICS_COLUMNS,
    "sessions": """session_id STRING, user_id STRING, content_id STRING, region STRING,
  started_at TIMESTAMP_LTZ(3), ended_at TIMESTAMP_LTZ(3), exit_type STRING, watch_ms BIGINT,
  rebuffered_ms BIGINT, startup_ms BIGINT, is_exit_before_start BOOLEAN, pauses INT,
  quality_ms MAP<STRING, BIGINT>, average_bitrate_kbps DOUBLE""",
    "suspects": SUSPECTS_COLUMNS,
    "quality_commands": """session_id STRING, from_quality STRING, to_quality STRING, reason STRING,
  decided_at TIMESTAMP_LTZ(3)""",
    "rejected": "message_key BYTES, message_value BYTES, kafka_time TIMESTAMP_LTZ(3), code STRING",
    "late": """message_key BYTES, message_value BYTES, kafka_time TIMESTAMP_LTZ(3),
  lateness_ms BIGINT""",
}
"""Columns of the tables that Flink writes."""


MAPS = {"quality_ms": pa.map_(pa.string(), pa.int64())}
"""Columns that are maps, which frames keep as lists of pairs."""


def staging(lake: Path, run_id: str) -> Path:
    """Folder that takes the tables of a run until they are published; emptied."""
    folder = lake / "viewer" / f"_staging-{run_id}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def read_staged(folder: Path, table: str) -> pa.Table:
    """Rows of a staged table; None where Flink wrote no file is an empty table."""
    place = folder / table
    files = [
        file for file in sorted(place.rglob("*")) if file.is_file() and file.name[0] not in "._"
    ]
    return ds.dataset(files, format="parquet").to_table() if files else pa.table({})


def stage(folder: Path, table: str, rows: pa.Table) -> None:
    """Put the final rows of a table in place of what Flink wrote."""
    place = folder / table
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    pq.write_table(rows, place / "part-0.parquet")


def without_ms(frame: pd.DataFrame) -> pa.Table:
    """A frame as a table; helper columns of epoch ms stay out where the moment itself is there."""
    names = [
        name
        for name in frame.columns
        if not (name.endswith("_ms") and f"{name[:-3]}_at" in frame.columns)
    ]
    maps = [name for name in names if name in MAPS]
    table = pa.Table.from_pandas(frame[names].drop(columns=maps), preserve_index=False)
    for name in maps:
        table = table.append_column(name, pa.array(frame[name].tolist(), MAPS[name]))
    return table


def publish(lake: Path, staged: Path, run_id: str) -> dict[str, int]:
    """Move the staged tables to where readers look; rows by table.

    A run of the same id is replaced. Each table appears at once; what was there before stays until
    then.
    """
    found = {}
    for place in sorted(path for path in staged.iterdir() if path.is_dir()):
        target = lake / "viewer" / f"{place.name}_v1" / f"run_id={run_id}"
        target.parent.mkdir(parents=True, exist_ok=True)
        found[place.name] = read_staged(staged, place.name).num_rows
        old = target.with_name(f"_old-{run_id}")
        shutil.rmtree(old, ignore_errors=True)
        if target.exists():
            target.rename(old)
        place.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    shutil.rmtree(staged, ignore_errors=True)
    return found


def read_table(lake: Path, table: str, run_id: str) -> pa.Table:
    """Published rows of a run."""
    return read_staged(lake / "viewer" / f"{table}_v1", f"run_id={run_id}")
