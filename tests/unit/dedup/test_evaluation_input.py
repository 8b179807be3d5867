"""The evaluation of a published lake: which versions it reads, and which truth it refuses."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
import yaml
from pyarrow import parquet

from pipelines.core.delta_files import commit_parts, write_part
from pipelines.core.delta_tables import Place
from pipelines.core.errors import ConfigError
from pipelines.core.privacy import key_from_env
from pipelines.dedup.evaluate import evaluate
from pipelines.dedup.evaluation_input import label_run, read_run, read_truth

SMALL = yaml.safe_load((Path(__file__).parents[2] / "cases/dedup/evaluate/small.yaml").read_text())
TOKENISER = key_from_env(is_public_data=True)
TOKENS = {name: TOKENISER.token(name) for name in [*SMALL["records"], "stranger"]}


def lake_tables():
    """The golden case in the shape of the published tables."""
    members = list(zip(SMALL["records"], SMALL["clusters"], strict=True))
    rows = [{"cluster_id": f"c{c}", "record_token": TOKENS[n]} for n, c in members]
    rows += [{"cluster_id": "c9", "record_token": TOKENS["stranger"]}]
    rows += [{"cluster_id": "c1", "record_token": TOKENS["r3"], "valid_to_run": "run0"}]
    edges = [
        ("r1", "r2", ["person", "phone"]),
        ("r4", "r6", ["phone"]),
        ("r4", "stranger", ["iris"]),
    ]
    reviews = [(a, b, "OPEN") for a, b in SMALL["reviews"]] + [("r2", "r3", "DECIDED")]
    state = {name: "Goa" if name < "r5" else "Kerala" for name in TOKENS}
    token = TOKENS.get
    return {
        "enrolments": pa.table({
            "record_token": list(TOKENS.values()),
            "enrolled_at": [datetime(2024, 1, k + 1, tzinfo=UTC) for k in range(len(TOKENS))],
            "state": [state[name] for name in TOKENS],
        }),
        "clusters": pa.Table.from_pylist(rows, pa.schema(dict.fromkeys(
            ("cluster_id", "record_token", "valid_to_run"), pa.string()).items())),
        "candidate_edges": pa.table({
            "token_a": [token(a) for a, _, _ in edges],
            "token_b": [token(b) for _, b, _ in edges],
            "families": [families for _, _, families in edges],
            "score_bits": [9.0, 5.0, 5.0],
            "posterior": [0.99, 0.97, 0.97],
        }),
        "review_queue": pa.table({
            "token_a": [token(a) for a, _, _ in reviews],
            "token_b": [token(b) for _, b, _ in reviews],
            "state": [state for _, _, state in reviews],
        }),
    }  # fmt: skip


def save(root, name, rows):
    place = Place(f"{root}/{name}_v1")
    part = write_part(rows.to_batches(), place, rows.schema, (), {})
    commit_parts(place, [part] if part else [], rows.schema, "overwrite", {})


def write_lake(root, **others):
    """Publish the tables; the queue has a later version that no run lists."""
    tables = {**lake_tables(), **others}
    versions = [[(name, version) for name in tables] for version in (7, 0)]
    runs = pa.table({
        "run_id": ["run0", "run1"],
        "started_at": [datetime(2024, 1, day, tzinfo=UTC) for day in (1, 2)],
        "table_versions": pa.array(versions, pa.map_(pa.string(), pa.int64())),
    })  # fmt: skip
    for name, rows in {**tables, "runs": runs}.items():
        save(root, name, rows)
    save(root, "review_queue", tables["review_queue"].slice(0, 0))


def write_truth(path, rows, head="record_id,entity_id"):
    path.write_text("\n".join([head, *(f"{a},{b}" for a, b in rows)]) + "\n")
    return path


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    root = tmp_path_factory.mktemp("lake")
    write_lake(root)
    return read_run(str(root))


def test_a_published_lake_gives_the_golden_figures(tables, tmp_path):
    rows = [*zip(SMALL["records"], SMALL["entities"], strict=True), ("quarantined", "A")]
    run, unlabelled = label_run(tables, write_truth(tmp_path / "truth.csv", rows))
    assert unlabelled == 1
    evaluation = evaluate(run)
    got = evaluation.metrics()
    assert {name: got[name] for name in SMALL["metrics"]} == pytest.approx(
        SMALL["metrics"], abs=1e-4
    )
    seen = {n: (f.pairs, f.only, f.completeness.events) for n, f in evaluation.families.items()}
    assert seen == {"person": (1, 0, 1), "phone": (2, 0, 1), "all": (2, 1, 1)}
    slices = [(row["name"], row["records"]) for row in evaluation.slices]
    assert slices == [("Goa", 5), ("Kerala", 5)]


def test_a_lake_without_states_has_no_slices(tables, tmp_path):
    write_lake(tmp_path, enrolments=lake_tables()["enrolments"].drop_columns("state"))
    found = read_run(str(tmp_path)).records
    assert found["state"].null_count == found.num_rows == tables.records.num_rows


def test_truth_may_hold_tokens_and_be_parquet(tmp_path):
    table = pa.table({"record_token": [TOKENS["r1"]], "entity_id": ["A"]})
    parquet.write_table(table, tmp_path / "truth.parquet")
    truth = read_truth(tmp_path / "truth.parquet", TOKENISER)
    assert truth["record_token"].tolist() == [TOKENS["r1"]]


@pytest.mark.parametrize(
    ("rows", "head", "words"),
    [
        ([("r1", "A"), ("r1", "B")], "record_id,entity_id", "more than one entity_id"),
        ([("r1", "A")], "id,person", "columns entity_id and one of"),
        ([("x", "A")], "record_id,entity_id", "none of its 1 records is in the lake"),
    ],
)
def test_unusable_truth_is_refused(tables, tmp_path, rows, head, words):
    path = write_truth(tmp_path / "truth.csv", rows, head)
    with pytest.raises(ConfigError, match=words):
        label_run(tables, path)


def test_a_lake_without_a_run_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="runs_v1"):
        read_run(str(tmp_path))
    with pytest.raises(ConfigError, match="cannot be read"):
        read_truth(tmp_path / "none.csv", TOKENISER)
