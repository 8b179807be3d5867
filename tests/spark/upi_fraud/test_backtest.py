"""The backtest decides as a plain loop does, byte for byte, whatever the order of the file."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from pipelines.upi_fraud.backtest import decide_history
from pipelines.upi_fraud.build import DeciderPlan
from pipelines.upi_fraud.decider import Raw
from pipelines.upi_fraud.files import write_reference
from pipelines.upi_fraud.generate import generate
from tests.unit.upi_fraud.samples import CONFIG, TOKENISER

SETTINGS = CONFIG.generator.model_copy(
    update={"transactions": 20_000, "payers": 2_000, "duplicate_share": 0.01, "late_share": 0.01}
)


def test_shuffled_history_gives_the_same_bytes(spark: SparkSession, tmp_path: Path) -> None:
    made = generate(SETTINGS, CONFIG.times, 11)
    reference = tmp_path / "reference.parquet"
    write_reference([(0, one["merchant_id"], one) for one in made.merchants], reference)
    order = np.random.default_rng(1).permutation(made.payments.num_rows)
    pq.write_table(made.payments.take(order), tmp_path / "payments.parquet")
    plan = DeciderPlan(CONFIG, "strict", TOKENISER, "test", str(reference))
    rows = decide_history(spark.read.parquet(str(tmp_path / "payments.parquet")), plan).collect()
    found = {(row["kafka_partition"], row["kafka_offset"]): row for row in rows}
    decider, states = plan(), {}
    columns = ("kafka_partition", "kafka_offset", "kafka_time_ms", "message_key", "message_value")
    for message in zip(*(made.payments[name].to_pylist() for name in columns), strict=True):
        raw = Raw(*message)
        one, row = decider.handle_one(raw, states), found.pop((raw.partition, raw.offset))
        assert (int(one.kind), one.key, one.value) == (
            row["kind"],
            bytes(row["message_key"]),
            bytes(row["message_value"]),
        )
    assert not found
