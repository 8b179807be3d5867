"""One program of the viewer benchmark: runs an arm on a folder of messages, prints a line of JSON.

python benchmarks/viewers_arms.py ours FOLDER
"""

import json
import os
import sys
import tempfile
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from peers.viewers_datastream import run_datastream  # noqa: E402
from peers.viewers_sql import plain_sql  # noqa: E402

from pipelines.core.flink import FlinkSettings, checkpoints_in  # noqa: E402
from pipelines.viewers import engine, lanes, tables, views, windows  # noqa: E402
from pipelines.viewers.config import ViewersConfig  # noqa: E402
from pipelines.viewers.sources import open_source  # noqa: E402

CHECKPOINT_SECONDS = 30
"""As in production; the 5 s of small runs would write all state twelve times a minute."""

DISCARD = "WITH ('connector' = 'blackhole')"


def main() -> None:
    """Run one arm."""
    arm, folder = sys.argv[1], Path(sys.argv[2])
    flink = FlinkSettings(checkpoint_seconds=CHECKPOINT_SECONDS, restart_attempts=2)
    windows = {"session_gap_seconds": 60} if arm == "replay" else {}
    config = ViewersConfig(flink=flink, windows=windows)
    source = open_source(str(folder), config, Path())
    with tempfile.TemporaryDirectory(prefix="sangam-bench-") as scratch:
        before = cpu_seconds()
        if arm == "datastream":
            spent = run_datastream(folder, config)
        else:
            spent = run_sql(arm, source, config, Path(scratch))
        told = {"seconds": spent, "cpu_seconds": cpu_seconds() - before, "events": source.records}
        if arm == "replay":
            told["peak_concurrent"] = peak_concurrent(Path(scratch))
    print(json.dumps(told))


def cpu_seconds() -> float:
    """Time that this process and all below it have spent on cores; what others do is not in it."""
    spent, known = 0, {os.getpid()}
    stats = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = place.read_text().rpartition(")")[2].split()
            stats[int(place.parent.name)] = int(fields[1]), int(fields[11]) + int(fields[12])
    for pid in sorted(stats):
        if pid in known or stats[pid][0] in known:
            known.add(pid)
            spent += stats[pid][1]
    return spent / os.sysconf("SC_CLK_TCK")


def peak_concurrent(folder: Path) -> int:
    """Largest audience of all contents at a moment."""
    rows = tables.read_staged(folder, "metrics").to_pandas()
    total = rows[rows["dimension"] == "total"]
    slices = total[total["window_end_at"] - total["window_start_at"] == timedelta(seconds=10)]
    return int(slices.groupby("window_end_at")["concurrent"].sum().max())


def run_sql(arm, source, config, scratch):
    """An arm that is SQL; seconds from submitting the job to its end."""
    opened = engine.open_engine("bench", config.flink, checkpoints_in(scratch / "state"))
    disorder = config.windows.disorder_seconds
    opened.execute_sql(
        engine.messages_in_files("messages", source.folder, disorder, source.horizon_ms)
    )
    if arm in ("ours", "replay"):
        engine.define(opened, lanes.all_views(config))
        for table, columns in tables.TABLES.items():
            opened.execute_sql(engine.rows_to_files(table, columns, scratch.as_uri()))
        inserts = list(lanes.table_inserts().values())
    elif arm == "audience":
        engine.define(opened, lanes.all_views(config))
        opened.execute_sql(
            "CREATE TEMPORARY TABLE out_table (content_id STRING, dimension STRING, v STRING,"
            f" n BIGINT) {DISCARD}"
        )
        inserts = [f"INSERT INTO out_table SELECT {windows.KEY}, concurrent FROM audience"]  # noqa: S608
    elif arm == "decode":
        engine.define(opened, [views.decoded_view(), views.events_view()])
        opened.execute_sql(f"CREATE TEMPORARY TABLE out_table (a BIGINT, b STRING) {DISCARD}")
        inserts = ["INSERT INTO out_table SELECT order_key, session_id FROM events"]
    elif arm == "read":
        opened.execute_sql(f"CREATE TEMPORARY TABLE out_table (a BYTES, b BYTES) {DISCARD}")
        inserts = ["INSERT INTO out_table SELECT message_key, message_value FROM messages"]
    else:
        engine.define(opened, [views.decoded_view(), views.events_view()])
        inserts = plain_sql(opened)
    start = time.monotonic()
    engine.run_together(opened, inserts)
    return time.monotonic() - start


if __name__ == "__main__":
    main()
