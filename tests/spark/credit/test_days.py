"""Later runs on a copy of the lake: a day delivered again, known days, a past day, a dry run."""

import shutil
from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pipelines.core.delta_tables import read_arrow
from pipelines.credit.backtest import compare_rows
from pipelines.credit.generate import AS_OF
from pipelines.credit.lake import DAYS, FEATURES, SCORES, CreditLake
from tests.spark.credit.world import execute, published

pytestmark = pytest.mark.timeout(900)  # the shared fixture is a whole run

CHANGED = AS_OF - timedelta(days=20)


@pytest.fixture(scope="module")
def place(home, done):
    """The lake of the whole run, to go on with."""
    return shutil.copytree(home / "lake", home / "later")


@pytest.fixture(scope="module")
def second(home, done):
    """Two days of transactions, the later one with more rows than before; all else as it was."""
    folder, first = home / "second", done[1]
    raw = pq.read_table(first / "transactions")
    day = raw["transaction_date"]
    late = raw.filter(pc.equal(day, CHANGED))
    ids = pc.binary_join_element_wise(late["transaction_id"], "-late", "")
    amounts = pa.repeat(pa.scalar(77, pa.int64()), late.num_rows)
    for name, values in (("transaction_id", ids), ("transaction_amount_paise", amounts)):
        late = late.set_column(late.column_names.index(name), name, values)
    known = raw.filter(pc.is_in(day, pa.array([CHANGED - timedelta(days=1), CHANGED])))
    (folder / "transactions").mkdir(parents=True)
    both = pa.concat_tables([known, late.cast(known.schema)])
    pq.write_table(both, folder / "transactions" / "part-0.parquet")
    for name, as_ingested in (
        ("applications", "applications_v1"),
        ("tradelines", "ref_tradelines_v1"),
        ("outcomes", "outcomes"),
    ):
        (folder / as_ingested).symlink_to(first / name)
    return folder, late


def test_c1_c13_a_changed_day_and_a_past_day(spark, done, second, place):
    """A day is delivered again with late rows: only it is replaced; the old scores come out again."""
    (first, folder), (delivered, late) = done, second
    lake = CreditLake(spark, str(place))
    before = {name: lake.published(name) for name in (DAYS, FEATURES, SCORES)}
    given = {"lake": str(place), "as_of": AS_OF}
    again = execute(spark, command="score", input=str(delivered), **given)
    assert (again.counts["days_changed"], again.counts["days_unchanged"]) == (1, 1)
    old, new = read_arrow(lake.place(DAYS), before[DAYS]), published(spark, place, DAYS)
    other = pc.field("transaction_date") != CHANGED
    by_day = [("customer_id", "ascending"), ("transaction_date", "ascending")]
    kept, same = (
        rows.filter(other).drop_columns(["run_id"]).sort_by(by_day).combine_chunks()
        for rows in (old, new)
    )
    assert kept.num_rows > 0
    assert kept.equals(same)
    added = pc.sum(new["txn_count"]).as_py() - pc.sum(old["txn_count"]).as_py()
    assert added == len(set(late["transaction_id"].to_pylist())) > 0
    checked = execute(spark, command="backtest", input=str(folder), **given)
    assert (checked.metrics["scores_differing"], checked.metrics["features_differing"]) == (0, 0)
    assert checked.metrics["scores_compared"] == first.counts["out"] - first.counts["for_training"]


def test_rows_of_either_side_count_as_differing(spark):
    """Copies count by their number, and the column of the run does not count."""
    columns = "run_id string, key string, parts array<int>"
    one = [("r1", "a", [1]), ("r1", "b", None), ("r1", "c", [2]), ("r1", "c", [2])]
    two = [("r2", "a", [1]), ("r2", "b", [3]), ("r2", "c", [2])]
    stored, again = spark.createDataFrame(one, columns), spark.createDataFrame(two, columns)
    assert compare_rows(stored, again) == (4, 3)
    assert compare_rows(stored, stored) == (4, 0)


def test_days_with_known_content_are_not_aggregated_again(spark, second, place):
    before = CreditLake(spark, str(place)).published(DAYS)
    again = execute(spark, command="score", as_of=AS_OF, input=str(second[0]), lake=str(place))
    assert (again.counts["days_changed"], again.counts["days_unchanged"]) == (0, 2)
    assert CreditLake(spark, str(place)).published(DAYS) == before


def test_a_dry_run_writes_nothing(spark, home, second):
    given = {"input": str(second[0]), "lake": str(home / "none"), "as_of": AS_OF}
    summary = execute(spark, command="score", dry_run=True, **given)
    assert summary.status == "dry_run"
    assert not (home / "none").exists()
