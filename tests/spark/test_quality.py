"""Row checks of person tables and the quality gate."""

import datetime
import json
import os
import random
import sys
import time
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.core.errors import GateError
from pipelines.core.quality import Check, Rule, apply_rules, preload, reconcile, validate
from pipelines.dedup.checks import (
    QUARANTINED,
    REJECTED,
    CheckPlan,
    check_rows,
    count_ids,
    row_rules,
    tag_rows,
)
from pipelines.dedup.gate import count_rows, gate_checks, rows_by_reason, run_counts

AS_OF = datetime.date(2026, 1, 1)
FIELDS = {
    "name": "given_name",
    "dob": "date_of_birth",
    "pincode": "code",
    "phone": "phone",
    "gender": "gender",
}
COLUMNS = (
    "id string, enrolled_at timestamp, status string, name string, dob string, pincode string, "
    "phone string, gender string, captures binary, _corrupt_record string"
)
PLAN = CheckPlan(FIELDS, "id", AS_OF, formats={"dob": "yyyyMMdd"})
EARLY, LATE = datetime.datetime(2025, 1, 1), datetime.datetime(2025, 6, 1)


def row(**changes: Any) -> tuple[Any, ...]:
    base = {
        "id": "1",
        "enrolled_at": EARLY,
        "status": "ACTIVE",
        "name": "asha",
        "dob": "19860403",
        "pincode": "560001",
        "phone": "9000000001",
        "gender": "FEMALE",
        "captures": None,
        "_corrupt_record": None,
    }
    return tuple({**base, **changes}.values())


NOTHING: dict[str, Any] = dict.fromkeys(FIELDS)


def frame(spark: SparkSession, *rows: tuple[Any, ...]) -> DataFrame:
    return spark.createDataFrame(list(rows), COLUMNS)


def outcome(tagged: DataFrame) -> list[tuple[str | None, list[str]]]:
    return [(one["reject_reason"], one["dq_flags"]) for one in tagged.collect()]


ROWS: list[tuple[str, dict[str, Any], str | None, list[str]]] = [
    ("good", {}, None, []),
    ("null id", {"id": None}, "MISSING_ID", []),
    ("blank id", {"id": "  "}, "MISSING_ID", []),
    ("nothing to compare", NOTHING, "NO_EVIDENCE", []),
    ("blank fields", dict.fromkeys(FIELDS, " "), "NO_EVIDENCE", []),
    ("unknown gender only", {**NOTHING, "gender": "unknown"}, "NO_EVIDENCE", []),
    ("captures only", {**NOTHING, "captures": b"\1"}, None, []),
    ("empty captures", {**NOTHING, "captures": b""}, "NO_EVIDENCE", []),
    ("only a bad phone", {**NOTHING, "phone": "12"}, "NO_EVIDENCE", ["BAD_PHONE"]),
    ("unparsed line", {"_corrupt_record": "x;y"}, "UNREADABLE_ROW", []),
    ("not UTF-8", {"name": "as\ufffdha"}, "UNREADABLE_ROW", []),
    ("inactive", {"status": "INACTIVE"}, "INACTIVE", []),
    ("no status", {"status": None}, "INACTIVE", []),
    ("status in lower case", {"status": " active"}, None, []),
    ("impossible day", {"dob": "19860433"}, None, ["BAD_DOB"]),
    ("no leap year", {"dob": "19870229"}, None, ["BAD_DOB"]),
    ("leap year", {"dob": "19880229"}, None, []),
    ("other pattern", {"dob": "1986-04-03"}, None, ["BAD_DOB"]),
    ("tomorrow", {"dob": "20260102"}, None, ["BAD_DOB"]),
    ("today", {"dob": "20260101"}, None, []),
    ("130 years", {"dob": "18960101"}, None, []),
    ("over 130 years", {"dob": "18951231"}, None, ["BAD_DOB"]),
    ("no birth date", {"dob": None}, None, []),
    ("pincode starts with 0", {"pincode": "056001"}, None, ["BAD_PINCODE"]),
    ("short pincode", {"pincode": "56001"}, None, ["BAD_PINCODE"]),
    ("two", {"pincode": "x", "phone": "5000000001"}, None, ["BAD_PINCODE", "BAD_PHONE"]),
]


