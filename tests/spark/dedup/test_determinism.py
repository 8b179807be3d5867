"""The same tables whatever the engine's settings; a saved model scores as the trained one."""

import pytest

from pipelines.dedup.model import load_model

ADAPTIVE = "spark.sql.adaptive.enabled"
CODE = "spark.sql.codegen.wholeStage"
BATCH = "spark.sql.execution.arrow.maxRecordsPerBatch"


@pytest.mark.timeout(600)  # 200 partitions are many small tasks
@pytest.mark.parametrize(
    ("partitions", "plans"),
    [
        (2, {ADAPTIVE: "false", CODE: "true", BATCH: "100"}),
        (200, {ADAPTIVE: "true", CODE: "false", BATCH: "10000"}),
    ],
)
def test_digests_do_not_depend_on_the_engine(
    deduplicate, febrl1, partitions: int, plans: dict[str, str]
) -> None:
    """D30: partitions 1, 2, 200; adaptive execution on and off; Arrow batches small and large."""
    other = deduplicate("febrl1", {"partitions": partitions}, plans=plans)
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
