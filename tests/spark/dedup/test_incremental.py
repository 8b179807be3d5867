"""Incremental runs: after every slice the tables are those of a full run on all rows so far."""

import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pipelines.core.errors import ConfigError
from pipelines.dedup.generate import write_synthetic
from tests.spark.dedup.conftest import Deduplicate, Finished

pytestmark = pytest.mark.timeout(600)

KEYS = {
    "enrolments": ["record_token"],
    "candidate_edges": ["token_a", "token_b"],
    "golden_records": ["cluster_id"],
    "review_queue": ["review_id"],
    "clusters": ["record_token"],
}
RUN_COLUMNS = ["run_id"]
SPARK_WORKS = {"local_rows": 0}  # however few the new rows are
# How a member came to its cluster is the story of the runs; where it is now is not.
STORY = ["valid_from_run", "action", "rule", "cause_edge", "score_bits", "previous_cluster_id"]


@dataclass
class Slices:
    """Rows in the order of their arrival, as Parquet files; the last one has difficult rows."""

    files: list[Path]
    everything: Path


@pytest.fixture(scope="module")
def slices(tmp_path_factory: pytest.TempPathFactory) -> Slices:
    folder = tmp_path_factory.mktemp("slices")
    made = write_synthetic(700, folder / "made", seed=5, workers=1)
    rows = pq.read_table(made.enrolments)
    parts = np.random.default_rng(4).choice(3, rows.num_rows, p=[0.7, 0.2, 0.1])
    cut = [rows.filter(pa.array(parts == number)) for number in range(3)]
    cut[1] = pa.concat_tables(
        [cut[1], copies(cut[0].slice(0, 4), "b"), copies(cut[1].slice(0, 2), "c")]
    )
    cut[2] = pa.concat_tables(
        [cut[2], copies(cut[0].slice(0, 8), "d"), moved(cut[0].slice(2, 12), 1),
         moved(cut[0].slice(20, 3), -1), cut[0].slice(30, 3)]
    )  # fmt: skip
    files = [folder / f"slice-{number}.parquet" for number in range(3)]
    for file, part in zip(files, cut, strict=True):
        pq.write_table(part, file)
    everything = folder / "everything.parquet"
    pq.write_table(pa.concat_tables(cut), everything)
    return Slices(files, everything)


def copies(rows: pa.Table, mark: str) -> pa.Table:
    """The same persons with the same content under other ids."""
    return renamed(
        rows, "enrolment_id", [f"{mark}{one}" for one in rows["enrolment_id"].to_pylist()]
    )


def moved(rows: pa.Table, days: int) -> pa.Table:
    """The same ids at another house, enrolled some days later."""
    rows = renamed(rows, "house", [f"{number} A" for number in range(500, 500 + len(rows))])
    later = pc.add(rows["event_time"], pa.scalar(timedelta(days=days)))
    at = rows.column_names.index("event_time")
    return rows.set_column(at, "event_time", later.cast(rows.schema.field("event_time").type))


def renamed(rows: pa.Table, column: str, values: list[str]) -> pa.Table:
    at = rows.column_names.index(column)
    return rows.set_column(at, rows.schema.field(at), pa.array(values, pa.string()))


@pytest.fixture(scope="module")
def first(deduplicate: Deduplicate, slices: Slices) -> Finished:
    """A full run on the first slice. Its lake stays as it is: others go on with a copy."""
    return deduplicate(str(slices.files[0]))


@pytest.fixture(scope="module")
def stepwise(
    deduplicate: Deduplicate,
    slices: Slices,
    first: Finished,
    tmp_path_factory: pytest.TempPathFactory,
) -> list[Finished]:
    """Three slices: the others come one after another, to the workers of Spark."""
    lake = tmp_path_factory.mktemp("stepwise") / "lake"
    shutil.copytree(first.lake, lake)
    more = [
        deduplicate(str(file), SPARK_WORKS, lake=lake, mode="incremental")
        for file in slices.files[1:]
    ]
    return [first, *more]