def test_each_rule(spark: SparkSession) -> None:
    rows = []
    for number, (_, changes, _, _) in enumerate(ROWS):
        rows.append(row(**{"id": str(number), **changes}))
    tagged = tag_rows(frame(spark, *rows).coalesce(1), PLAN, ids_repeat=False)
    found = outcome(tagged)
    for (name, _, reason, flags), (got_reason, got_flags) in zip(ROWS, found, strict=True):
        assert (got_reason, sorted(got_flags)) == (reason, sorted(flags)), name


def test_bad_values_are_emptied_and_good_ones_kept(spark: SparkSession) -> None:
    bad = row(id=" 7 ", dob="19860433", phone="1", pincode="1", name=" asha ")
    good, bad_row = tag_rows(frame(spark, row(), bad).coalesce(1), PLAN).orderBy("id").collect()
    assert good["dob"] == datetime.date(1986, 4, 3)
    assert (good["phone"], good["pincode"]) == ("9000000001", "560001")
    assert (bad_row["dob"], bad_row["phone"], bad_row["pincode"]) == (None, None, None)
    assert (bad_row["id"], bad_row["name"]) == ("7", "asha")


@pytest.mark.parametrize(
    ("pattern", "column"),
    [(None, "date"), (None, "timestamp"), ("yyyyMMdd", "int"), ("dd/MM/yyyy", "string")],
)
def test_dates_of_any_type(spark: SparkSession, pattern: str | None, column: str) -> None:
    texts = {"int": "19860403", "string": "03/04/1986"}
    frame = spark.sql(f"SELECT '1' id, CAST('{texts.get(column, '1986-04-03')}' AS {column}) dob")
    plan = CheckPlan({"dob": "date_of_birth"}, "id", AS_OF, {"dob": pattern} if pattern else {})
    found = tag_rows(frame, plan).collect()[0]
    assert (found["dob"], found["dq_flags"]) == (datetime.date(1986, 4, 3), [])


def test_a_code_that_is_no_pincode_is_left_alone(spark: SparkSession) -> None:
    data = spark.sql("SELECT 1 AS id, 2913 AS postcode, 'x-9' AS ssn")
    fields = {"postcode": "code", "ssn": "code"}
    plan = CheckPlan(fields, "id", AS_OF, {"ssn": r"^\d+$"})
    found = tag_rows(data, plan).collect()[0]
    assert (found["postcode"], found["ssn"], found["dq_flags"]) == ("2913", None, ["BAD_SSN"])


def test_one_id_many_rows(spark: SparkSession) -> None:
    rows = frame(
        spark,
        row(id="a", enrolled_at=EARLY),
        row(id="a", enrolled_at=LATE),
        row(id=" a", enrolled_at=None, name="asha "),
        row(id="b", enrolled_at=LATE, name="new"),
        row(id="b", enrolled_at=EARLY, name="old"),
        row(id="b", enrolled_at=None, name="undated"),
        row(id="c", enrolled_at=LATE, status="INACTIVE"),
        row(id="c", enrolled_at=EARLY),
        row(id=None),
        row(id=None),
    )
    expected = [
        ("a", LATE, None),
        ("a", EARLY, "DUPLICATE_ROW"),
        ("a", None, "DUPLICATE_ROW"),
        ("b", LATE, None),
        ("b", EARLY, "SUPERSEDED"),
        ("b", None, "SUPERSEDED"),
        ("c", LATE, "INACTIVE"),
        ("c", EARLY, "SUPERSEDED"),
        (None, EARLY, "MISSING_ID"),
        (None, EARLY, "MISSING_ID"),
    ]
    for partitions in (1, 7):
        found = tag_rows(rows.repartition(partitions), PLAN).collect()
        got = [(one["id"], one["enrolled_at"], one["reject_reason"]) for one in found]
        assert sorted(got, key=str) == sorted(expected, key=str)
    ids = count_ids(rows, PLAN).collect()[0]
    assert (ids["rows"], ids["ids"]) == (8, 3)


