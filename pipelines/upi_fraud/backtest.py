"""A profile over history, in Spark, with the code that decides live.

    python -m pipelines.upi_fraud.backtest --input payments.parquet --profile paytm --out DIR

A partition of the topic is one group: its messages are sorted by offset and decided one by one, so
the decisions are those of the live job, byte for byte.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.core.cli import main_guard
from pipelines.upi_fraud.build import DeciderPlan
from pipelines.upi_fraud.decider import Decider
from pipelines.upi_fraud.payment import Raw

COLUMNS = ("kafka_partition", "kafka_offset", "kafka_time_ms", "message_key", "message_value")
OUTCOMES = (
    "kind int, message_key binary, message_value binary, time_ms bigint, lateness_ms bigint,"
    " kafka_partition int, kafka_offset bigint"
)
_SCHEMA = pa.schema(
    [
        ("kind", pa.int32()), ("message_key", pa.binary()), ("message_value", pa.binary()),
        ("time_ms", pa.int64()), ("lateness_ms", pa.int64()), ("kafka_partition", pa.int32()),
        ("kafka_offset", pa.int64()),
    ]
)  # fmt: skip


def decide_history(messages: DataFrame, make_decider: Callable[[], Decider]) -> DataFrame:
    """Outcomes of messages.

    Args:
        messages: `COLUMNS`.
        make_decider: builds what decides, on the workers.

    Returns:
        One row per message: kind, key, value, times, and the coordinates.
    """
    grouped = messages.select(*COLUMNS).repartition("kafka_partition")
    ordered = grouped.sortWithinPartitions("kafka_partition", "kafka_offset")

    def decide(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        decider = make_decider()
        states: dict[str, bytes] = {}
        partition = None
        for batch in batches:
            raws = [Raw(*row) for row in zip(*(batch[n].to_pylist() for n in COLUMNS), strict=True)]
            outcomes = []
            for number, group in groupby(raws, key=lambda raw: raw.partition):
                if number != partition:
                    partition, states = number, {}
                together = list(group)
                outcomes += [
                    (int(one.kind), *one[1:], raw.partition, raw.offset)
                    for raw, one in zip(together, decider.handle(together, states), strict=True)
                ]
            columns = list(zip(*outcomes, strict=True)) or [()] * len(_SCHEMA)
            arrays = [pa.array(c, f.type) for c, f in zip(columns, _SCHEMA, strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA)

    return ordered.mapInArrow(decide, OUTCOMES)


def run(session: SparkSession, path: Path, plan: DeciderPlan, out: Path) -> dict[str, int]:
    """Decide the messages of a Parquet file; returns outcomes by kind."""
    found = decide_history(session.read.parquet(str(path)), plan)
    found.write.mode("overwrite").parquet(str(out))
    counts = session.read.parquet(str(out)).groupBy("kind").agg(F.count("*").alias("number"))
    return {str(row["kind"]): row["number"] for row in counts.orderBy("kind").collect()}


def main() -> int:
    """Parse the arguments, decide, print the counts by kind."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.upi_fraud.backtest")
    add = parser.add_argument
    add("--input", type=Path, required=True, metavar="FILE", help="Parquet file of messages")
    add("--profile", default="strict", help="rule profile (%(default)s)")
    add("--reference", metavar="FILE", help="Parquet file of reference messages")
    add("--out", type=Path, required=True, metavar="DIR", help="folder for the outcomes")
    return main_guard(lambda: _main(parser.parse_args()))


def _main(given: argparse.Namespace) -> None:
    from pipelines.core.errors import ConfigError
    from pipelines.core.privacy import key_from_env
    from pipelines.core.spark import build_session
    from pipelines.upi_fraud.config import UpiConfig
    from pipelines.upi_fraud.decider import Kind

    if not given.input.is_file():
        raise ConfigError(f"--input {given.input}: no such file. Give a Parquet file of messages.")
    tokeniser = key_from_env(is_public_data=False)
    plan = DeciderPlan(UpiConfig(), given.profile, tokeniser, "backtest", given.reference)
    for kind, number in run(build_session("upi_backtest"), given.input, plan, given.out).items():
        print(f"{Kind(int(kind)).name.lower():<10} {number:,}")


if __name__ == "__main__":
    sys.exit(main())
