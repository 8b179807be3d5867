"""One arm of the fraud benchmark in a process of its own: reads the payments file, prints seconds.

Every arm has the JVM and the options that a run of the job from files has.

python benchmarks/fraud_arms.py ARM FOLDER
"""

import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from pipelines.core.flink import (  # noqa: E402
    build_environment,
    checkpoints_in,
    compile_quickly,
    flink_options,
)
from pipelines.core.privacy import key_from_env  # noqa: E402
from pipelines.upi_fraud.build import DeciderPlan  # noqa: E402
from pipelines.upi_fraud.config import UpiConfig, UpiFlinkSettings  # noqa: E402
from pipelines.upi_fraud.files import FILE_OPTIONS, open_files  # noqa: E402
from pipelines.upi_fraud.hot_path import HOT_OPTIONS, decide_stream  # noqa: E402

_BLACKHOLE = "CREATE TEMPORARY TABLE nowhere (a BIGINT) WITH ('connector' = 'blackhole')"


def run_hot_path(folder: Path) -> float:
    """The whole hot path with the rules of `strict`, outcomes to files."""
    config = UpiConfig()
    tables = build_environment(_options(folder, config.flink) | HOT_OPTIONS)
    open_files(tables, folder)
    snapshot = str(folder / "reference.parquet")
    plan = DeciderPlan(config, "strict", key_from_env(True), "bench", snapshot)
    decide_stream(tables, config, plan)
    return _timed(tables, "INSERT INTO outcome_files SELECT * FROM outcomes")


def keyed(folder: Path, mode: str) -> float:
    """A plain keyed function with one counter, one call a payment; no rules."""
    from pyflink.common import Types
    from pyflink.datastream import KeyedProcessFunction
    from pyflink.datastream.state import ValueStateDescriptor

    class Count(KeyedProcessFunction):  # type: ignore[misc]
        def open(self, runtime_context: Any) -> None:
            self.state = runtime_context.get_state(ValueStateDescriptor("n", Types.LONG()))

        def process_element(self, value: Any, ctx: Any) -> Any:
            number = (self.state.value() or 0) + 1
            self.state.update(number)
            yield number

    settings = UpiFlinkSettings(execution_mode=mode)
    tables = build_environment(_options(folder, settings))
    open_files(tables, folder)
    tables.execute_sql(_BLACKHOLE)
    stream = tables.to_data_stream(
        tables.sql_query("SELECT CAST(message_key AS STRING) AS k, message_value FROM messages")
    )
    counted = stream.key_by(lambda row: row[0], key_type=Types.STRING()).process(
        Count(), output_type=Types.LONG()
    )
    tables.create_temporary_view("counted", counted)
    return _timed(tables, "INSERT INTO nowhere SELECT * FROM counted")


def over(folder: Path) -> float:
    """Flink SQL alone: payments of the last five minutes by payer, processing time; no rules."""
    tables = build_environment(_options(folder, UpiFlinkSettings()))
    open_files(tables, folder)
    tables.execute_sql(_BLACKHOLE)
    return _timed(
        tables,
        "INSERT INTO nowhere SELECT COUNT(*) OVER (PARTITION BY k ORDER BY moment RANGE BETWEEN"
        " INTERVAL '5' MINUTE PRECEDING AND CURRENT ROW) FROM (SELECT CAST(message_key AS STRING)"
        " AS k, PROCTIME() AS moment FROM messages)",
    )


def _options(folder: Path, settings: UpiFlinkSettings) -> dict[str, str]:
    return flink_options("bench", settings) | FILE_OPTIONS | checkpoints_in(folder / "checkpoints")


def _timed(tables: Any, statement: str) -> float:
    start = time.monotonic()
    tables.execute_sql(statement).wait()
    return time.monotonic() - start


ARMS = {
    "decide": run_hot_path,
    "thread": lambda folder: keyed(folder, "thread"),
    "process": lambda folder: keyed(folder, "process"),
    "over": over,
}

if __name__ == "__main__":
    compile_quickly()
    print(f"seconds {ARMS[sys.argv[1]](Path(sys.argv[2])):.3f}")
