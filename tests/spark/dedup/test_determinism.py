"""The same tables whatever the engine's settings; a saved model scores as the trained one."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pyspark.sql import SparkSession

from pipelines.dedup.model import load_model

ADAPTIVE = "spark.sql.adaptive.enabled"
BATCH = "spark.sql.execution.arrow.maxRecordsPerBatch"


@contextmanager
def settings(spark: SparkSession, **values: str) -> Iterator[None]:
    keys = {ADAPTIVE: values["adaptive"], BATCH: values["batch"]}
    before = {key: spark.conf.get(key) for key in keys}
    for key, value in keys.items():
        spark.conf.set(key, value)
    try:
        yield
    finally:
        for key, value in before.items():
            spark.conf.set(key, value)


@pytest.mark.timeout(600)  # 200 partitions are many small tasks
@pytest.mark.parametrize(
    ("partitions", "adaptive", "batch"), [(2, "false", "100"), (200, "true", "10000")]
)
def test_digests_do_not_depend_on_the_engine(
    spark: SparkSession, deduplicate, febrl1, partitions: int, adaptive: str, batch: str
) -> None:
    """D30: partitions 1, 2, 200; adaptive execution on and off; Arrow batches small and large."""
    with settings(spark, adaptive=adaptive, batch=batch):
        other = deduplicate("febrl1", {"partitions": partitions})
    assert other.models[0].model_id == febrl1.models[0].model_id
    assert other.digests() == febrl1.digests()
    assert {"enrolments", "candidate_edges", "clusters", "golden_records"} <= other.digests().keys()


def test_a_saved_model_scores_bit_for_bit(deduplicate, febrl1, tmp_path) -> None:
    path = tmp_path / "model.json"
    febrl1.models[0].save(path)
    assert load_model(path).model_id == febrl1.models[0].model_id
    again = deduplicate("febrl1", model=path)
    assert not again.models, "nothing was trained"
    keys = ["token_a", "token_b"]
    left, right = (done.table("candidate_edges").sort_values(keys) for done in (febrl1, again))
    assert left[[*keys, "score_bits", "posterior"]].values.tolist() == (
        right[[*keys, "score_bits", "posterior"]].values.tolist()
    )
    assert again.digests() == febrl1.digests()
