"""A whole small day: accounting, tables, publication, report."""

import json
import re
import shutil
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.core.contracts import spark_schema
from pipelines.core.errors import GateError
from pipelines.core.privacy import Tokeniser
from pipelines.seats.arrange import Ages
from pipelines.seats.checks import Limits
from pipelines.seats.codes import CLASSES
from pipelines.seats.config import SeatsConfig
from pipelines.seats.execution import TaskSettings
from pipelines.seats.execution import allot as allot_events
from pipelines.seats.generate import DAY
from pipelines.seats.plans import read_plans
from pipelines.seats.sources import open_folder
from pipelines.seats.stage import partition_events, stage_events
from pipelines.seats.tables import DayLake, task_files
from pipelines.seats.times import end_of_day
from pipelines.seats.verify import require, verify_tables

pytestmark = pytest.mark.timeout(400)  # whole runs, several in some tests


def test_everything_read_is_accounted_for(small, day):
    counts = small.summary.counts
    assert counts["read"] == day.requests + day.cancellations
    assert (
        counts["in"] == counts["read"] - counts["duplicates"] == counts["out"] + counts["rejected"]
    )
    assert counts["duplicates"] == 2
    quarantine = small.table("quarantine")
    assert len(quarantine) == counts["quarantined"]
    found = quarantine["reason"].value_counts().to_dict()
    for reason in (
        "UNKNOWN_STATION",
        "REVERSED_JOURNEY",
        "UNKNOWN_TRAIN",
        "GROUP_SIZE",
        "DUPLICATE_PNR",
    ):
        assert found[reason] == 2, reason
    assert quarantine["record_token"].str.match(r"t1_[A-Z2-7]{26}$").all()


def test_a_row_per_passenger_with_both_reasons(small):
    rows = small.table("rail_allocation")
    assert not rows.duplicated(["pnr", "passenger_no"]).any()
    for name in ("why_first", "why_last"):
        assert (rows[name].str["code"] != "UNKNOWN").all()
    cancelled = rows[rows["status"] == "CANCELLED"]
    assert (cancelled["why_last"].str["code"] == "CANCELLED").all()
    assert cancelled["why_last"].str["cause_id"].str.match(r"C\d{9}$").all()
    assert rows["charged_quota"].notna().eq(rows["status"] == "CONFIRMED").all()
    assert rows["position"].notna().eq(rows["status"].isin(["RAC", "WAITLISTED"])).all()
    metrics = small.summary.metrics
    assert metrics["confirmed"] == (rows["status"] == "CONFIRMED").sum()
    assert metrics["double_sold"] == metrics["stranded"] == 0


def test_no_seat_segment_is_held_twice_by_a_slow_counter(small):
    taken = set()
    for row in small.table("rail_chart").itertuples():
        for half in ("A", "B") if row.place == "FULL" else (row.place,):
            for segment in range(row.from_seq, row.to_seq):
                cell = (row.train_id, row.travel_class, row.coach_id, row.berth_no, half, segment)
                assert cell not in taken
                taken.add(cell)
    assert taken


def test_segment_figures_equal_the_chart(small):
    chart, segments = small.table("rail_chart"), small.table("rail_segment_metrics")
    sample = segments[segments["train_id"] == "12002"]
    for row in sample.itertuples():
        own = chart[
            (chart["train_id"] == row.train_id) & (chart["travel_class"] == row.travel_class)
        ]
        inside = (own["from_seq"] <= row.segment) & (row.segment < own["to_seq"])
        assert row.allocated == inside.sum()
        assert row.load == pytest.approx(row.allocated / row.places)
    assert np.isfinite(segments[["utilisation", "load", "efficiency_score"]].to_numpy()).all()
    assert set(segments["travel_class"]) <= set(CLASSES)


def test_the_report_and_the_manifest_agree(small):
    told = json.loads((small.report / "run.json").read_text())
    page = (small.report / "report.html").read_text()
    assert told["status"] == "done"
    assert f"{told['counts']['in']:,}" in page
    assert not re.search(r"P\d{9}|R\d{9}", page)
    required = ["bookings", "accepted_fraction", "rac", "waitlisted", "utilisation", "optimum_gap"]
    required += ["double_sold", "split_groups", "bookings_per_second"]
    assert [name for name in required if told["metrics"].get(name) is None] == []


def test_a_rerun_changes_nothing(small, allot, day):
    before = {name: one["version"] for name, one in small.summary.tables.items()}
    again = allot(str(day.folder), lake=small.lake)
    assert {name: one["version"] for name, one in again.summary.tables.items()} == before
    assert again.digests() == small.digests()