@pytest.fixture(scope="module")
def ten(
    deduplicate: Deduplicate,
    slices: Slices,
    first: Finished,
    tmp_path_factory: pytest.TempPathFactory,
) -> Finished:
    """Ten slices: the rows of the others in nine parts, in another order, on the driver."""
    folder = tmp_path_factory.mktemp("ten")
    shutil.copytree(first.lake, folder / "lake")
    rows = pa.concat_tables([pq.read_table(file) for file in slices.files[1:]])
    rows = rows.take(np.random.default_rng(9).permutation(rows.num_rows))
    for number, places in enumerate(np.array_split(np.arange(rows.num_rows), 9)):
        pq.write_table(rows.take(places), folder / f"{number}.parquet")
        run = deduplicate(
            str(folder / f"{number}.parquet"), lake=folder / "lake", mode="incremental"
        )
    return run


@pytest.fixture(scope="module")
def full(deduplicate: Deduplicate, slices: Slices, first: Finished) -> Finished:
    return deduplicate(str(slices.everything), model=model_of(first.lake))


def model_of(lake: Path) -> Path:
    (model,) = (lake / "models").glob("*/model.json")
    return model


def content(run: Finished, name: str) -> pd.DataFrame:
    rows = run.table(name).drop(columns=RUN_COLUMNS)
    if name == "clusters":
        rows = rows[rows["valid_to_run"].isna()].drop(columns=STORY)
    return rows.sort_values(KEYS[name]).reset_index(drop=True).map(plain)


def plain(value: object) -> object:
    """Maps and lists of a row as something that compares."""
    if isinstance(value, dict):
        return tuple(sorted(value.items()))
    return tuple(value) if isinstance(value, list | np.ndarray) else value


@pytest.mark.parametrize("name", KEYS)
def test_slices_end_where_a_full_run_ends(
    stepwise: list[Finished], ten: Finished, full: Finished, name: str
) -> None:
    """D17: one slice, three and ten, whatever their order."""
    expected = content(full, name)
    assert len(expected) > 0 or name == "review_queue"
    pd.testing.assert_frame_equal(content(stepwise[-1], name), expected)
    pd.testing.assert_frame_equal(content(ten, name), expected)


def test_rows_of_a_slice_are_accounted_for(stepwise: list[Finished], slices: Slices) -> None:
    for run, file in zip(stepwise, slices.files, strict=True):
        counts = run.summary.counts
        assert counts["read"] == pq.read_metadata(file).num_rows
        assert counts["in"] == counts["out"] + counts["rejected"]
    last = stepwise[-1].summary.counts
    assert last["duplicates"] == 3  # the same rows once more
    assert last["rejected"] == 3  # older than what is known of the same ids


def test_identical_records_do_not_grow_quadratically(stepwise: list[Finished]) -> None:
    edges = stepwise[-1].table("candidate_edges")
    identical = edges[[list(found) == ["identical"] for found in edges["families"]]]
    contents = stepwise[-1].table("enrolments")["content_hash"]
    assert len(identical) == len(contents) - contents.nunique() >= 4 + 2 + 8


def test_a_lost_store_costs_time_only(
    deduplicate: Deduplicate, slices: Slices, stepwise: list[Finished], tmp_path: Path
) -> None:
    """Nothing arrives, the store is made anew from the table: nothing changes."""
    lake = tmp_path / "lake"
    shutil.copytree(stepwise[-1].lake, lake)
    shutil.rmtree(lake / "store")
    again = deduplicate(str(slices.files[1]), lake=lake, mode="incremental")
    assert again.summary.counts["out"] == 0
    assert again.digests() == stepwise[-1].digests()


def test_there_must_be_something_to_add_to(deduplicate: Deduplicate, slices: Slices) -> None:
    with pytest.raises(ConfigError, match="no run has published records"):
        deduplicate(str(slices.files[0]), mode="incremental")


def test_other_keys_need_a_full_run(
    deduplicate: Deduplicate, slices: Slices, stepwise: list[Finished]
) -> None:
    change = {"signatures": {"seed": 99}}
    with pytest.raises(ConfigError, match="other keys"):
        deduplicate(str(slices.files[1]), change, lake=stepwise[-1].lake, mode="incremental")