def slow_reason(one: dict[str, Any], group: list[dict[str, Any]]) -> str | None:
    """Oracle of the reason of one row, for rows without broken values."""
    if not (one["id"] or "").strip():
        return "MISSING_ID"
    newest = max(group, key=lambda other: other["enrolled_at"])
    if one is not newest:
        same = one["name"] == newest["name"] and one["status"] == newest["status"]
        return "DUPLICATE_ROW" if same else "SUPERSEDED"
    if one["status"] != "ACTIVE":
        return "INACTIVE"
    return "NO_EVIDENCE" if one["name"] is None else None


def test_accounting_on_random_tables(spark: SparkSession) -> None:
    random_rows = random.Random(5)
    rows = [
        {
            "id": random_rows.choice([None, "", *map(str, range(60))]),
            "enrolled_at": EARLY + datetime.timedelta(minutes=minute),
            "status": random_rows.choice(["ACTIVE", "ACTIVE", "ACTIVE", "DECEASED"]),
            "name": random_rows.choice([None, "asha", "ravi"]),
        }
        for minute in range(150)
    ]
    data = spark.createDataFrame(
        [tuple(one.values()) for one in rows],
        "id string, enrolled_at timestamp, status string, name string",
    )
    plan = CheckPlan({"name": "given_name"}, "id", AS_OF)
    tagged = tag_rows(data.repartition(3), plan)
    found = {one["enrolled_at"]: one["reject_reason"] for one in tagged.collect()}
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in rows:
        groups.setdefault(one["id"] or "", []).append(one)
    assert found == {one["enrolled_at"]: slow_reason(one, groups[one["id"] or ""]) for one in rows}

    figures = count_rows(tagged, plan).collect()[0].asDict()
    counts = run_counts(figures, dlq=2)
    reconcile(counts)
    assert counts["read"] == 152
    reasons = list(found.values())
    assert counts["out"] == figures["ids"] == reasons.count(None)
    assert counts["duplicates"] == reasons.count("DUPLICATE_ROW")
    assert counts["quarantined"] == sum(reasons.count(code) for code in QUARANTINED)
    assert counts["rejected"] == sum(reasons.count(code) for code in REJECTED)
    lost = {**counts, "out": counts["out"] - 1}
    with pytest.raises(GateError, match="do not add up"):
        reconcile(lost)


def test_rows_in_are_rows_out_and_rows_left(spark: SparkSession) -> None:
    data = frame(spark, row(), row(id="2", status="DECEASED"), row(id=None), row(id="3", dob="x"))
    good, others = check_rows(data, FIELDS, "id", AS_OF)
    assert good.count() + others.count() == 4
    assert sorted(one["reject_reason"] for one in others.collect()) == ["INACTIVE", "MISSING_ID"]
    assert "reject_reason" not in good.columns


def test_row_rules_are_data_for_present_columns(spark: SparkSession) -> None:
    data = spark.sql("SELECT 'x' AS id, 'y' AS name")
    plan = CheckPlan({"name": "given_name"}, "id", AS_OF)
    codes = [rule.code for rule in row_rules(data, plan)]
    assert codes == ["UNREADABLE_ROW", "MISSING_ID", "NO_EVIDENCE"]


def test_conditions_that_are_null_mean_fine(spark: SparkSession) -> None:
    data = spark.sql("SELECT CAST(NULL AS INT) AS a, array('OLD') AS dq_flags")
    rules = [
        Rule("BAD_A", "a > 1", "null_field", "a"),
        Rule("ODD", "a IS NULL", "flag"),
        Rule("NO", "a > 1", "reject"),
    ]
    found = apply_rules(data, rules).collect()[0]
    assert (found["reject_reason"], found["dq_flags"]) == (None, ["OLD", "ODD"])


