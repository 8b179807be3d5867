"""Row rules in Spark, and the quality suite."""

import json
import os
import sys
import time

import pytest
from pyspark.sql import SparkSession

from pipelines.core.errors import GateError
from pipelines.core.quality import Check, Rule, apply_rules, preload, validate


def test_conditions_that_are_null_mean_fine(spark: SparkSession) -> None:
    data = spark.sql("SELECT CAST(NULL AS INT) AS a, array('OLD') AS dq_flags")
    rules = [
        Rule("BAD_A", "a > 1", "null_field", "a"),
        Rule("ODD", "a IS NULL", "flag"),
        Rule("NO", "a > 1", "reject"),
    ]
    found = apply_rules(data, rules).collect()[0]
    assert (found["reject_reason"], found["dq_flags"]) == (None, ["OLD", "ODD"])


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
            "minimum": 1,
            "tolerance": 0.0,
        },
        {
            "expectation": "x",
            "success": False,
            "severity": "WARN",
            "evaluated": 4,
            "failed": 1,
            "minimum": None,
            "tolerance": 0.0,
        },
    ]