def test_partitions_and_order_of_the_input_do_not_matter(small, allot, day, tmp_path):
    for table in ("trains", "booking_requests", "cancellations"):
        rows = pq.read_table(day.folder / f"{table}.parquet")
        order = np.random.default_rng(7).permutation(rows.num_rows)
        (tmp_path / table).mkdir()
        for part, places in enumerate(np.array_split(order, 3)):
            pq.write_table(rows.take(places), tmp_path / table / f"{part}.parquet")
    other = allot(str(tmp_path), {"partitions": 7})
    ours, theirs = small.digests(), other.digests()
    assert {name: ours[name] for name in ours if name != "quarantine"} == {
        name: theirs[name] for name in theirs if name != "quarantine"
    }
    columns = ["reason", "record_token"]  # the dataset is named after its folder
    rows = [run.table("quarantine")[columns].sort_values(columns) for run in (small, other)]
    assert rows[0].to_numpy().tolist() == rows[1].to_numpy().tolist()


def test_1_2_7_and_200_partitions_give_the_same_rows(spark, day, tmp_path):
    """ST4 up to the kernel's results; the tables are compared above."""
    source = open_folder(spark, str(day.folder), is_public=False)
    plans = read_plans(source.trains, SeatsConfig(), end_of_day(DAY))
    limits = Limits(6, end_of_day(DAY))
    staged = stage_events(source.requests, source.cancellations, plans, limits)
    assert staged.records == day.requests + day.cancellations
    events = staged.rows.persist()
    settings = TaskSettings(Ages(60, 12, 45), Tokeniser(b"k" * 20, 1), False, 2, 0.1)
    shared = spark.sparkContext.broadcast(plans)
    found = []
    for partitions in (1, 2, 7, 200):
        lake = DayLake(spark, str(tmp_path / str(partitions)), files=None, days=(DAY,))
        done = allot_events(
            partition_events(events, partitions), shared, settings, task_files(lake, "r")
        )
        digests = {k: sum(p.digest for p in parts) % 2**64 for k, parts in done.parts.items()}
        found.append((digests, sorted(map(str, done.quarantine.to_pylist()))))
    events.unpersist()
    assert set(found[0][0]) == {"allocation", "chart", "segments", "classes"}
    assert found[0] == found[1] == found[2] == found[3]


def test_a_dry_run_writes_nothing(allot, day, tmp_path):
    dry = allot(str(day.folder), lake=tmp_path / "lake", dry_run=True)
    assert dry.summary.status == "dry_run"
    assert not (tmp_path / "lake").exists()
    assert dry.summary.metrics["double_sold"] == 0


PLANTED = {
    "double_sold": {"from_seq": 0, "to_seq": lambda rows: rows["to_seq"].clip(lower=3)},
    "journeys_outside": {"to_seq": 200},
    "passengers_on_two_berths": {"pnr": "t1_ONE", "passenger_no": 1},
    "passengers_without_berth": {"passenger_no": lambda rows: rows["passenger_no"] + 1},
    "berths_unknown": {"coach_id": lambda rows: rows["pnr"]},
}


def test_the_second_counter_finds_what_is_planted(small, spark, tmp_path, day):
    shutil.copytree(small.lake, tmp_path / "lake")
    lake = DayLake(spark, str(tmp_path / "lake"), files=None, days=(DAY,))
    source = open_folder(spark, str(day.folder), is_public=False)
    plans = read_plans(source.trains, SeatsConfig(), end_of_day(DAY))
    assert set(verify_tables(lake, plans).values()) == {0}
    chart = lake.staged_rows("rail_chart").to_pandas()
    for kind, changes in PLANTED.items():
        wrong = pa.Table.from_pandas(chart.assign(**changes), preserve_index=False)
        lake.replace_days("rail_chart", wrong, spark_schema("rail.ChartEntry"))
        found = verify_tables(lake, plans)
        assert found[kind] > 0, kind
        with pytest.raises(GateError, match=kind):
            require(found)


def test_before_the_chart_there_are_statuses_and_no_berths(allot, day):
    early = allot(str(day.folder), as_of=DAY - timedelta(days=2))
    assert early.table("rail_chart").empty
    assert early.summary.counts["after_as_of"] > 0
    assert (early.table("rail_allocation")["status"] == "RAC").any()


def test_another_day_in_the_same_lake_stays(small, allot, day, spark, tmp_path):
    lake = tmp_path / "lake"
    shutil.copytree(small.lake, lake)
    folder = tmp_path / "next"
    folder.mkdir()
    for table in ("trains", "booking_requests"):
        rows = pq.read_table(day.folder / f"{table}.parquet")
        at = rows.column_names.index("service_date")
        next_day = pa.repeat(pa.scalar(DAY + timedelta(days=1)), rows.num_rows)
        pq.write_table(rows.set_column(at, "service_date", next_day), folder / f"{table}.parquet")
    allot(str(folder), lake=lake)
    rows = spark.read.format("delta").load(str(lake / "rail_chart_v1"))
    found = dict(rows.groupBy("service_date").count().collect())
    assert found.keys() == {DAY, DAY + timedelta(days=1)}
    assert found[DAY] == len(small.table("rail_chart"))