def gate(spark: SparkSession, data: DataFrame, **limits: Any) -> Any:
    figures = count_rows(tag_rows(data, PLAN), PLAN).collect()[0].asDict()
    report = validate(gate_checks(figures, PLAN, **limits))
    report.require(rows_by_reason(figures))
    return report


def people(spark: SparkSession, number: int) -> DataFrame:
    return frame(spark, *(row(id=str(one)) for one in range(number)))


def test_a_sound_table_passes(spark: SparkSession) -> None:
    report = gate(spark, people(spark, 40).unionAll(frame(spark, row(id=None))))
    assert report.errors == []
    rows = {one["expectation"]: one for one in report.rows}
    assert rows["row_count"]["evaluated"] == 40
    assert rows["quarantine"] == {
        "expectation": "quarantine",
        "severity": "ERROR",
        "success": True,
        "evaluated": 41,
        "failed": 1,
    }


def test_quarantine_above_the_limit_stops_the_run(spark: SparkSession) -> None:
    broken = people(spark, 18).unionAll(frame(spark, row(id=None), row(id="y", **NOTHING)))
    with pytest.raises(GateError, match=r"quarantine \(2 of 20\).*MISSING_ID 1, NO_EVIDENCE 1"):
        gate(spark, broken)
    assert GateError.exit_code == 3


def test_an_empty_table_stops_the_run(spark: SparkSession) -> None:
    with pytest.raises(GateError, match="row_count"):
        gate(spark, people(spark, 2).where("id = 'none'"))
    with pytest.raises(GateError, match=r"row_count.*INACTIVE 2"):
        gate(spark, people(spark, 2).withColumn("status", F.lit("INACTIVE")))


def test_an_all_null_column_stops_the_run(spark: SparkSession) -> None:
    data = people(spark, 120).withColumn("phone", F.lit(None).cast("string"))
    with pytest.raises(GateError, match=r"null:phone \(120 of 120\)"):
        gate(spark, data)
    one = people(spark, 1).withColumn("phone", F.lit(None).cast("string"))
    warned = [r["expectation"] for r in gate(spark, one).rows if not r["success"]]
    assert warned == ["null:phone"]


def test_ids_that_are_not_unique_stop_the_run(spark: SparkSession) -> None:
    figures = count_rows(
        tag_rows(people(spark, 3).unionAll(people(spark, 3)), PLAN, ids_repeat=False), PLAN
    )
    checks = gate_checks(figures.collect()[0].asDict(), PLAN)
    failed = [one["expectation"] for one in validate(checks).errors]
    assert failed == ["unique_ids"]


def test_many_bad_pincodes_warn(spark: SparkSession) -> None:
    data = people(spark, 10).withColumn("pincode", F.lit("000000"))
    warned = [one["expectation"] for one in gate(spark, data).rows if not one["success"]]
    assert warned == ["BAD_PINCODE", "null:pincode"]


def test_the_gate_is_cheap_and_quiet() -> None:
    checks = [Check("row_count", 5, minimum=1), Check("BAD_DOB", 5, 1, tolerance=0.2)]
    preload().join()
    assert "great_expectations" in sys.modules
    assert os.environ["GX_ANALYTICS_ENABLED"] == "false"
    validate(checks)
    started = time.process_time()
    assert validate(checks).errors == []
    assert time.process_time() - started < 1.0


def test_a_suite_needs_a_row_count_and_different_names() -> None:
    share, count = Check("BAD_DOB", 5, 1), Check("row_count", 5, minimum=1)
    for checks in ([], [share], [count, share, share]):
        with pytest.raises(GateError, match="needs a row count and different names"):
            validate(checks)


def test_the_report_is_json() -> None:
    rows = validate([Check("row_count", 0, minimum=1), Check("x", 4, 1, severity="WARN")]).rows
    assert json.loads(json.dumps(rows)) == [
        {
            "expectation": "row_count",
            "success": False,
            "severity": "ERROR",
            "evaluated": 0,
            "failed": 0,
        },
        {"expectation": "x", "success": False, "severity": "WARN", "evaluated": 4, "failed": 1},
    ]
