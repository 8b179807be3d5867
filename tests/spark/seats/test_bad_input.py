"""Records and plans that cannot be right: each gets its reason, and the others go on."""

from datetime import datetime

import pytest
from pyspark.sql import functions as F

from pipelines.core.contracts import spark_schema
from pipelines.core.errors import ConfigError, GateError
from pipelines.seats.checks import Limits, tag_cancellations, tag_requests
from pipelines.seats.generate import DAY
from pipelines.seats.times import end_of_day

PERSON = {
    "passenger_no": 1, "age": 30, "gender": "M", "is_military": False, "is_disabled": False,
    "berth_preference": "NONE",
}  # fmt: skip


def request(number, **changes):
    base = {
        "event_id": f"r{number}", "event_time": datetime.fromisoformat("2026-03-01 05:00"), "ingest_time": None,
        "source": "t", "schema_version": 1, "region": "NR", "priority": 5, "request_id": f"r{number}",
        "pnr": f"p{number}", "train_id": "1", "service_date": DAY, "travel_class": "SL",
        "from_station": "A", "to_station": "C", "quota": "GN",
        "booked_at": datetime.fromisoformat("2026-03-01 05:00"), "passengers": [PERSON],
    }  # fmt: skip
    return {**base, **changes}


def people(*changes):
    return [{**PERSON, "passenger_no": n + 1, **one} for n, one in enumerate(changes)]


CASES = {
    None: {},
    "UNKNOWN_TRAIN": {"train_id": "2"},
    "CLASS_NOT_ON_TRAIN": {"travel_class": "A1"},
    "UNKNOWN_STATION": {"to_station": "X"},
    "REVERSED_JOURNEY": {"from_station": "C", "to_station": "A"},
    "GROUP_SIZE": {"passengers": people(*[{}] * 7)},
    "BAD_AGE": {"passengers": people({"age": 126})},
    "UNKNOWN_GENDER": {"passengers": people({"gender": "UNKNOWN"})},
    "REPEATED_PASSENGER": {"passengers": people({}, {"passenger_no": 1})},
    "UNKNOWN_QUOTA": {"quota": "UNKNOWN"},
    "MISSING_ID": {"pnr": ""},
    "AFTER_AS_OF": {"booked_at": datetime.fromisoformat("2026-03-16 05:00")},
}


@pytest.fixture(scope="module")
def tagged(spark):
    rows = [request(n, **change) for n, change in enumerate(CASES.values())]
    rows.append(request(90, from_station="A", to_station="A"))
    rows.append(request(91, passengers=[]))
    rows += [request(92), request(92)]  # sent twice
    rows += [request(93), request(93, to_station="B")]  # one id, other content
    rows += [
        request(94),
        request(95, pnr="p94"),
        request(96, pnr="p94", booked_at=datetime.fromisoformat("2026-02-28")),
    ]
    schema = spark_schema("rail.BookingRequest")
    frame = spark.createDataFrame(
        [tuple(row[name] for name in schema.names) for row in rows], schema
    )
    lookup = spark.createDataFrame(
        [("1", DAY, ["A", "B", "C"], ["SL"], 0)],
        "train_id string, service_date date, stations array<string>, classes array<string>, first_key int",
    )  # fmt: skip
    found = tag_requests(frame, lookup, Limits(6, end_of_day(DAY)))
    assert found.records == len(rows)
    return found.rows.select("request_id", F.col("reject_reason").alias("reason")).toPandas()


@pytest.mark.parametrize(("number", "reason"), list(enumerate(CASES)))
def test_each_fault_has_its_reason(tagged, number, reason):
    assert tagged.loc[tagged["request_id"] == f"r{number}", "reason"].tolist() == [reason]


def test_more_of_a_kind(tagged):
    reasons = tagged.groupby("request_id")["reason"].apply(lambda found: sorted(map(str, found)))
    assert reasons["r90"] == ["REVERSED_JOURNEY"]
    assert reasons["r91"] == ["GROUP_SIZE"]
    assert reasons["r92"] == ["DUPLICATE_ROW", "None"]
    assert reasons["r93"] == ["DUPLICATE_CONFLICT"] * 2
    assert (reasons["r96"], reasons["r94"], reasons["r95"]) == (
        ["None"], ["DUPLICATE_PNR"], ["DUPLICATE_PNR"],
    )  # fmt: skip
    assert len(tagged) == len(CASES) + 9


def test_cancellations_without_repeats_pass(spark):
    schema = spark_schema("rail.Cancellation")
    moment = datetime.fromisoformat("2026-03-02 05:00")
    row = ("c1", moment, None, "t", 1, "NR", 5, "c1", "p1", [], moment, "1", DAY, "SL")
    lookup = spark.createDataFrame(
        [("1", DAY, ["A", "B"], ["SL"], 0)],
        "train_id string, service_date date, stations array<string>, classes array<string>, first_key int",
    )  # fmt: skip
    found = tag_cancellations(
        spark.createDataFrame([row], schema), lookup, Limits(6, end_of_day(DAY))
    )
    assert [one["reject_reason"] for one in found.rows.collect()] == [None]


def test_too_many_bad_records_stop_the_run(allot, day, tmp_path):
    with pytest.raises(GateError, match="quarantine"):
        allot(str(day.folder), {"max_reject_share": 0.0001}, lake=tmp_path)
    assert not (tmp_path / "runs_v1").exists()


def test_a_missing_folder_says_what_it_must_hold(allot, tmp_path):
    with pytest.raises(ConfigError, match="booking_requests"):
        allot(str(tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match="there is no table trains"):
        allot(str(tmp_path))
    with pytest.raises(ConfigError, match="run --intake first"):
        allot("ledger")


LINES = """trainId|date|route|demand|availability
12001|2026-03-15|NDLS->CNB|60|50
12002|2026-03-15|NDLS->CNB|60|50
12003|2026-03-15|NDLS->CNB
12004|15-03-2026|NDLS->CNB|1|1
12005|2026-03-15|NDLS|1|1
12006|2026-03-15|NDLS->CNB|many|1
12007|2026-03-15|NDLS->CNB|-5|1

12008|2026-03-15|NDLS->CNB->NDLS|1|1
12009|2026-03-15|NDLS->CNB|0|0
"""


def test_planning_lines(allot, tmp_path):
    (tmp_path / "plan.psv").write_text(LINES)
    done = allot(str(tmp_path / "plan.psv"))
    assert (done.summary.counts["in"], done.summary.counts["out"]) == (9, 3)
    rows = done.table("rail_plan").set_index("train_id")
    assert rows.loc[["12001", "12002"], "allocated"].tolist() == [50, 50]
    assert rows.loc["12009", "is_zero_capacity"]
    assert rows.loc["12009", ["utilisation", "efficiency_score", "fill_rate"]].isna().all()
    bad = done.table("quarantine").set_index("location")["reason"].to_dict()
    assert bad == {
        "plan.psv:4": "FIELD_COUNT", "plan.psv:5": "BAD_DATE", "plan.psv:6": "BAD_ROUTE",
        "plan.psv:7": "BAD_NUMBER", "plan.psv:8": "NEGATIVE", "plan.psv:10": "BAD_ROUTE",
    }  # fmt: skip
    assert done.summary.metrics["jain"] == pytest.approx(1.0)
