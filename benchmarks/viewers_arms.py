"""One program of the viewer benchmark: runs an arm on a folder of messages, prints a line of JSON.

python benchmarks/viewers_arms.py ours FOLDER
"""

import json
import sys
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from harness.cpu import cpu_seconds  # noqa: E402
from peers.viewers_datastream import run_datastream  # noqa: E402
from peers.viewers_sql import plain_sql  # noqa: E402

from pipelines.core.errors import ContractError  # noqa: E402
from pipelines.core.flink import (  # noqa: E402
    FlinkSettings,
    checkpoints_in,
    prepare_interpreter,
)
from pipelines.core.wire import Wire  # noqa: E402
from pipelines.viewers import engine, lanes, tables, views, windows  # noqa: E402
from pipelines.viewers.config import ViewersConfig  # noqa: E402
from pipelines.viewers.sources import open_source  # noqa: E402

CHECKPOINT_SECONDS = 30
"""As in production; the 5 s of small runs would write all state twelve times a minute."""

SAMPLE_SECONDS = 5
"""Between two looks at the heap."""

DISCARD = "WITH ('connector' = 'blackhole')"


def main() -> None:
    """Run one arm."""
    arm, folder = sys.argv[1], Path(sys.argv[2])
    flink = FlinkSettings(checkpoint_seconds=CHECKPOINT_SECONDS, restart_attempts=2)
    windows = {"session_gap_seconds": 60} if arm in ("replay", "heap") else {}
    config = ViewersConfig(flink=flink, windows=windows)
    source = open_source(str(folder), config, Path())
    with tempfile.TemporaryDirectory(prefix="sangam-bench-") as scratch:
        before, told = cpu_seconds(), {"events": source.records}
        if arm == "heap":
            sample_heap(told.setdefault("heap", []))
        if arm == "datastream":
            told["seconds"] = run_datastream(folder, config)
        else:
            told["seconds"] = run_sql(arm, source, config, Path(scratch))
        told["cpu_seconds"] = cpu_seconds() - before
        if arm in ("replay", "heap"):
            told["peak_concurrent"] = peak_concurrent(Path(scratch))
    print(json.dumps(told))


def sample_heap(rows: list[tuple[float, float]]) -> None:
    """Collect all garbage now and then; notes the time since now and what is in use, MiB."""
    prepare_interpreter()
    from pyflink.java_gateway import get_gateway

    start = time.monotonic()

    def sample() -> None:
        jvm = get_gateway().jvm
        runtime = jvm.Runtime.getRuntime()
        while True:
            time.sleep(SAMPLE_SECONDS)
            jvm.System.gc()
            used = runtime.totalMemory() - runtime.freeMemory()
            rows.append((time.monotonic() - start, used / 2**20))

    threading.Thread(target=sample, daemon=True).start()


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
    if arm in ("ours", "replay", "heap"):
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
        engine.define(opened, [views.decoded_view(), ("events", views.events())])
        opened.execute_sql(f"CREATE TEMPORARY TABLE out_table (a BIGINT, b STRING) {DISCARD}")
        inserts = ["INSERT INTO out_table SELECT order_key, session_id FROM events"]
    elif arm == "python_decode":
        opened.create_temporary_function("decoded_kind", python_decoder())
        opened.execute_sql(f"CREATE TEMPORARY TABLE out_table (a STRING) {DISCARD}")
        inserts = ["INSERT INTO out_table SELECT decoded_kind(message_value) FROM messages"]
    elif arm == "read":
        opened.execute_sql(f"CREATE TEMPORARY TABLE out_table (a BYTES, b BYTES) {DISCARD}")
        inserts = ["INSERT INTO out_table SELECT message_key, message_value FROM messages"]
    else:
        engine.define(opened, [views.decoded_view(), ("events", views.events())])
        inserts = plain_sql(opened)
    start = time.monotonic()
    engine.run_together(opened, inserts)
    return time.monotonic() - start


def python_decoder():
    """The other guard: Python decodes Arrow batches and answers null for what is broken."""
    from pyflink.table import DataTypes
    from pyflink.table.udf import ScalarFunction, udf

    class Decode(ScalarFunction):
        def open(self, context):
            self.wire = Wire("viewer.Event")

        def eval(self, values):
            return values.map(self.kind)

        def kind(self, value):
            try:
                return self.wire.decode(value)["event_type"]
            except ContractError:
                return None

    return udf(Decode(), result_type=DataTypes.STRING(), func_type="pandas")


if __name__ == "__main__":
    main()
